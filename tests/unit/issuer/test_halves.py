"""What is kept of one half of an initial PIN recognises who typed only that, and gives it to nobody."""

import base64
import itertools
from datetime import timedelta

import orjson
import pytest

from services.issuer.access import verify
from services.issuer.attempts import Compared, admitted
from services.issuer.pin_check import PinCheckEffect
from shared.contract.reply import rejected
from shared.crypto.sealing import StateSeal
from shared.crypto.secret import Secret
from shared.domain.account import Account, Attempts, Pin
from shared.domain.credential import new_pin
from shared.domain.pin import ALPHABET, TAG_BITS, new_half
from shared.worker import account_codec
from tests.life.pure import VERIFIERS, at_once
from tests.unit.decisions import (
    INITIAL_PIN,
    NOW,
    PEPPER,
    POLICY,
    Event,
    account,
    initial_pin,
    moment,
    read,
    sealed,
    told,
)

SEAL = StateSeal(bytes(32))
FIRST, SECOND = INITIAL_PIN.reveal()[:8], INITIAL_PIN.reveal()[8:]


def compared(citizen: Account, typed: str) -> Compared:
    """Return what comes of a log-in, its attempt counted."""
    effect = PinCheckEffect(VERIFIERS, SEAL, None, POLICY, "issuer", account_codec.OLDEST)  # type: ignore[arg-type]
    found: Compared = at_once(effect._log_in(admitted(citizen, (), NOW, POLICY), Secret(typed)))
    return found


def candidates(pin: Pin, guesses: list[Secret]) -> list[Secret]:
    """Play the thief of pepper and ledger: return the guesses that what is kept does not exclude."""
    kept = pin.part_verifiers[0]
    bits = TAG_BITS if len(kept) < 32 else 256
    wanted = int.from_bytes(kept.ljust(32, b"\0")) >> 256 - bits
    return [g for g in guesses if int.from_bytes(PEPPER.initial(pin.salt, g)) >> 256 - bits == wanted]


def test_a_half_is_not_found_offline_by_who_has_the_pepper_and_the_ledger() -> None:
    """The attack: every half is tried against what the ledger keeps of it, by the one fast hash."""
    made = new_pin(moment())
    chance = moment(seed=9).random
    guesses = [new_half(chance) for _ in range(2**14)]
    left = candidates(made.sent_by((), ()), [*guesses, made.first])
    assert made.first in left
    assert len(left) > 2 ** (14 - TAG_BITS) / 2


@pytest.mark.parametrize("half", [FIRST, SECOND])
def test_who_types_one_half_is_sent_to_first_access(half: str) -> None:
    assert compared(account("issued"), half).match == "initial"
    assert compared(account("active"), half).match == "no"


def test_one_guess_in_five_hundred_seems_to_be_a_half_and_no_more() -> None:
    pin, chance = initial_pin(), moment(seed=3).random
    guesses = [new_half(chance) for _ in range(50_000)]
    seeming = sum(VERIFIERS.seems_part(pin, guess) for guess in guesses)
    assert 50 <= seeming <= 160  # 98 are expected


def test_after_a_lock_no_guess_is_taken_for_a_half() -> None:
    citizen = account("issued", attempts=Attempts(total=5, locks=1))
    assert compared(citizen, FIRST).match == "no"
    assert compared(citizen, FIRST + SECOND).match == "initial"


def test_an_account_of_an_earlier_release_keeps_its_halves_whole_only_until_it_is_read() -> None:
    whole = tuple(PEPPER.initial(bytes(16), Secret(half)) for half in (FIRST, SECOND))
    there = account("issued").but(version=3)
    assert there.pin is not None
    state = orjson.loads(there.__pydantic_serializer__.to_json(there, exclude_defaults=True))
    state["pin"]["part_verifiers"] = [base64.b64encode(part).decode() for part in whole]
    place = account_codec._place_of(there)
    row = {name: getattr(there, name) for name in ("subject", "version", "status", "level", "review_since")}
    row |= {"schema": account_codec.SCHEMA, "state": SEAL.seal(orjson.dumps(state), place)}
    opened = account_codec.decode(row, SEAL)
    assert opened == there
    assert compared(opened, SECOND).match == "initial"
    written = SEAL.open(account_codec.encode(opened, SEAL), place)
    assert not any(base64.b64encode(part)[:20] in written for part in whole)


def test_the_initial_pin_that_locks_at_log_in_is_told_like_any_lock() -> None:
    citizen = account("issued", attempts=Attempts(in_row=4, total=4))
    admission = admitted(citizen, (), NOW, POLICY)
    assert citizen.pin is not None
    at = moment(known=Compared(admission, "initial", citizen.pin.id))
    decision = verify(citizen, read("pin.verify", pin_sealed=sealed("x")), at)
    assert decision.reply == rejected("first_access_needed")
    until = NOW + timedelta(minutes=15)
    assert decision.events == (Event("pin.locked", {"until": until}),)
    assert [entry.kind for entry in decision.entries] == ["pin.verified_initial", "pin.locked"]
    assert {message.channel for message in told(decision)} == {"sms", "pec"}


def test_a_tag_has_ten_bits() -> None:
    tags = {PEPPER.tag(bytes(16), Secret("".join(text))) for text in itertools.product(ALPHABET, repeat=3)}
    assert len(tags) == 2**TAG_BITS
