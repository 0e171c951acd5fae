"""Restoring a lost PIN: given this account, when this message, then exactly this decision (R13-R17)."""

from datetime import UTC, datetime, timedelta

import orjson
import pytest

from services.issuer import registry
from services.revoker import restore
from shared.contract.reply import accepted
from shared.crypto.secret import Secret
from shared.domain.account import Account, Attempts, Contacts, Recognition, Status
from shared.domain.decision import Decision
from shared.domain.policy import PinPolicy
from tests.unit.decisions import (
    CONTACTS,
    INITIAL_PIN,
    NOW,
    PEPPER,
    POLICY,
    SUBJECT,
    Event,
    account,
    moment,
    read,
    told,
)
from tests.unit.revoker.asking import MOBILE_AND_EMAIL, asked_to_restore, changed, codes, confirm_restore

MOBILE, EMAIL, PEC = CONTACTS.mobile or "", CONTACTS.email or "", CONTACTS.pec or ""
LAST_DAY_ENDS = datetime(2027, 1, 21, 23, tzinfo=UTC)
"""Sixty days after `NOW`, at the end of that day in Italy."""


def request(citizen: Account, **contacts: str) -> Decision:
    return restore.request(citizen, read("restore.request", contacts=contacts), moment())


def test_who_names_two_registered_contacts_gets_a_mail_with_the_link() -> None:
    """R13, R14."""
    decision = request(account("active"), **MOBILE_AND_EMAIL)
    (mail,) = told(decision)
    assert (mail.channel, mail.to) == ("email", EMAIL)
    assert f"\n\n{POLICY.portal_url}/restore/confirm?token=" in mail.text
    assert "23/11/2026, ore 14:30" in mail.text
    assert decision.reply == accepted()
    assert decision.events == (Event("restore.requested"),)
    assert [(entry.kind, entry.data["halves_to"]) for entry in decision.entries] == [
        ("restore.requested", ["mobile", "email"])
    ]


def test_the_lost_pin_still_opens_until_the_link_is_confirmed() -> None:
    """R15: a stranger who asks takes nothing away."""
    citizen = account("active")
    asked, _ = asked_to_restore(citizen)
    assert (asked.status, asked.pin, asked.attempts) == (citizen.status, citizen.pin, citizen.attempts)


@pytest.mark.parametrize(
    "contacts",
    [
        {"mobile": MOBILE, "email": EMAIL},
        {"mobile": MOBILE, "pec": PEC},
        {"email": EMAIL, "pec": PEC},
        {"mobile": MOBILE, "email": EMAIL, "pec": PEC},
    ],
    ids="+".join,
)
def test_any_two_or_all_three_contacts_will_do(contacts: dict[str, str]) -> None:
    """R13; the confirming mail goes to the email wherever there is one."""
    (mail,) = told(request(account("active"), **contacts))
    assert (mail.channel, mail.to) == ("email", EMAIL)


def test_without_an_email_the_link_goes_to_the_pec() -> None:
    """R14."""
    citizen = account("active", contacts=Contacts(mobile=MOBILE, pec=PEC))
    (mail,) = told(request(citizen, mobile=MOBILE, pec=PEC))
    assert (mail.channel, mail.to) == ("pec", PEC)


@pytest.mark.parametrize("typed", ["Mario.ROSSI@Example.com", "mario.rossi@EXAMPLE.COM"])
def test_a_mailbox_is_the_same_in_capitals(typed: str) -> None:
    """R14."""
    assert told(request(account("active"), mobile=MOBILE, email=typed))


def test_an_internationalised_domain_is_the_same_in_ascii() -> None:
    """R14."""
    citizen = account("active", contacts=Contacts(mobile=MOBILE, email="anna@città.it"))
    assert told(request(citizen, mobile=MOBILE, email="anna@xn--citt-3na.it"))


@pytest.mark.parametrize(
    "contacts",
    [
        {"mobile": "+393331234568", "email": EMAIL},
        {"mobile": MOBILE, "email": "mario.rossi@example.org"},
        {"mobile": MOBILE, "pec": EMAIL},
        {"mobile": MOBILE, "email": EMAIL, "pec": "other@pec.example.com"},
    ],
)
def test_one_contact_that_differs_and_nothing_is_sent(contacts: dict[str, str]) -> None:
    """R14: only if they match, all of them."""
    decision = request(account("active"), **contacts)
    assert (decision.reply, decision.account, decision.deliveries) == (accepted(), None, ())
    assert (codes(decision), decision.events) == ([("restore.refused", "contacts_differ")], ())


def test_a_contact_that_is_not_registered_matches_nothing() -> None:
    """R14."""
    citizen = account("active", contacts=Contacts(mobile=MOBILE, pec=PEC))
    assert codes(request(citizen, mobile=MOBILE, pec=PEC, email=EMAIL)) == [
        ("restore.refused", "contacts_differ")
    ]


