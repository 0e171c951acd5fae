"""What the workers say: replies and events."""

import json
from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import pytest
from pydantic import ValidationError

from shared.contract.events import EVENTS, Event, PinIssued, PinRequestRejected
from shared.contract.examples import EVENT_EXAMPLES, REPLY_EXAMPLES
from shared.contract.message import COMMANDS
from shared.contract.reply import DETAILS, Reply, accepted, rejected
from shared.errors import Fault

SUBJECT = "9c56cc51b374c3ba189210d5b6d4bf57790d351c96c47c02190ecf1e430635ab"
EVENT_ID = UUID("c1a3f0de-5b7a-4f6e-8f5d-0c9e8d7b6a51")
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def test_an_accepting_reply_carries_its_data() -> None:
    assert json.loads(accepted(level="online").body()) == {
        "outcome": "accepted",
        "code": "accepted",
        "detail": "",
        "errors": [],
        "data": {"level": "online"},
    }


def test_a_rejecting_reply_tells_the_detail_of_its_code_and_the_faults() -> None:
    fault = Fault("residence.postal_code", "missing", "This field is required.")
    told = json.loads(rejected("invalid", faults=[fault]).body())
    assert told["outcome"] == "rejected"
    assert told["detail"] == DETAILS["invalid"]
    assert told["errors"] == [
        {"field": "residence.postal_code", "code": "missing", "detail": "This field is required."}
    ]


def test_a_stored_reply_reads_back_the_same() -> None:
    reply = rejected("locked", retry_after=900)
    assert Reply.model_validate_json(reply.body()) == reply


def test_every_code_that_a_command_may_be_refused_with_has_its_sentence() -> None:
    codes = {code for command in COMMANDS.values() for code in command.refusals}
    assert codes | {"accepted", "invalid", "message_id_reused", "internal_error"} == set(DETAILS)


def test_a_blind_command_has_nothing_to_tell() -> None:
    """R14."""
    blind = {type_ for type_, command in COMMANDS.items() if command.blind}
    assert blind == {"pin.request", "restore.request", "revoke.request"}
    assert not any(COMMANDS[type_].refusals or COMMANDS[type_].reply_data for type_ in blind)


@pytest.mark.parametrize("type_", REPLY_EXAMPLES)
def test_the_example_of_each_replys_data_is_what_its_model_says(type_: str) -> None:
    model = COMMANDS[type_].reply_data
    assert model
    assert model.model_validate_json(json.dumps(REPLY_EXAMPLES[type_]))


def test_an_event_is_published_with_its_envelope_and_instants_in_utc() -> None:
    rome = timezone(timedelta(hours=1))
    data = PinIssued(level="online", expires_at=datetime(2027, 1, 21, 13, tzinfo=rome))
    event = Event.of(data, event_id=EVENT_ID, subject=SUBJECT, correlation_id="c-1", occurred_at=NOON)
    assert json.loads(event.body()) == {
        "event_id": str(EVENT_ID),
        "type": "pin.issued",
        "subject": SUBJECT,
        "correlation_id": "c-1",
        "occurred_at": "2026-11-22T12:00:00Z",
        "data": {"level": "online", "expires_at": "2027-01-21T12:00:00Z"},
    }


def test_an_event_about_nobody_is_read_back() -> None:
    data = PinRequestRejected(code="invalid")
    event = Event.of(data, event_id=EVENT_ID, subject=None, correlation_id="c-1", occurred_at=NOON)
    assert json.loads(event.body())["subject"] is None
    assert Event.model_validate_json(event.body()) == event


@pytest.mark.parametrize("type_", EVENTS)
def test_an_event_of_each_type_is_read_back_as_it_was_published(type_: str) -> None:
    data = EVENTS[type_].model_validate_json(json.dumps(EVENT_EXAMPLES.get(type_, {})))
    event = Event.of(data, event_id=EVENT_ID, subject=SUBJECT, correlation_id="c-1", occurred_at=NOON)
    assert Event.model_validate_json(event.body()) == event


@pytest.mark.parametrize(
    ("type_", "data"), [("pin.unheard_of", {}), ("pin.issued", {}), ("pin.expired", {"surname": "Rossi"})]
)
def test_an_event_says_what_its_type_allows_and_no_more(type_: str, data: dict[str, str]) -> None:
    body = {
        "event_id": str(EVENT_ID),
        "type": type_,
        "subject": SUBJECT,
        "correlation_id": "c-1",
        "occurred_at": "2026-11-22T12:00:00Z",
        "data": data,
    }
    with pytest.raises(ValidationError):
        Event.model_validate_json(json.dumps(body))


def test_an_instant_without_a_zone_is_refused() -> None:
    with pytest.raises(ValidationError):
        PinIssued(level="online", expires_at=datetime(2027, 1, 21, 13))  # noqa: DTZ001 - that is the point
