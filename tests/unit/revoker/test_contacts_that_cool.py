"""A new contact counts for a restore only after some time, and the one before it until then (R12, R13).

The thief in these tests holds the citizen's session, and can change contacts; the citizen has the old ones.
"""

from collections.abc import Mapping
from datetime import timedelta

import pytest

from services.issuer import registry, requests
from services.revoker import restore, revoke
from shared.contract.reply import accepted
from shared.domain.account import Account, Contacts
from shared.domain.decision import ContextWith, Decision
from shared.domain.policy import PinPolicy
from tests.unit.decisions import CONTACTS, NOW, POLICY, Event, account, moment, public, read, told
from tests.unit.revoker.asking import asked_to_restore, changed, codes, confirm_restore

COOLING = POLICY.contacts_cooling
THIEF = {"mobile": "+393409999999", "email": "thief@example.org", "pec": "thief@pec.example.org"}
OURS = {"mobile": CONTACTS.mobile, "email": CONTACTS.email}
PEC = CONTACTS.pec or ""
Given = Mapping[str, str | None]


def after(elapsed: timedelta) -> ContextWith[object]:
    return moment(NOW + elapsed, seed=int(elapsed.total_seconds()))


def update(citizen: Account, contacts: Given, ctx: ContextWith[object] | None = None) -> Decision:
    return registry.contacts_update(citizen, read("contacts.update", contacts=contacts), ctx or moment())


def ask(citizen: Account, contacts: Given, ctx: ContextWith[object] | None = None) -> Decision:
    return restore.request(citizen, read("restore.request", contacts=contacts), ctx or moment(seed=5))


def robbed(**contacts: str) -> Account:
    """Return the account after a thief changed these contacts, or all that count."""
    return changed(update(account("active", level="dispositivo"), contacts or THIEF))


def test_who_changes_the_contacts_does_not_take_the_pin_with_them() -> None:
    """R13: it took 0.4 s; the reply is the usual one, and nothing is sent."""
    decision = ask(robbed(), {"mobile": THIEF["mobile"], "email": THIEF["email"]})
    assert (decision.reply, decision.account) == (accepted(), None)
    assert (decision.deliveries, decision.events) == ((), ())
    assert codes(decision) == [("restore.refused", "contacts_cooling")]


def test_one_new_contact_beside_an_old_one_does_not_count_either() -> None:
    """R13."""
    decision = ask(robbed(email=THIEF["email"]), {"mobile": CONTACTS.mobile, "email": THIEF["email"]})
    assert (decision.deliveries, codes(decision)) == ((), [("restore.refused", "contacts_cooling")])


def test_a_contact_that_there_was_not_before_does_not_count_either() -> None:
    """R12, R13."""
    citizen = account("active", contacts=Contacts(mobile=CONTACTS.mobile))
    added = changed(update(citizen, {"email": THIEF["email"]}))
    assert codes(ask(added, {"mobile": CONTACTS.mobile, "email": THIEF["email"]})) == [
        ("restore.refused", "contacts_cooling")
    ]


def test_a_new_contact_counts_after_the_time_to_the_second() -> None:
    """R13: the citizen who changed it gets the link there."""
    moved = robbed(email="new@example.it")
    ours = {"mobile": CONTACTS.mobile, "email": "new@example.it"}
    assert not ask(moved, ours, after(COOLING - timedelta(seconds=1))).deliveries
    (mail,) = told(ask(moved, ours, after(COOLING)))
    assert mail.to == "new@example.it"
    late = ask(moved, OURS, after(COOLING))
    assert codes(late) == [("restore.refused", "contacts_differ")]


def test_until_then_the_old_contacts_count_and_get_the_link_and_the_halves() -> None:
    """R13-R15: who is robbed of a session restores with what was always registered."""
    decision = ask(robbed(), OURS)
    assert [message.to for message in told(decision)] == [CONTACTS.email]
    citizen, token = asked_to_restore(robbed())
    halves = told(confirm_restore(citizen, token))[:2]
    assert [message.to for message in halves] == [CONTACTS.mobile, CONTACTS.email]


def test_a_restore_with_old_contacts_undoes_the_change() -> None:
    """R13: else the thief's contacts would count one day. What drops out is told."""
    decision = confirm_restore(*asked_to_restore(robbed()))
    restored = changed(decision)
    assert (restored.contacts, restored.cooling_contacts) == (CONTACTS, ())
    assert [event.type for event in decision.events] == ["restore.confirmed", "contacts.updated"]
    assert [(e.kind, e.data.get("changed")) for e in decision.entries][1:] == [
        ("contacts.updated", ["mobile", "email", "pec"])
    ]
    assert {message.to for message in told(decision)[2:]} == set(THIEF.values())
    assert not [value for value in THIEF.values() if value in public(decision)]
    late = ask(restored, {"mobile": THIEF["mobile"], "email": THIEF["email"]}, after(COOLING * 2))
    assert codes(late) == [("restore.refused", "contacts_differ")]