@pytest.mark.parametrize("status", ["none", "issued", "revoked", "expired"])
def test_who_did_not_complete_first_access_cannot_restore(status: Status) -> None:
    """R17."""
    decision = request(account(status), **MOBILE_AND_EMAIL)
    assert (decision.reply, decision.deliveries, decision.events) == (accepted(), (), ())
    assert decision.reason == "no_first_access"
    assert codes(decision) == ([("restore.refused", "no_first_access")] if status != "none" else [])


@pytest.mark.parametrize("status", ["active", "restoring"])
def test_locked_blocked_or_lost_again_it_can_be_restored(status: Status) -> None:
    """R17; who blocked the PIN has restoring as the way out."""
    blocked = Attempts(total=20, locks=4, locked_until=NOW + timedelta(hours=2), blocked=True)
    assert told(request(account(status, attempts=blocked), **MOBILE_AND_EMAIL))


def test_no_address_ever_gets_both_halves() -> None:
    """R15: one mailbox registered as email and as PEC is refused silently."""
    citizen = account(
        "active", contacts=Contacts(mobile=MOBILE, email="Anna@example.it", pec="anna@EXAMPLE.it")
    )
    decision = request(citizen, email="anna@example.it", pec="anna@example.it")
    assert (decision.reply, decision.deliveries) == (accepted(), ())
    assert codes(decision) == [("restore.refused", "one_address_for_both_halves")]
    assert told(request(citizen, mobile=MOBILE, pec="anna@example.it"))


ONE_MAILBOX = [
    ("Anna@example.it", "anna@EXAMPLE.it"),
    ("anna.rossi@gmail.com", "annarossi+pec@googlemail.com"),
    ("anna@outlook.it", "anna+inps@outlook.it"),
    ("anna@città.it", "anna@xn--citt-3na.it"),
]


@pytest.mark.parametrize(("email", "pec"), ONE_MAILBOX)
def test_one_mailbox_by_two_addresses_is_not_two_contacts(email: str, pec: str) -> None:
    """R13, R15: refused silently; with the mobile beside them there are two places."""
    citizen = account("active", contacts=Contacts(mobile=MOBILE, email=email, pec=pec))
    decision = request(citizen, email=email, pec=pec)
    assert (decision.reply, decision.account, decision.deliveries) == (accepted(), None, ())
    assert codes(decision) == [("restore.refused", "one_address_for_both_halves")]
    halves = told(confirm_restore(*asked_to_restore(citizen, mobile=MOBILE, email=email, pec=pec)))
    assert [message.to for message in halves] == [MOBILE, pec]


@pytest.mark.parametrize(("email", "pec"), ONE_MAILBOX)
def test_a_link_of_an_earlier_release_never_sends_both_halves_to_one_mailbox(email: str, pec: str) -> None:
    """R15: it may have been sent while these still counted as two."""
    citizen, token = asked_to_restore()
    assert citizen.restore is not None
    older = citizen.but(restore=citizen.restore.but(contacts=(("pec", pec), ("email", email))))
    decision = confirm_restore(older, token)
    assert codes(decision) == [("restore.not_confirmed", "no_link")]
    assert decision.deliveries == ()


def test_two_mailboxes_that_may_be_two_people_s_are_two_contacts() -> None:
    """R13: what follows a + is another name where nobody says that it is not."""
    citizen = account("active", contacts=Contacts(email="anna+pin@example.it", pec="anna@example.it"))
    assert told(request(citizen, email="anna+pin@example.it", pec="anna@example.it"))


def test_a_mailbox_is_the_registered_one_by_whatever_address_it_is_named() -> None:
    """R14: the link goes to the address that is registered."""
    citizen = account("active", contacts=Contacts(mobile=MOBILE, email="anna.rossi@gmail.com"))
    (mail,) = told(request(citizen, mobile=MOBILE, email="annarossi@gmail.com"))
    assert mail.to == "anna.rossi@gmail.com"


@pytest.mark.parametrize(
    ("contacts", "first", "second"),
    [
        ({"mobile": MOBILE, "email": EMAIL}, ("sms", MOBILE), ("email", EMAIL)),
        ({"mobile": MOBILE, "pec": PEC}, ("sms", MOBILE), ("pec", PEC)),
        ({"email": EMAIL, "pec": PEC}, ("pec", PEC), ("email", EMAIL)),
        ({"mobile": MOBILE, "email": EMAIL, "pec": PEC}, ("sms", MOBILE), ("pec", PEC)),
    ],
    ids=lambda value: "+".join(value) if isinstance(value, dict) else None,
)
def test_half_goes_to_one_contact_and_half_to_the_other(
    contacts: dict[str, str], first: tuple[str, str], second: tuple[str, str]
) -> None:
    """R15: half 1 to the mobile, without it to the PEC; half 2 to the other."""
    decision = confirm_restore(*asked_to_restore(None, None, **contacts))
    messages = told(decision)
    assert [(message.channel, message.to) for message in messages] == [first, second]
    assert "prima" in messages[0].text
    assert "seconda parte" in messages[1].text


