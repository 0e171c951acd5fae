"""Contacts (R12) and the health card (R19)."""

from datetime import timedelta

import pytest

from services.issuer.registry import contacts_update, registry_update
from shared.contract.reply import accepted, rejected
from shared.domain.account import Link, Status
from shared.domain.policy import PinPolicy
from tests.unit.decisions import CONTACTS, NOW, Event, account, moment, public, read, told

LINK = Link(digest=bytes(32), expires_at=NOW)
AT_ONCE = PinPolicy(contacts_cooling=timedelta(0))


@pytest.mark.parametrize("status", ["none", "issued", "revoked", "expired"])
def test_contacts_are_changed_only_after_first_access(status: Status) -> None:
    """R12."""
    decision = contacts_update(
        account(status), read("contacts.update", contacts={"email": "new@example.it"}), moment()
    )
    assert decision.reply == rejected("no_active_pin")
    assert decision.account is None


def test_contacts_given_are_set_and_the_others_stay() -> None:
    """R12."""
    decision = contacts_update(
        account("active"), read("contacts.update", contacts={"email": "new@example.it"}), moment()
    )
    assert decision.account is not None
    assert decision.account.contacts == CONTACTS.but(email="new@example.it")
    assert decision.events == (Event("contacts.updated"),)
    assert "new@example.it" not in public(decision)


def test_old_and_new_contacts_are_told_of_a_change() -> None:
    """R12."""
    command = read("contacts.update", contacts={"email": "new@example.it", "mobile": "+393407654321"})
    places = {message.to for message in told(contacts_update(account("active"), command, moment()))}
    assert places == {CONTACTS.mobile, CONTACTS.email, CONTACTS.pec, "new@example.it", "+393407654321"}


def test_an_update_of_nothing_new_says_nothing() -> None:
    command = read("contacts.update", contacts={"email": CONTACTS.email})
    decision = contacts_update(account("active"), command, moment())
    assert (decision.reply, decision.account, decision.deliveries) == (accepted(), None, ())


def test_contacts_that_count_at_once_end_a_restore_that_waits_for_its_link() -> None:
    """R15: the link opens nothing any more, the PIN still does."""
    before = account("active", restore=LINK)
    decision = contacts_update(
        before, read("contacts.update", contacts={"email": "new@example.it"}), moment(policy=AT_ONCE)
    )
    assert decision.account is not None
    assert decision.account.restore is None
    assert decision.account.pin == before.pin
    assert "restore.ended" in [entry.kind for entry in decision.entries]


def test_contacts_that_count_at_once_void_halves_that_are_under_way() -> None:
    """R15: halves at the old contacts make no PIN; the citizen can restore again."""
    decision = contacts_update(
        account("restoring"),
        read("contacts.update", contacts={"email": "new@example.it"}),
        moment(policy=AT_ONCE),
    )
    assert decision.account is not None
    assert (decision.account.status, decision.account.pin) == ("restoring", None)


@pytest.mark.parametrize("status", ["none", "issued", "active", "revoked"])
def test_the_registry_s_health_card_is_kept_for_anybody(status: Status) -> None:
    """R19."""
    card = {"number": "80380000900000000001", "expires_on": "2031-01-31"}
    decision = registry_update(account(status), read("registry.update", health_card=card), moment())
    assert decision.account is not None
    assert decision.account.health_card is not None
    assert decision.account.health_card.number == card["number"]
    assert card["number"] not in public(decision)


def test_the_same_health_card_again_changes_nothing() -> None:
    card = {"number": "80380000900000000001", "expires_on": "2031-01-31"}
    command = read("registry.update", health_card=card)
    known = registry_update(account("active"), command, moment()).account
    assert known is not None
    assert registry_update(known, command, moment()).account is None