def test_a_restore_with_contacts_that_did_not_change_undoes_nothing() -> None:
    """R12: the citizen who changed the PEC, and then lost the PIN, has the new PEC."""
    moved = robbed(pec="new@pec.example.it")
    decision = confirm_restore(*asked_to_restore(moved))
    assert (changed(decision).contacts, len(decision.events)) == (moved.contacts, 1)


def test_a_session_cannot_end_the_restore_of_who_holds_the_contacts() -> None:
    """R15: neither before the link is opened nor after it."""
    citizen, token = asked_to_restore()
    attacked = changed(update(citizen, THIEF, moment(seed=2)))
    restored = changed(confirm_restore(attacked, token))
    assert restored.contacts == CONTACTS
    for harmless in ({"home_phone": "+390509999999"}, {"email": "Mario.Rossi@Example.com"}):
        assert changed(update(citizen, harmless, moment(seed=3))).restore is not None
    again = changed(update(restored, THIEF, moment(seed=4)))
    assert again.pin == restored.pin is not None


def test_changing_again_lets_the_first_contact_count_still_and_no_other() -> None:
    """R13: a thief who changes twice neither makes the citizen's forgotten, nor the first new one count."""
    first = robbed(email="one@example.org")
    second = changed(update(first, {"email": THIEF["email"]}, after(timedelta(hours=71))))
    later = after(timedelta(hours=73))
    for address in ("one@example.org", THIEF["email"]):
        assert not ask(second, {"mobile": CONTACTS.mobile, "email": address}, later).deliveries
    assert ask(second, OURS, later).deliveries


def test_what_is_changed_back_counts_at_once_and_the_change_never() -> None:
    """R13: it was there before; the thief's contact does not begin to count afterwards."""
    back = changed(update(robbed(), CONTACTS.but(home_phone=None).known(), after(timedelta(hours=71))))
    assert back.cooling_contacts == ()
    assert ask(back, OURS, after(timedelta(hours=71))).deliveries
    for hours in (71, 73, 200):
        refused = ask(
            back, {"mobile": THIEF["mobile"], "email": THIEF["email"]}, after(timedelta(hours=hours))
        )
        assert codes(refused) == [("restore.refused", "contacts_differ")]


def test_another_address_of_the_same_mailbox_counts_at_once() -> None:
    """R13."""
    moved = changed(update(account("active"), {"email": "Mario.Rossi@EXAMPLE.com"}))
    assert ask(moved, OURS).deliveries


def test_everybody_who_is_concerned_is_told_at_once_and_how_to_object() -> None:
    """R12: also the citizen's contacts when the thief changes the thief's own again."""
    first = update(account("active"), {"email": "one@example.org"})
    assert {m.to for m in told(first)} == {*OURS.values(), PEC, "one@example.org"}
    again = told(update(changed(first), {"email": THIEF["email"]}, moment(seed=2)))
    assert {m.to for m in again} == {*OURS.values(), PEC, "one@example.org", THIEF["email"]}
    sms, *mails = again
    assert all("25/11/2026, ore 14:30" in message.text for message in again)
    assert "06.164.164" in sms.text
    for mail in mails:
        assert "«Ripristina PIN»" in mail.text
        assert "«Revoca PIN»" in mail.text
        assert "06.164.164" in mail.text


def test_the_ledger_says_from_when_new_contacts_count() -> None:
    """R13."""
    (entry,) = update(account("active"), {"email": THIEF["email"]}).entries
    assert entry.data == {"changed": ["email"], "counts_from": NOW + COOLING}


def test_a_revocation_is_told_to_the_old_contacts_too() -> None:
    """R19: who changed the contacts does not keep the citizen from the warning, nor from the news."""
    warned = revoke.request(robbed(), read("revoke.request"), moment())
    assert {m.to for m in told(warned)[1:]} == {*THIEF.values(), *OURS.values(), PEC}
    ended = revoke.by_contact_centre(robbed(), read("revoke.by_contact_centre"), moment())
    assert {m.to for m in told(ended)} == {*THIEF.values(), *OURS.values(), PEC}


@pytest.mark.parametrize("status", ["none", "revoked", "expired"])
def test_the_contacts_of_a_request_count_at_once(status: str) -> None:
    """R2, R5: the first half goes there."""
    cooled = robbed() if status != "none" else account("none")
    asked = requests.request(cooled.but(status=status, pin=None), read("pin.request"), moment(known={}))
    assert changed(asked).cooling_contacts == ()


def test_with_no_time_set_new_contacts_count_at_once() -> None:
    """R13."""
    at_once = moment(policy=PinPolicy(contacts_cooling=timedelta(0)))
    moved = changed(update(account("active"), {"email": "new@example.it"}, at_once))
    assert ask(moved, {"mobile": CONTACTS.mobile, "email": "new@example.it"}, at_once).deliveries
    assert moved.cooling_contacts == ()


def test_an_account_of_the_release_before_has_contacts_that_count() -> None:
    """R13: nothing is known of when they were registered."""
    before = account("active").model_dump_json(exclude_defaults=True)
    assert "cooling" not in before
    assert ask(account("active"), OURS).events == (Event("restore.requested"),)
