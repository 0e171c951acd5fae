"""Ending a PIN: given this account, when this message, then exactly this decision (R18-R21)."""

import pytest

from services.revoker import revoke
from shared.contract.reply import accepted, rejected
from shared.domain.account import (
    LIVE,
    Account,
    Attempts,
    Contacts,
    HealthCard,
    Istanza,
    OperatorRevocation,
    Status,
)
from shared.domain.decision import Decision
from tests.unit.decisions import CARD, CONTACTS, NOW, POLICY, Event, account, moment, public, read, told
from tests.unit.revoker.asking import (
    LINK_INVALID,
    OWN_ADDRESS,
    asked_to_restore,
    asked_to_revoke,
    changed,
    codes,
    confirm_restore,
    confirm_revocation,
)

MOBILE, EMAIL, PEC = CONTACTS.mobile or "", CONTACTS.email or "", CONTACTS.pec or ""
REGISTERED = [("sms", MOBILE), ("pec", PEC), ("email", EMAIL)]


def request(citizen: Account, **fields: object) -> Decision:
    return revoke.request(citizen, read("revoke.request", **{"email": OWN_ADDRESS} | fields), moment())


def places(decision: Decision) -> list[tuple[str, str]]:
    return [(message.channel, message.to) for message in told(decision)]


@pytest.mark.parametrize("status", sorted(LIVE))
def test_with_the_health_card_a_link_goes_to_the_address_given(status: Status) -> None:
    """R18, R19: a lost initial PIN can be revoked too."""
    decision = request(account(status))
    mail = told(decision)[0]
    assert (mail.channel, mail.to) == ("email", OWN_ADDRESS)
    assert f"\n\n{POLICY.portal_url}/revoke/confirm?token=" in mail.text
    assert decision.reply == accepted()
    assert decision.events == (Event("revoke.requested"),)
    assert [entry.kind for entry in decision.entries] == ["revoke.requested"]


def test_every_registered_contact_is_warned() -> None:
    """R19."""
    warnings = told(request(account("active")))[1:]
    assert [(message.channel, message.to) for message in warnings] == REGISTERED
    assert all("token" not in message.text for message in warnings)


def test_the_address_that_need_not_be_the_citizens_learns_no_name() -> None:
    """R19."""
    mail = told(request(account("active")))[0]
    assert "Rossi" not in mail.subject + mail.text


def test_a_pec_takes_the_place_of_an_email() -> None:
    """R19."""
    decision = request(account("active"), pec="anna@pec.example.net")
    assert places(decision)[0] == ("pec", "anna@pec.example.net")


def test_without_any_contact_that_could_be_warned_the_link_is_sent_all_the_same() -> None:
    """R18: where no contacts are on file to restore with, revoking is the way."""
    citizen = account("active", contacts=Contacts(home_phone="+390501234567"))
    assert places(request(citizen)) == [("email", OWN_ADDRESS)]


@pytest.mark.parametrize(
    "card",
    [
        {"number": "80380000900012345679", "expires_on": "2029-06-30"},
        {"number": CARD.number, "expires_on": "2029-07-01"},
    ],
    ids=["another number", "another expiry"],
)
def test_a_card_that_differs_and_nothing_is_sent(card: dict[str, str]) -> None:
    """R19."""
    decision = request(account("active"), health_card=card)
    assert (decision.reply, decision.deliveries, decision.events) == (accepted(), (), ())
    assert codes(decision) == [("revoke.refused", "health_card_differs")]
    assert changed(decision).but(card_attempts=Attempts()) == account("active")


def test_a_citizen_whose_card_is_not_known_has_the_contact_centre() -> None:
    """R21."""
    decision = request(account("active", health_card=None))
    assert (decision.deliveries, codes(decision)) == ((), [("revoke.refused", "no_health_card_known")])


@pytest.mark.parametrize("status", ["none", "revoked", "expired"])
def test_where_no_pin_lives_nothing_is_sent(status: Status) -> None:
    """R18: and the reply is the same."""
    citizen = account(status, health_card=HealthCard(number=CARD.number, expires_on=CARD.expires_on))
    decision = request(citizen)
    assert (decision.reply, decision.account, decision.deliveries) == (accepted(), None, ())
    assert (decision.reason, codes(decision)) == ("no_live_pin", [("revoke.refused", "no_live_pin")])


