"""Istanze are protocolled, and wait where the PIN is not dispositivo (R30-R32)."""

import pytest

from services.dispositivo import istanze
from shared.contract.dispositivo import SubmittedData
from shared.domain.account import Status
from tests.unit.decisions import CONTACTS, Event, account, moment, read, told
from tests.unit.dispositivo.flow import FIRST_NUMBER, changed, code, data, ended, send, waiting


def test_with_a_dispositivo_pin_it_is_in_progress() -> None:
    """R30."""
    decision = send(account(level="dispositivo"))
    assert data(decision) == {"protocol": "2026.0000000001", "status": "in_progress"}
    facts = {"istanza_id": "2026-000123", "protocol": "2026.0000000001", "status": "in_progress"}
    assert decision.events == (Event("istanza.protocolled", facts),)
    assert not decision.deliveries
    assert changed(decision).suspended == ()


def test_with_another_pin_it_is_suspended_and_the_citizen_told() -> None:
    """R31."""
    decision = send(account())
    answer = SubmittedData.model_validate(data(decision))
    assert answer.status == "suspended"
    assert answer.notice is not None
    assert "PIN dispositivo" in answer.notice
    (mail,) = told(decision)
    assert (mail.channel, mail.to) == ("email", CONTACTS.email)
    assert "2026.0000000001" in mail.text
    assert "Maternity allowance" in mail.text
    assert [istanza.protocol for istanza in changed(decision).suspended] == ["2026.0000000001"]


def test_the_notice_is_german_for_a_german_speaker() -> None:
    """R31, R33."""
    assert "Der Antrag" in data(send(account(language="de")))["notice"]


@pytest.mark.parametrize("status", ["none", "issued", "restoring", "revoked", "expired"])
def test_without_an_active_pin_nothing_is_accepted(status: Status) -> None:
    """R30."""
    decision = send(account(status))
    assert code(decision) == "no_active_pin"
    assert not decision.events


def test_the_same_istanza_sent_twice_has_one_protocol() -> None:
    """R30."""
    citizen = changed(send(account()))
    again = send(citizen, number=FIRST_NUMBER + 7)
    assert data(again)["protocol"] == "2026.0000000001"
    assert data(again)["status"] == "suspended"
    assert again == again.but(account=None, entries=(), events=(), deliveries=())


def test_sent_again_after_its_release_it_is_in_progress() -> None:
    """R30, R32."""
    citizen = changed(send(account())).but(level="dispositivo", suspended=())
    assert data(send(citizen))["status"] == "in_progress"


def test_the_same_id_for_another_service_is_another_istanza() -> None:
    """R30: two portals may choose the same id."""
    citizen = changed(send(account()))
    command = read("istanza.submit", service="Pension")
    decision = istanze.submit(citizen, command, moment(known=FIRST_NUMBER + 1))
    assert data(decision)["protocol"] == "2026.0000000002"


def test_what_waits_is_known_however_many_follow() -> None:
    """R30: of those in progress, the latest twenty are."""
    citizen = waiting(many=30)
    assert len(citizen.istanze) == 20
    assert data(send(citizen, "istanza-0"))["protocol"] == "2026.0000000001"


def test_a_revoked_pin_leaves_its_istanze_waiting() -> None:
    """R32."""
    assert len(ended(waiting()).suspended) == 2


def test_a_protocol_is_its_year_and_ten_digits() -> None:
    """R30."""
    assert istanze.protocol(2027_0000000001) == "2027.0000000001"
    with pytest.raises(ValueError, match="draws a number"):
        istanze.protocol(None)
