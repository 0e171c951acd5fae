"""A land line is found once and not tried again: whatever follows goes by the remaining contacts."""

from datetime import datetime, timedelta
from uuid import UUID

import pytest

from services.issuer import registry
from services.issuer.endings import delivery_failed
from services.issuer.requests import request
from services.revoker import restore, revoke
from shared.contract.internal import FailedDelivery
from shared.contract.issuer import ContactsUpdate, PinRequest
from shared.domain.account import Account, Contacts, Half
from shared.domain.decision import Decision, Delivery
from shared.domain.reachable import is_unsuitable
from tests.unit.decisions import CARD, CONTACTS, NOW, SUBJECT, account, moment, read, told

LINE = CONTACTS.mobile or ""
OTHER = "+393477654321"
SMS, MAIL, LETTER = (f"{n}b8f6a0e-3c52-4c8e-8d5e-0f7a1c2b3d4e" for n in range(3))


def made_at(at: datetime) -> UUID:
    """Return the id of a delivery decided then."""
    return UUID(int=(int(at.timestamp() * 1000) << 80) | (7 << 76) | (2 << 62) | 5)


def waiting() -> Account:
    citizen = account("issued")
    assert citizen.pin
    halves = (Half(deliveries=(SMS, MAIL)), Half(deliveries=(LETTER,)))
    changed: Account = citizen.but(pin=citizen.pin.but(halves=halves))
    return changed


def failed(
    citizen: Account, delivery: UUID, reason: str = "sms_landline", at: datetime = NOW + timedelta(days=1)
) -> Decision:
    command = FailedDelivery(subject=SUBJECT.hex(), delivery_id=delivery, reason=reason)
    return delivery_failed(citizen, command, moment(at))


def marked(citizen: Account, delivery: UUID) -> Account:
    after = failed(citizen, delivery).account
    assert after is not None
    assert is_unsuitable(after, "mobile", LINE)
    return after


def by(deliveries: tuple[Delivery, ...]) -> list[str]:
    return sorted(delivery.channel for delivery in deliveries)


def test_a_half_that_went_to_a_land_line_marks_its_number_and_the_pin_lives() -> None:
    decision = failed(waiting(), UUID(SMS))
    assert decision.account is not None
    assert decision.account.status == "issued"
    assert [(entry.kind, entry.data) for entry in decision.entries] == [
        ("contacts.unsuitable", {"kind": "mobile", "delivery_id": SMS, "reason": "sms_landline"}),
        ("half.channel_failed", {"delivery_id": SMS}),
    ]
    assert LINE not in str(decision.entries)


def test_a_notice_that_went_to_one_marks_it_too_and_only_once() -> None:
    citizen = marked(account("active"), made_at(NOW))
    assert failed(citizen, made_at(NOW + timedelta(hours=1))) == Decision()


@pytest.mark.parametrize("reason", ["sms_422", "sms_410", "receipt_failed", "smtp_550"])
def test_no_other_failure_says_so(reason: str) -> None:
    assert failed(account("active"), made_at(NOW), reason) == Decision()


def test_notices_go_by_the_other_contacts_from_then_on() -> None:
    citizen = marked(account("active").but(health_card=CARD), made_at(NOW))
    card = {"number": CARD.number, "expires_on": CARD.expires_on.isoformat()}
    command = read("revoke.request", health_card=card, email="someone@example.it")
    decision = revoke.request(citizen, command, moment(NOW + timedelta(days=2)))
    assert "sms" not in by(decision.deliveries)
    assert {message.to for message in told(decision)} >= {CONTACTS.pec, CONTACTS.email}


def test_the_next_pin_goes_by_the_mailbox_alone_and_by_sms_again_to_another_number() -> None:
    citizen = marked(waiting(), UUID(SMS)).but(status="revoked", pin=None, level=None)
    for number, channels in ((LINE, ["pec", "post"]), (OTHER, ["pec", "post", "sms"])):
        command = read("pin.request", contacts={"mobile": number, "pec": "a@pec.example.it"})
        assert isinstance(command, PinRequest)
        decision = request(citizen, command, moment(known={}))
        assert by(decision.deliveries) == channels


