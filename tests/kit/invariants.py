"""The invariants after any crash: each is a function that asserts it on the evidence."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from uuid import UUID

from deploy.local.captured import Captured
from deploy.local.client import Client
from deploy.local.stack import Stack
from shared.contract.events import EVENTS
from shared.crypto.secret import Secret
from shared.domain.account import LIVE
from shared.ledger.chain import GENESIS, link
from tests.kit.evidence import DEAD, Asked, Evidence, LedgerEntry, gathered, glimpsed
from tests.kit.waiting import LIMIT, until

Invariant = Callable[[Evidence], None]

_BEGINS = {"pin.issued"}
_ENDS = {"pin.revoked", "pin.expired"}
_REPLACES = {"pin.activated", "restore.confirmed"}
_CHANGES = _BEGINS | _ENDS | _REPLACES


def every_message_is_handled_once(found: Evidence) -> None:
    """Every published message is done in the inbox, none is only claimed, and no attempt is open."""
    missing = [a for a in found.asked if not found.handled.get(UUID(a.message_id))]
    assert not missing, f"not handled: {missing[:5]} of {len(missing)}"
    claimed = [message_id for message_id, done in found.handled.items() if not done]
    assert not claimed, f"claimed and never done: {claimed[:5]}"
    assert not found.attempts, f"{found.attempts} attempts are open, and all are answered"


def every_request_ends_in_one_outcome(found: Evidence) -> None:
    """Every request has exactly one outcome entry."""
    for asked in found.asked:
        if asked.type == "pin.request":
            outcomes = found.of_message(asked.message_id, "pin.issued", "pin.request_rejected")
            assert len(outcomes) == 1, f"{asked}: {[e.kind for e in outcomes]}"


def every_reply_is_the_same(found: Evidence) -> None:
    """Every message got a reply, and all replies to one message are identical."""
    for asked in found.asked:
        bodies = found.replies.get(asked.message_id, [])
        assert bodies or not asked.answered, f"no reply to {asked}"
        assert len(set(bodies)) <= 1, f"{asked} has several replies: {set(bodies)}"


def every_half_went_out(found: Evidence) -> None:
    """Every delivery of a half was accepted by its provider at least once, with the right half."""
    for entry in found.entries:
        halves = {channel: _halves(found, entry, channel) for channel in entry.carriers}
        assert all(len(half) == 1 for half in halves.values()), f"{entry.kind} {entry.carriers}: {halves}"
        if entry.kind == "pin.issued":
            first = {half for channel, (half,) in halves.items() if channel != "post"}
            assert len(first) == 1, "the double message has two halves"
            assert first != set(halves["post"]), "the letter has the first half"


def _halves(found: Evidence, entry: LedgerEntry, channel: str) -> set[str]:
    return {copy.half for copy in found.copies.get(entry.carriers[channel], []) if copy.half}


def every_delivery_was_taken(found: Evidence) -> None:
    """Every delivery with status sent was accepted by its provider."""
    untaken = [
        id_ for id_, status in found.deliveries.items() if status != "failed" and id_ not in found.copies
    ]
    assert not untaken, f"recorded and never taken: {untaken[:5]}"


def every_copy_is_recorded(found: Evidence) -> None:
    """Everything sent is recorded as a delivery in the ledger."""
    unknown = [id_ for id_ in found.copies if id_ not in found.deliveries]
    assert not unknown, f"sent and not recorded: {unknown[:5]}"


def copies_are_identical(found: Evidence) -> None:
    """All copies of one delivery are identical (of a letter: its page)."""
    for id_, copies in found.copies.items():
        assert len({copy.whole for copy in copies}) == 1, f"{id_} differs between its {len(copies)} copies"


def one_live_pin_a_citizen(found: Evidence) -> None:
    """No PIN is issued while another is live, and account and chain agree on the PIN (R7)."""
    for subject, chain in found.chains().items():
        pin: object = None
        restoring = False
        for entry in chain:
            if entry.kind in _BEGINS:
                assert pin is None, f"two live PINs of {subject.hex()}"
            if entry.kind in _BEGINS | _REPLACES:
                pin = entry.data["pin_id"]
            if entry.kind in _ENDS or (entry.kind == "restore.ended" and restoring):
                pin = None
            restoring = entry.kind == "restore.confirmed" or (restoring and entry.kind not in _CHANGES)
        account = found.accounts.get(subject)
        kept = account.pin.id if account and account.pin and account.status in LIVE else None
        assert kept == pin, f"{subject.hex()}: the account has {kept}, the chain {pin}"


def the_halves_open_the_pin(found: Evidence) -> None:
    """The two halves sent together match the account's verifier of the initial PIN."""
    for entry in found.entries:
        account = found.accounts.get(entry.subject)
        pin = account.pin if account else None
        if entry.carriers and pin and pin.initial and pin.id == entry.data["pin_id"]:
            # The first half's carriers come first, the second's last.
            channels = list(entry.carriers)
            (first,), (second,) = _halves(found, entry, channels[0]), _halves(found, entry, channels[-1])
            assert found.pepper.opens(pin.salt, pin.verifier, Secret(first + second)), (
                f"{entry.kind}: the halves open nothing"
            )


