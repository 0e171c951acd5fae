"""Reachability: from every lawful state there is a way to an active PIN, and on to a dispositivo one."""

from collections.abc import Callable, Iterator
from datetime import timedelta

from tests.life import issue_and_activate, restore_and_revoke, upgrade
from tests.life.citizen import Citizen
from tests.life.invariants import OF_THE_ACCOUNT, the_ledger_says_what_is_expected
from tests.life.pure import PureWorld

Way = Callable[[Citizen, PureWorld], None]


def shape(citizen: Citizen) -> tuple[object, ...]:
    """Return the part of a state that determines the ways out of it."""
    expected, now = citizen.expected, citizen.world.now
    tally, request = expected.tally, expected.request
    return (
        expected.status,
        expected.level,
        expected.pin is not None,
        bool(tally.locked_until and now < tally.locked_until),
        tally.failures >= citizen.world.policy.attempts_in_all,
        request is not None and (request.documents, request.effective_at is not None),
        bool(expected.suspended),
        expected.deceased,
        expected.restore is not None,
        expected.revocation is not None,
        bool(expected.card_tally.locked_until and now < expected.card_tally.locked_until),
        frozenset(expected.contacts),
    )


def lead_to_a_pin(citizen: Citizen, world: PureWorld) -> None:
    """Try every open way to its end, each in its own world; nothing is left pending."""
    for way in _open_to(citizen):
        course = world.fork()
        twin = citizen.fork(course)
        way(twin, course)
        _arrives(twin, course)


def _open_to(citizen: Citizen) -> Iterator[Way]:
    """Yield the ways that the rules allow; without a PIN a request, always the contact centre."""
    expected = citizen.expected
    yield _phoning
    yield _erased
    if expected.initial and expected.pin:
        yield _waiting
        yield _with_the_initial_pin
    if expected.live and expected.card:
        yield _with_the_card
    if expected.status in {"active", "restoring"} and restore_and_revoke.two_contacts(citizen):
        yield _restoring


def _phoning(citizen: Citizen, _: PureWorld) -> None:
    """R21."""
    restore_and_revoke.contact_centre_revokes(citizen)


def _erased(citizen: Citizen, _: PureWorld) -> None:
    """Last rules: who was erased asks like anybody."""
    restore_and_revoke.operator_erases(citizen)


def _waiting(citizen: Citizen, world: PureWorld) -> None:
    """An initial PIN that nobody uses expires."""
    world.now = max(world.now, citizen.expected.expires_at or world.now)
    for message in list(world.due):
        if message.type == "internal.issuer.expire":
            world.arrives(message)
    citizen.expected.ends("expired")


def _with_the_initial_pin(citizen: Citizen, world: PureWorld) -> None:
    """R10: both halves activate the PIN before it expires, once no lock applies."""
    expected = citizen.expected
    wait = max((expected.tally.locked_until or world.now) - world.now, timedelta(0))
    in_time = expected.expires_at is not None and world.now + wait < expected.expires_at
    if in_time and expected.tally.failures < world.policy.attempts_in_all:
        world.passes(wait)
        issue_and_activate.first_access(citizen, expected.pin or "")
        assert expected.status == "active"


def _with_the_card(citizen: Citizen, world: PureWorld) -> None:
    """R18-R20: tomorrow there are links again."""
    world.passes(timedelta(days=1))
    restore_and_revoke.ask_to_revoke(
        citizen, citizen.expected.card or {}, "email", citizen.address("email", 7)
    )
    link = citizen.expected.revocation
    assert link is not None
    restore_and_revoke.confirm_revocation(citizen, link.token)
    assert citizen.expected.status == "revoked"


def _restoring(citizen: Citizen, world: PureWorld) -> None:
    """R13-R17: also a PIN that is locked, blocked, or being restored already."""
    world.passes(timedelta(days=1))
    restore_and_revoke.ask_to_restore(citizen, restore_and_revoke.two_contacts(citizen))
    link = citizen.expected.restore
    assert link is not None
    restore_and_revoke.confirm_restore(citizen, link.token)
    assert citizen.expected.status == "restoring"


def _arrives(citizen: Citizen, world: PureWorld) -> None:
    expected = citizen.expected
    if expected.deceased:
        restore_and_revoke.registry_takes_back(citizen)
    if not expected.live:
        issue_and_activate.ask(
            citizen, {"mobile": citizen.address("mobile"), "email": citizen.address("email")}
        )
    if expected.initial and expected.pin:
        _with_the_initial_pin(citizen, world)
    if expected.status != "active":
        _phoning(citizen, world)
        _arrives(citizen, world)
        return
    issue_and_activate.log_in(citizen, expected.pin or "")
    if expected.level != "dispositivo":
        upgrade.at_a_branch(citizen, "CA12345AA")
    assert not expected.suspended
    the_ledger_says_what_is_expected(citizen)
    for invariant in OF_THE_ACCOUNT:
        invariant(citizen, world)