def test_a_number_by_contacts_update_counts_again() -> None:
    """R12."""
    citizen = marked(account("active"), made_at(NOW))
    command = read("contacts.update", contacts={"mobile": OTHER})
    assert isinstance(command, ContactsUpdate)
    decision = registry.contacts_update(citizen, command, moment(NOW + timedelta(days=2)))
    # The new number is told; the land line, which is told as well else, is not.
    assert [m.to for m in told(decision) if m.channel == "sms"] == [OTHER]


def test_a_restore_does_not_send_a_half_to_it() -> None:
    """R13, R15: of three that are named the two others get the halves; of two there is none left."""
    citizen = marked(account("active"), made_at(NOW))
    later = moment(NOW + timedelta(days=2))
    two = read("restore.request", contacts={"mobile": LINE, "email": CONTACTS.email})
    decision = restore.request(citizen, two, later)
    assert [(e.kind, e.data["code"]) for e in decision.entries] == [("restore.refused", "contact_unsuitable")]
    assert decision.deliveries == ()
    three = read("restore.request", contacts={"mobile": LINE, "email": CONTACTS.email, "pec": CONTACTS.pec})
    decision = restore.request(citizen, three, later)
    assert decision.account is not None
    assert decision.account.restore is not None
    assert [kind for kind, _ in decision.account.restore.contacts] == ["pec", "email"]


def test_a_half_that_failed_everywhere_is_not_announced_to_it() -> None:
    citizen = failed(waiting(), UUID(MAIL), "smtp_550").account
    assert citizen is not None
    decision = failed(citizen, UUID(SMS))
    assert decision.account is not None
    assert decision.account.status == "revoked"
    assert "sms" not in by(decision.deliveries)
    assert [entry.kind for entry in decision.entries] == ["contacts.unsuitable", "pin.revoked"]


def changed(citizen: Account, at: datetime = NOW + timedelta(hours=1)) -> Account:
    command = read("contacts.update", contacts={"mobile": OTHER})
    assert isinstance(command, ContactsUpdate)
    after = registry.contacts_update(citizen, command, moment(at)).account
    assert after is not None
    return after


@pytest.mark.parametrize(
    ("delivery", "why"),
    [
        (made_at(NOW), "it went to the number before"),
        (made_at(NOW + timedelta(hours=1)), "the change is told to both numbers"),
        (made_at(NOW + timedelta(hours=2)), "the former number is told, too, while the new one cools"),
        (UUID(SMS), "an id of before has no time in it"),
    ],
)
def test_a_good_number_is_never_marked_for_what_went_to_another(delivery: UUID, why: str) -> None:
    citizen = changed(account("active"))
    assert citizen.contacts.mobile == OTHER
    assert failed(citizen, delivery, at=NOW + timedelta(days=9)) == Decision(), why


def test_the_new_number_is_marked_for_what_went_to_it_alone() -> None:
    citizen = changed(account("active"))
    decision = failed(citizen, made_at(NOW + timedelta(days=8)), at=NOW + timedelta(days=9))
    assert decision.account is not None
    assert is_unsuitable(decision.account, "mobile", OTHER)


def test_a_request_with_other_contacts_leaves_what_was_sent_before_uncertain() -> None:
    citizen = account("active").but(status="revoked", pin=None, level=None)
    command = read("pin.request", contacts={"mobile": OTHER, "email": "a@b.it"})
    assert isinstance(command, PinRequest)
    issued = request(citizen, command, moment(NOW + timedelta(hours=1), known={})).account
    assert issued is not None
    assert failed(issued, made_at(NOW)) == Decision()
    assert issued.pin is not None
    half = next(UUID(id_) for id_ in issued.pin.halves[0].deliveries)
    assert is_unsuitable(failed(issued, half).account or issued, "mobile", OTHER)


def test_who_has_no_number_is_not_marked() -> None:
    citizen = account("active", contacts=Contacts(email="a@b.it", pec="a@pec.it"))
    assert failed(citizen, made_at(NOW)) == Decision()