def every_chain_verifies(found: Evidence) -> None:
    """Every entry's hash follows from the one before it, and every head is the last entry's."""
    for subject, chain in found.chains().items():
        head = GENESIS
        for seq, e in enumerate(chain, 1):
            assert e.seq == seq, f"{subject.hex()}: entry {seq} is missing"
            what = e.kind, e.message_id, e.actor, e.correlation_id, e.text
            head = link(head, e.subject, e.seq, e.at, *what, e.writer, e.account)
            assert head == e.hash, f"{subject.hex()}: entry {seq} was changed"
        assert found.heads[subject] == (len(chain), head), f"{subject.hex()}: the head is not the last entry"


def every_account_is_what_its_chain_saw(found: Evidence) -> None:
    """The last digest in a chain is the account's; only what guesses at nobody left has none."""
    last = {e.subject: e.account for e in found.entries if e.account}
    for subject, account in found.accounts.items():
        seen = last.get(subject, None if account.status == "none" else b"")
        assert seen in {None, found.digests[subject]}, f"{subject.hex()}: its chain saw another account"


def every_event_is_told_once(found: Evidence) -> None:
    """Every public entry has one event, possibly in several copies."""
    told = Counter((event.type, event.body["subject"]) for event in {e.id: e for e in found.events}.values())
    facts = Counter((e.kind, e.subject.hex()) for e in found.entries if e.kind in EVENTS)
    assert told == facts, f"told and not written: {told - facts}; written and not told: {facts - told}"


def nothing_waits(found: Evidence) -> None:
    """No queue holds a message, and the outbox nothing that is due or left to a worker for a moment.

    A row whose publish was in doubt goes out once more when its lease ends: if that is while workers stop,
    its messages wait for ever.
    """
    assert not any(n for name, n in found.waiting.items() if name != DEAD), found.waiting
    assert found.overdue == 0, f"{found.overdue} rows of the outbox are due"
    assert found.reserved == 0, f"{found.reserved} rows of the outbox are due soon"


def nothing_is_dead(found: Evidence) -> None:
    """No message was parked."""
    assert found.waiting[DEAD] == 0, f"{found.waiting[DEAD]} messages in {DEAD}"


ALL: tuple[Invariant, ...] = (
    every_message_is_handled_once,
    every_request_ends_in_one_outcome,
    every_reply_is_the_same,
    every_half_went_out,
    every_delivery_was_taken,
    every_copy_is_recorded,
    copies_are_identical,
    one_live_pin_a_citizen,
    the_halves_open_the_pin,
    every_chain_verifies,
    every_account_is_what_its_chain_saw,
    every_event_is_told_once,
    nothing_waits,
    nothing_is_dead,
)
AT_A_GLANCE: tuple[Invariant, ...] = (
    nothing_waits,
    nothing_is_dead,
    every_message_is_handled_once,
    every_reply_is_the_same,
)
"""Those that need no chain and nothing captured: while they do not hold, nothing else needs to be read."""


async def hold(  # noqa: PLR0913 - the world, and what has to be true of it
    stack: Stack,
    clients: Iterable[Client],
    asked: Sequence[Asked],
    invariants: Iterable[Invariant] = ALL,
    *,
    captured: Captured,
    limit: float = LIMIT,
) -> Evidence:
    """Wait until all invariants hold at one instant; return the evidence.

    Args:
        stack: whose.
        clients: whose replies; the first receives the events.
        asked: what has been published.
        invariants: which.
        captured: of the stack; what it has read before is not read again.
        limit: in seconds.

    Raises:
        AssertionError: of the first invariant that does not hold within the limit.
    """
    clients, invariants = tuple(clients), tuple(invariants)
    found: list[Evidence] = []
    broken: list[AssertionError] = []

    async def all_hold() -> bool:
        broken.clear()
        try:
            _check(await glimpsed(stack, clients, asked), [one for one in AT_A_GLANCE if one in invariants])
            found[:] = [await gathered(stack, clients, asked, captured)]
            _check(found[0], invariants)
        except AssertionError as error:
            broken.append(error)
        return not broken

    try:
        await until(all_hold, "the invariants", limit=limit, every=0.1)
    except AssertionError:
        raise broken[0] from None
    return found[0]


def _check(found: Evidence, invariants: Iterable[Invariant]) -> None:
    for invariant in invariants:
        invariant(found)
