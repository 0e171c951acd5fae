"""The assignment of scenarios in the demonstration, and their expected events."""

from collections import Counter
from pathlib import Path

import pytest

from deploy.demo.citizen import Citizen
from deploy.demo.events import Events
from deploy.demo.scenarios import RECOGNISED, SCENARIOS, assign, promised
from deploy.demo.session import Session
from deploy.demo.summary import broken
from deploy.local.captured import Captured
from deploy.local.citizens import DE_VISU, KINDS, citizens


@pytest.fixture
def session(tmp_path: Path) -> Session:
    return Session(tmp_path, {}, Events(), Captured(tmp_path, from_now=True), effect_in_sight=True)


def people(session: Session, number: int) -> list[Citizen]:
    return [Citizen(session, kind, body) for kind, body in citizens(number, kinds=tuple(KINDS))]


@pytest.mark.parametrize("number", [20, 200])
def test_everybody_leads_one_life_and_every_life_is_led(session: Session, number: int) -> None:
    parts = assign(people(session, number))
    assert len({citizen.codice_fiscale for _, citizen in parts}) == len(parts) == number
    assert {scenario.says for scenario, _ in parts} == {
        scenario.says for scenario in (RECOGNISED, *SCENARIOS)
    }


@pytest.mark.parametrize("number", [1, 5])
def test_few_citizens_lead_the_first_lives(session: Session, number: int) -> None:
    assert len(assign(people(session, number))) == number


def test_most_citizens_activate(session: Session) -> None:
    parts = assign(people(session, 200))
    assert sum("pin.activated" in scenario.events for scenario, _ in parts) > 100


def test_only_those_with_two_contacts_restore_and_only_the_recognised_are_recognised(
    session: Session,
) -> None:
    for scenario, citizen in assign(people(session, 200)):
        assert scenario.suits(citizen)
        assert (scenario is RECOGNISED) == (citizen.kind == DE_VISU)


def test_an_effect_out_of_sight_is_not_promised(session: Session) -> None:
    parts = assign(people(session, 200))
    within, without = (promised(parts, effect_in_sight=seen) for seen in (True, False))
    at_branches = sum(scenario.says.endswith("at a branch") for scenario, _ in parts)
    assert without["istanza.released"] == at_branches < within["istanza.released"]
    assert within["dispositivo.approved"] == without["dispositivo.approved"]


def test_the_first_half_goes_twice_and_the_second_by_post(session: Session) -> None:
    """R5, R6: the mobile, and the PEC or else the email."""
    channels = {citizen.kind: citizen.issuance_channels for citizen in people(session, 200)}
    assert channels["plain"] == ["sms", "email", "post"]
    assert channels["landline"] == ["email", "post"]
    assert channels["pec"] == ["sms", "pec", "post"]


def test_a_promise_is_broken_by_too_few_and_by_too_many() -> None:
    promises = {"pin.issued": 2, "pin.revoked": 1}
    assert broken(Counter(promises), promises) == []
    assert len(broken({"pin.issued": 1, "pin.revoked": 2}, promises)) == 2
    assert broken({**promises, "delivery.failed": 3}, promises) == ["3 deliveries failed"]
    bounced = {"delivery.failed": 3}
    assert broken(bounced, bounced) == []
    assert broken({"delivery.failed": 4}, bounced) == ["delivery.failed: 4 times, and 3 were promised"]


def test_a_later_run_has_other_citizens_with_other_contacts() -> None:
    runs = [list(citizens(200, first=200 * run, kinds=tuple(KINDS))) for run in range(3)]
    bodies = [body for run in runs for _, body in run]
    assert len({body["codice_fiscale"] for body in bodies}) == 600
    assert len({body["contacts"]["email"] for body in bodies if "email" in body["contacts"]}) > 500
    assert runs[1] == list(citizens(200, first=200, kinds=tuple(KINDS)))
