"""The invariants after every step of a life: the first in every world, the others on an account."""

from collections import Counter
from collections.abc import Callable
from datetime import timedelta

from shared.crypto.secret import Secret
from shared.domain.account import LIVE, Account
from tests.life.citizen import Citizen
from tests.life.pure import VERIFIERS, PureWorld, at_once
from tests.life.world import Standing
from tests.unit.decisions import PEPPER

Invariant = Callable[[Citizen, PureWorld], None]


def the_ledger_says_what_is_expected(citizen: Citizen) -> None:
    """Status and level follow from what happened (restoring keeps the level, revoking ends it)."""
    world, expected = citizen.world, Standing(citizen.expected.status, citizen.expected.level)
    world.until(lambda: world.standing() == expected, f"{expected}, not {world.standing()}")


def nothing_came_that_was_not_expected(citizen: Citizen, _: PureWorld) -> None:
    """R5, R6, R14, R15: no half and no link arrived except the expected ones."""
    assert not citizen.unread()


def only_the_one_pin_opens(citizen: Citizen, world: PureWorld) -> None:
    """R7, R10, R15, R16, R20: never two live PINs; no earlier PIN, half or token is accepted."""
    expected, account = citizen.expected, world.account
    assert (account.pin is not None) == (expected.pin is not None)
    if expected.pin:
        assert _opens(account, expected.pin)
        assert account.pin is not None
        assert account.pin.initial == expected.initial
        parts = {expected.pin[:8], expected.pin[8:]} if expected.initial else set()
        assert not [text for text in expected.spent | parts if _opens(account, text)]
    digests = [link.digest for link in (account.restore, account.revocation) if link]
    open_ones = [link.token for link in (expected.restore, expected.revocation) if link]
    assert digests == [PEPPER.link(Secret(token)) for token in open_ones]
    assert not [token for token in expected.spent_tokens if PEPPER.link(Secret(token)) in digests]


def _opens(account: Account, text: str) -> bool:
    pin = account.pin
    assert pin is not None
    if pin.initial:
        return VERIFIERS.opens_initial(pin, Secret(text))
    opens: bool = at_once(VERIFIERS.opens(pin, Secret(text)))
    return opens


def level_goes_with_life(_: Citizen, world: PureWorld) -> None:
    """R8, R17: exactly live PINs have a level; an ended PIN leaves nothing open."""
    account = world.account
    assert (account.level is not None) == (account.status in LIVE)
    if account.status not in LIVE:
        ended = (account.pin, account.restore, account.revocation, account.dispositivo, account.review_since)
        assert ended == (None,) * 5


def attempts_are_never_under_counted(citizen: Citizen, world: PureWorld) -> None:
    """R11: every failure since the last success counts, locks and blocks."""
    tally, attempts, life = citizen.expected.tally, world.account.attempts, world.policy
    assert attempts.total >= tally.failures
    assert attempts.blocked == (tally.failures >= life.attempts_in_all)
    assert attempts.locked_until == tally.locked_until
    assert attempts.in_row < life.attempts_in_row


def wrong_cards_lock_the_card(citizen: Citizen, world: PureWorld) -> None:
    """R19: however many a stranger tries."""
    tally, attempts = citizen.expected.card_tally, world.account.card_attempts
    expected = (tally.failures, tally.in_row, tally.locked_until)
    assert (attempts.total, attempts.in_row, attempts.locked_until) == expected


def few_links_a_day(citizen: Citizen, world: PureWorld) -> None:
    """At most three links in any 24 hours, however many PINs and flows they are for."""
    sent, limit = citizen.expected.links_sent, world.policy.links_a_day
    for start in sent:
        assert sum(timedelta(0) <= moment - start < timedelta(days=1) for moment in sent) <= limit


def one_request_and_the_queue_has_what_waits(citizen: Citizen, world: PureWorld) -> None:
    """R22, R25, R28: the open request is the expected one; those with documents wait in the queue."""
    request, account = citizen.expected.request, world.account
    assert (account.dispositivo.id if account.dispositivo else None) == (request.id if request else None)
    waits = request is not None and request.documents and request.effective_at is None
    assert (account.review_since is not None) == waits


def istanze_wait_only_for_the_profile(citizen: Citizen, world: PureWorld) -> None:
    """R30-R32: none is suspended while the PIN is dispositivo, none released twice; protocols are unique."""
    expected, account = citizen.expected, world.account
    assert {istanza.id for istanza in account.suspended} == expected.suspended
    assert not (account.suspended and account.level == "dispositivo")
    released = Counter(data["protocol"] for type_, data in world.facts if type_ == "istanza.released")
    assert released == Counter(expected.released)
    assert not [protocol for protocol, times in released.items() if times > 1]
    assert len(set(expected.protocols.values())) == len(expected.protocols)


def contacts_and_card_are_as_last_told(citizen: Citizen, world: PureWorld) -> None:
    """R12, R19."""
    kept = {kind: value for kind, value in world.account.contacts if value}
    assert kept == citizen.expected.contacts
    card = world.account.health_card
    assert (card.model_dump(mode="json") if card else None) == citizen.expected.card


OF_THE_ACCOUNT: tuple[Invariant, ...] = (
    nothing_came_that_was_not_expected,
    only_the_one_pin_opens,
    level_goes_with_life,
    attempts_are_never_under_counted,
    few_links_a_day,
    wrong_cards_lock_the_card,
    one_request_and_the_queue_has_what_waits,
    istanze_wait_only_for_the_profile,
    contacts_and_card_are_as_last_told,
)
