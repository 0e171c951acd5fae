"""A PIN is issued and activated, also when halves are lost or it expires (R4-R8, R10, R11)."""

from datetime import timedelta
from math import ceil

from shared.italy.dates import end_of, in_days
from tests.life.citizen import Citizen
from tests.life.expected import Tally
from tests.life.sample_data import RECOGNISED_BY
from tests.life.world import Answer

CLOCKS_APART = 30
"""Seconds that the world's clock and the workers' may differ by, with the way between them."""
_LONGEST_DOUBLING = 10


def ask(citizen: Citizen, contacts: dict[str, str], recognition: str | None = None) -> None:
    """R1-R8: both halves arrive, apart; while a PIN is live none does, and the reply is the same."""
    expected, world = citizen.expected, citizen.world
    body = world.person | {
        "contacts": contacts,
        "preferred_phone": "mobile" if "mobile" in contacts else "home",
    }
    if recognition:
        body["recognition"] = {"kind": recognition, **RECOGNISED_BY}
    answer = citizen.ask("operator" if recognition else "portal", "pin.request", body)
    assert answer == Answer("accepted", {})
    if expected.live or expected.deceased:
        return
    expected.status, expected.contacts, expected.cooling = "issued", contacts, {}
    expected.level = "online"
    if recognition:
        expected.becomes_dispositivo()
    places = [place for place in (contacts.get("mobile"), citizen.mailbox()) if place]
    has_new_pin(citizen, places, ["post"])


def has_new_pin(citizen: Citizen, first_at: list[str], second_at: list[str]) -> None:
    """Read both halves; from now on only they are accepted, together and once."""
    (first, at_first), (second, at_second) = citizen.half(*first_at), citizen.half(*second_at)
    expected, world = citizen.expected, citizen.world
    expires_at = end_of(in_days(world.now, world.policy.initial_validity))
    expected.pin_is(first + second, initial=True, expires_at=expires_at)
    expected.carriers = at_first, at_second
    expected.tally = Tally()
    expected.close_links("restore", "revocation")


def does_not_arrive(citizen: Citizen, half: int, copy: int) -> None:
    """R5, R6: a half that failed on all channels, or a returned letter, revokes the PIN."""
    carriers = citizen.expected.carriers[half]
    lost = sorted(carriers)[copy % len(carriers)]
    letter = next(c for c in citizen.world.copies() if c.id == lost).channel == "post"
    citizen.world.report(lost, "returned" if letter else "failed")
    carriers.discard(lost)
    if not carriers:
        citizen.expected.tally = Tally()
        citizen.expected.ends("revoked")


def first_access(citizen: Citizen, typed: str, times: int = 1) -> None:
    """R10, R16: the 16 characters become 8 new ones, once; the level stays."""
    expected, world = citizen.expected, citizen.world
    sealed = {"pin_sealed": world.seal("issuer", typed), "reply_key": world.reply_key}
    answer = citizen.ask("portal", "pin.activate", sealed, times=times)
    compared = _counted(citizen, answer)
    if not (compared and expected.initial and expected.opens(_normalised(typed), world.now)):
        assert answer.code in {"wrong_pin", "locked"}
        return
    assert answer.code == "accepted"
    assert answer.data["level"] == expected.level
    pin = world.open(answer.data["pin_sealed"])
    assert len(pin) == 8
    expected.pin_is(pin)
    expected.status, expected.tally = "active", Tally()
    expected.close_links("restore")


def log_in(citizen: Citizen, typed: str, times: int = 1) -> None:
    """R11: codice fiscale and PIN log in; the initial PIN, or half of it, is referred to first access.

    Half a PIN only until failures lock it.
    """
    expected, world = citizen.expected, citizen.world
    sealed = {"pin_sealed": world.seal("issuer", typed)}
    answer = citizen.ask("portal", "pin.verify", sealed, times=times)
    compared, normal = _counted(citizen, answer), _normalised(typed)
    pin = expected.pin if expected.pin and expected.opens(expected.pin, world.now) else None
    half = pin and expected.tally.locks == 0 and normal in {pin[:8], pin[8:]}
    if compared and pin and expected.initial and (normal == pin or half):
        assert answer == Answer("first_access_needed", {})
    elif compared and pin and not expected.initial and normal == pin:
        assert answer == Answer("accepted", {"level": expected.level})
        expected.tally = Tally()
    elif compared and pin and expected.initial and expected.tally.locks == 0:
        # One wrong input in 512 seems to be a half.
        assert answer.code in {"wrong_pin", "first_access_needed"}
    else:
        assert answer.code in {"wrong_pin", "locked"}


def _counted(citizen: Citizen, answer: Answer) -> bool:
    """Count an attempt by the rules, and return whether it is compared with a PIN."""
    tally, life, now = citizen.expected.tally, citizen.world.policy, citizen.world.now
    locked_for = tally.locked_until - now if tally.locked_until else timedelta(0)
    assert (answer.code == "locked") == (locked_for > timedelta(0))
    if answer.code == "locked":
        assert abs(answer.data["retry_after"] - ceil(locked_for.total_seconds())) <= CLOCKS_APART
        return False
    locks = tally.counts(now, life.nobody_retention, life.attempts_in_row)
    if locks:
        doubled = life.lock_time * 2 ** min(tally.locks - 1, _LONGEST_DOUBLING)
        tally.locked_until = now + min(doubled, life.nobody_retention)
    return tally.failures <= life.attempts_in_all


def _normalised(typed: str) -> str:
    """Return the input normalised as a PIN; inputs have spaces, hyphens and lower case."""
    return typed.upper().replace(" ", "").replace("-", "")
