"""What ends an initial PIN: time, and halves that cannot arrive."""

from datetime import timedelta
from uuid import UUID

import pytest

from services.issuer.endings import delivery_failed, expire, letter_returned
from shared.contract.internal import Expire, FailedDelivery, ReturnedLetter
from shared.domain.account import Account, Attempts, Half, Status
from shared.domain.decision import Decision
from tests.unit.decisions import CONTACTS, NOW, SUBJECT, Event, account, moment, told

SMS, MAIL, LETTER = (f"{n}b8f6a0e-3c52-4c8e-8d5e-0f7a1c2b3d4e" for n in range(3))
HALVES = (Half(deliveries=(SMS, MAIL)), Half(deliveries=(LETTER,)))


def sent(status: Status = "issued") -> Account:
    citizen = account(status)
    assert citizen.pin is not None
    changed: Account = citizen.but(pin=citizen.pin.but(halves=HALVES))
    return changed


def failed(citizen: Account, delivery: str) -> Decision:
    command = FailedDelivery(subject=SUBJECT.hex(), delivery_id=UUID(delivery), reason="smtp_550")
    return delivery_failed(citizen, command, moment())


def expired(citizen: Account, pin_id: str | None = None) -> Decision:
    assert pin_id or citizen.pin
    wanted = pin_id or (citizen.pin.id if citizen.pin else "")
    end = citizen.pin.expires_at if citizen.pin else None
    return expire(citizen, Expire(subject=SUBJECT.hex(), pin_id=UUID(wanted)), moment(end or NOW))


@pytest.mark.parametrize("status", ["issued", "restoring"])
def test_an_initial_pin_that_was_not_used_in_time_expires(status: Status) -> None:
    decision = expired(sent(status))
    assert decision.account is not None
    assert (decision.account.status, decision.account.pin, decision.account.level) == ("expired", None, None)
    assert decision.events == (Event("pin.expired"),)
    assert {message.to for message in told(decision)} == {CONTACTS.mobile, CONTACTS.pec}


def test_a_lock_outlives_a_pin_that_expires_and_not_one_that_is_revoked() -> None:
    locked = sent().but(attempts=Attempts(total=5, locks=1, locked_until=NOW + timedelta(days=99)))
    after = expired(locked).account
    assert after is not None
    assert after.attempts == locked.attempts
    command = ReturnedLetter(subject=SUBJECT.hex(), delivery_id=UUID(LETTER))
    after = letter_returned(locked, command, moment()).account
    assert after is not None
    assert after.attempts == Attempts()


def test_a_pin_that_was_used_does_not_expire() -> None:
    """R10."""
    assert expired(account("active")) == Decision()


def test_the_expiry_of_an_earlier_pin_never_touches_its_successor() -> None:
    assert expired(sent(), "00000000-0000-4000-8000-000000000000") == Decision()


@pytest.mark.parametrize("status", ["none", "revoked", "expired"])
def test_what_has_ended_does_not_expire(status: Status) -> None:
    assert expired(account(status), "00000000-0000-4000-8000-000000000000") == Decision()


def test_a_half_with_a_channel_left_lives() -> None:
    """R5: the other of the double message may arrive."""
    decision = failed(sent(), SMS)
    assert decision.account is not None
    assert decision.account.status == "issued"
    assert decision.events == ()


def test_a_half_that_fails_on_all_its_channels_revokes_the_pin() -> None:
    citizen = failed(sent(), SMS).account
    assert citizen is not None
    decision = failed(citizen, MAIL)
    assert decision.account is not None
    assert decision.account.status == "revoked"
    assert decision.events == (Event("pin.revoked", {"cause": "undeliverable"}),)
    assert decision.deliveries


def test_a_failure_told_twice_counts_once() -> None:
    citizen = failed(sent(), SMS).account
    assert citizen is not None
    assert failed(citizen, SMS).account == citizen


def test_a_letter_that_comes_back_revokes_the_pin() -> None:
    """R6."""
    command = ReturnedLetter(subject=SUBJECT.hex(), delivery_id=UUID(LETTER))
    decision = letter_returned(sent(), command, moment())
    assert decision.account is not None
    assert decision.account.status == "revoked"
    assert decision.events == (Event("pin.revoked", {"cause": "letter_returned"}),)


@pytest.mark.parametrize("status", ["none", "active", "revoked", "expired"])
def test_failures_of_what_carries_no_half_of_a_waiting_pin_end_nothing(status: Status) -> None:
    assert failed(account(status), SMS) == Decision()
    command = ReturnedLetter(subject=SUBJECT.hex(), delivery_id=UUID(LETTER))
    assert letter_returned(account(status), command, moment()) == Decision()