def test_confirming_puts_a_new_pin_in_the_place_of_the_lost_one() -> None:
    """R15, R16: 16 characters, to be used once until they expire; the lost PIN opens nothing any more."""
    blocked = Attempts(total=20, blocked=True)
    citizen, token = asked_to_restore(account("active", attempts=blocked, level="dispositivo"))
    decision = confirm_restore(citizen, token)
    restored = changed(decision)
    new = restored.pin
    assert new is not None
    halves = [_half_in(message.text) for message in told(decision)]
    assert PEPPER.opens(new.salt, new.verifier, Secret("".join(halves)))
    assert (restored.status, new.initial, new.expires_at) == ("restoring", True, LAST_DAY_ENDS)
    assert (restored.attempts, restored.restore, restored.revocation) == (Attempts(), None, None)
    assert decision.reply == accepted()
    assert decision.events == (Event("restore.confirmed"),)
    assert new.id != (citizen.pin.id if citizen.pin else "")


def test_each_half_knows_the_delivery_that_carries_it() -> None:
    """R15: so that a half which cannot arrive ends the PIN."""
    decision = confirm_restore(*asked_to_restore())
    pin = changed(decision).pin
    assert pin is not None
    assert [half.deliveries for half in pin.halves] == [(str(d.id),) for d in decision.deliveries]


def test_a_restored_pin_that_is_never_used_expires() -> None:
    """R16: the message to the issuer is due then, and names the new PIN."""
    decision = confirm_restore(*asked_to_restore())
    pin = changed(decision).pin
    (message,) = decision.messages
    assert (message.key, message.due_at) == ("internal.issuer.expire", LAST_DAY_ENDS)
    assert orjson.loads(message.body) == {"subject": SUBJECT.hex(), "pin_id": pin.id if pin else None}


def test_restoring_keeps_the_dispositivo_profile() -> None:
    """Identity was established once."""
    recognised = Recognition(kind="de_visu", at=NOW, operator="op-0107")
    citizen = account("active", level="dispositivo", recognition=recognised)
    restored = changed(confirm_restore(*asked_to_restore(citizen)))
    assert (restored.level, restored.recognition) == ("dispositivo", recognised)


def test_a_restored_pin_can_be_restored_again() -> None:
    """R17: the initial PIN of a restore was lost before it was used."""
    decision = confirm_restore(*asked_to_restore(account("restoring")))
    pin = changed(decision).pin
    assert pin is not None
    assert not PEPPER.opens(pin.salt, pin.verifier, INITIAL_PIN)


def test_what_has_ended_meanwhile_is_not_restored() -> None:
    """R15: a link never brings a revoked PIN back, whatever the account still holds."""
    citizen, token = asked_to_restore()
    decision = confirm_restore(citizen.but(status="revoked", pin=None), token)
    assert codes(decision) == [("restore.not_confirmed", "no_link")]
    assert decision.deliveries == ()


@pytest.mark.parametrize("confirmed", [False, True], ids=["before the link", "after it"])
def test_a_contact_that_counts_at_once_ends_a_restore_with_the_old_one(*, confirmed: bool) -> None:
    """R12, R15: neither the link nor the halves at the old contacts make a PIN; restoring anew does."""
    at_once = PinPolicy(contacts_cooling=timedelta(0))
    citizen, token = asked_to_restore()
    if confirmed:
        citizen = changed(confirm_restore(citizen, token))
    update = read("contacts.update", contacts={"mobile": "+393337654321"})
    moved = changed(registry.contacts_update(citizen, update, moment(seed=2, policy=at_once)))
    assert confirm_restore(moved, token).reason == "no_link"
    assert moved.pin is None or not moved.pin.initial
    again = asked_to_restore(moved, moment(seed=3, policy=at_once), mobile="+393337654321", email=EMAIL)
    assert confirm_restore(*again).reply == accepted()


def test_a_german_citizen_is_written_to_in_german() -> None:
    """R33."""
    citizen, token = asked_to_restore(account("active", language="de"))
    sms, mail = told(confirm_restore(citizen, token))
    assert "erster Teil der neuen PIN" in sms.text
    assert "Dies ist Ihr zweiter Teil" in mail.text
    assert "21.01.2027" in mail.text


def _half_in(text: str) -> str:
    (half,) = {word for word in text.replace(":", " ").replace(".", " ").split() if _is_half(word)}
    return half


def _is_half(word: str) -> bool:
    return len(word) == 8 and word.isalnum() and word == word.upper() and not word.isalpha()