@pytest.mark.parametrize("status", sorted(LIVE))
def test_on_confirmation_the_pin_is_annulled_and_a_new_one_may_be_requested(status: Status) -> None:
    """R20; revoking ends the dispositivo profile."""
    decision = confirm_revocation(*asked_to_revoke(account(status, level="dispositivo")))
    ended = changed(decision)
    assert (ended.status, ended.live, ended.pin, ended.level, ended.revocation) == (
        "revoked",
        False,
        None,
        None,
        None,
    )
    assert decision.reply == accepted()
    assert decision.events == (Event("pin.revoked", {"cause": "citizen"}),)
    assert [(entry.kind, dict(entry.data)) for entry in decision.entries] == [
        ("pin.revoked", {"cause": "citizen"})
    ]


def test_the_citizen_is_told_everywhere_and_at_the_address_of_the_link() -> None:
    """R20."""
    decision = confirm_revocation(*asked_to_revoke())
    assert places(decision) == [*REGISTERED, ("email", OWN_ADDRESS)]


def test_an_address_that_is_registered_too_is_told_once() -> None:
    """R20."""
    asked = changed(request(account("active"), email=EMAIL))
    assert asked.revocation is not None
    citizen, token = asked_to_revoke(asked)
    again = citizen.but(
        revocation=citizen.revocation.but(address=("email", EMAIL)) if citizen.revocation else None
    )
    assert places(confirm_revocation(again, token)) == REGISTERED


def test_suspended_istanze_stay_for_a_later_pin() -> None:
    """R32."""
    waiting = (Istanza(id="i-1", protocol="2026.0000000001", service="assegno", submitted_at=NOW),)
    decision = confirm_revocation(*asked_to_revoke(account("active", suspended=waiting)))
    assert changed(decision).suspended == waiting


def test_a_pin_that_was_restored_meanwhile_is_not_revoked_by_the_old_link() -> None:
    """R20: a restore begins anew, links included."""
    citizen, token = asked_to_revoke()
    restored = changed(confirm_restore(*asked_to_restore(citizen)))
    decision = confirm_revocation(restored, token)
    assert (decision.reply, decision.reason) == (LINK_INVALID, "no_link")


def test_what_has_ended_meanwhile_is_not_revoked_again() -> None:
    """R20."""
    citizen, token = asked_to_revoke()
    decision = confirm_revocation(citizen.but(status="expired", pin=None), token)
    assert (decision.reply, decision.deliveries, decision.events) == (LINK_INVALID, (), ())


@pytest.mark.parametrize("status", sorted(LIVE))
def test_the_contact_centre_revokes_at_once(status: Status) -> None:
    """R21."""
    command = read("revoke.by_contact_centre")
    decision = revoke.by_contact_centre(account(status), command, moment())
    assert (decision.reply, changed(decision).status) == (accepted(), "revoked")
    assert decision.events == (Event("pin.revoked", {"cause": "contact_centre"}),)
    assert [(entry.kind, dict(entry.data)) for entry in decision.entries] == [
        ("pin.revoked", {"cause": "contact_centre"})
    ]
    assert places(decision) == REGISTERED


def test_the_reason_which_may_name_people_rests_sealed_in_the_account() -> None:
    """R21: entries hold no personal data, and an operator may type anything."""
    reason = "Mario Rossi phoned from +393331234567"
    decision = revoke.by_contact_centre(
        account("active"), read("revoke.by_contact_centre", reason=reason), moment()
    )
    assert changed(decision).revoked_by_operators == (
        OperatorRevocation(at=NOW, operator="op-0042", office="Contact Center", reason=reason),
    )
    assert reason not in public(decision)


@pytest.mark.parametrize("status", ["none", "revoked", "expired"])
def test_the_contact_centre_is_told_when_there_is_nothing_to_revoke(status: Status) -> None:
    """R21."""
    decision = revoke.by_contact_centre(account(status), read("revoke.by_contact_centre"), moment())
    assert (decision.reply, decision.account, decision.events) == (rejected("no_live_pin"), None, ())
    assert [(entry.kind, dict(entry.data)) for entry in decision.entries] == [
        ("revoke.refused", {"code": "no_live_pin"})
    ]
