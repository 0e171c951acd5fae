"""What ends an initial PIN: time, and halves that cannot arrive."""

from datetime import timedelta
from uuid import UUID

import pytest

from services.issuer.endings import address_unsuitable, delivery_failed, expire, letter_returned
from services.issuer.requests import request
from shared.contract.internal import Expire, FailedDelivery, ReturnedLetter, UnsuitableAddress
from shared.domain.account import Account, Attempts, Half, Status
from shared.domain.contacts import preferred_mailbox
from shared.domain.decision import Decision
from tests.unit.decisions import CONTACTS, NOW, SUBJECT, Event, account, moment, read, told

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
    assert failed(citizen, SMS) == Decision()


def test_a_letter_that_comes_back_revokes_the_pin() -> None:
    """R6."""
    command = ReturnedLetter(subject=SUBJECT.hex(), delivery_id=UUID(LETTER))
    decision = letter_returned(sent(), command, moment())
    assert decision.account is not None
    assert decision.account.status == "revoked"
    assert decision.events == (Event("pin.revoked", {"cause": "letter_returned"}),)


def unsuitable(citizen: Account, delivery: str = MAIL) -> Decision:
    command = UnsuitableAddress(subject=SUBJECT.hex(), delivery_id=UUID(delivery))
    return address_unsuitable(citizen, command, moment())


PEC = "anna@pec.example.it"


def by_pec(to: str = PEC, **changes: object) -> Account:
    """Return a citizen whose first half went by PEC."""
    citizen = sent()
    assert citizen.pin is not None
    first, second = HALVES
    changed: Account = citizen.but(
        contacts=citizen.contacts.but(pec=PEC),
        pin=citizen.pin.but(halves=(first.but(pec=to), second)),
        **changes,
    )
    return changed


def test_a_half_by_pec_that_reached_ordinary_mail_makes_the_email_the_preferred_mailbox() -> None:
    """R5: the PEC if there is one. The PIN lives on: the half may have arrived."""
    decision = unsuitable(by_pec())
    citizen = decision.account
    assert citizen is not None
    assert (citizen.not_pec, citizen.status, decision.deliveries) == (PEC, "issued", ())
    assert [(e.kind, e.data) for e in decision.entries] == [
        ("contacts.unsuitable", {"kind": "pec", "delivery_id": MAIL})
    ]
    assert preferred_mailbox(citizen) == ("email", citizen.contacts.email)
    assert unsuitable(citizen) == Decision()


def test_a_next_half_goes_to_the_email_and_by_pec_again_once_another_is_given() -> None:
    """R5, R12."""
    marked = unsuitable(by_pec()).account
    assert marked is not None
    command = read("pin.request", contacts={"mobile": "+393471234567", "email": "a@b.it", "pec": PEC.upper()})
    again = request(marked.but(status="revoked", pin=None, level=None), command, moment(known={}))
    assert {d.channel for d in again.deliveries} == {"sms", "email", "post"}
    elsewhere: Account = marked.but(contacts=marked.contacts.but(pec="anna@other.example.it"))
    assert preferred_mailbox(elsewhere) == ("pec", "anna@other.example.it")


def test_what_is_the_only_mailbox_is_still_written_to() -> None:
    """R2, R5."""
    marked = unsuitable(by_pec()).account
    assert marked is not None
    alone: Account = marked.but(contacts=marked.contacts.but(email=None))
    assert preferred_mailbox(alone) == ("pec", PEC)


def test_a_half_keeps_the_pec_that_it_went_to() -> None:
    """R5."""
    command = read("pin.request", contacts={"mobile": "+393471234567", "pec": PEC})
    issued = request(account("none"), command, moment(known={})).account
    assert issued is not None
    assert issued.pin is not None
    assert [half.pec for half in issued.pin.halves] == [PEC, None]


@pytest.mark.parametrize(
    ("citizen", "delivery"),
    [
        (by_pec(), "9b8f6a0e-3c52-4c8e-8d5e-0f7a1c2b3d4e"),
        (by_pec(), LETTER),
        (by_pec(to="former@pec.example.it"), MAIL),
        (sent(), MAIL),
        (account("active"), MAIL),
        (account("none"), MAIL),
    ],
    ids=["another delivery", "no PEC", "a former address", "a half of before", "in use", "unknown"],
)
def test_what_did_not_carry_a_half_to_the_registered_pec_says_nothing_about_it(
    citizen: Account, delivery: str
) -> None:
    """R19: a stranger has a link sent to any address."""
    assert unsuitable(citizen, delivery) == Decision()


@pytest.mark.parametrize("status", ["none", "active", "revoked", "expired"])
def test_failures_of_what_carries_no_half_of_a_waiting_pin_end_nothing(status: Status) -> None:
    assert failed(account(status), SMS) == Decision()
    command = ReturnedLetter(subject=SUBJECT.hex(), delivery_id=UUID(LETTER))
    assert letter_returned(account(status), command, moment()) == Decision()
