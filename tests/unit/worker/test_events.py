"""An event as it is published: readers hold on to its every character."""

from datetime import timedelta
from uuid import UUID

import orjson
import pytest

from shared.contract.delivery_events import DeliverySent
from shared.contract.event import EventData
from shared.contract.events import DispositivoApproved, PinActivated, PinIssued, PinLocked
from shared.contract.instants import rfc3339
from shared.domain.decision import NOBODY, Decision, Event
from shared.worker.offline_message import offline_message
from shared.worker.outbound import Outbound
from tests.unit.decisions import NOW

LATER = NOW + timedelta(microseconds=123456)
ID = UUID("5b8f6a0e-3c52-4c8e-8d5e-0f7a1c2b3d4e")


def published(event: Event) -> dict[str, object]:
    """Return the body of an event that a decision says."""
    outbound = Outbound(LATER, "issuer")
    decision = Decision(events=(event,))
    outbound.add(offline_message("tests", None, bytes(16), "request-1"), decision)
    (said,) = outbound.due_now
    assert (said.exchange, said.routing_key) == ("pin.events", said.type)
    body: dict[str, object] = orjson.loads(said.body)
    assert body.pop("event_id") == said.message_id
    return body


@pytest.mark.parametrize(
    ("fact", "data"),
    [
        (PinActivated(), {}),
        (
            PinIssued(level="online", expires_at=NOW),
            {"level": "online", "expires_at": "2026-11-22T13:30:00+00:00"},
        ),
        (PinLocked(until=LATER), {"until": "2026-11-22T13:30:00.123456+00:00"}),
        (DispositivoApproved(effective_at=rfc3339(LATER)), {"effective_at": "2026-11-22T13:30:00.123Z"}),
        (
            DeliverySent(delivery_id=ID, channel="sms", attempt=1),
            {"delivery_id": str(ID), "channel": "sms", "attempt": 1},
        ),
    ],
    ids=lambda value: getattr(value, "type", ""),
)
def test_an_event_says_its_facts_in_the_same_characters_as_ever(
    fact: EventData, data: dict[str, object]
) -> None:
    assert published(Event(fact)) == {
        "type": fact.type,
        "subject": "00" * 16,
        "correlation_id": "request-1",
        "occurred_at": "2026-11-22T13:30:00.123Z",
        "data": data,
    }


def test_an_event_may_be_about_somebody_else_than_its_message() -> None:
    said = published(Event(PinActivated(), subject=b"\1" * 16, correlation_id="request-2"))
    assert (said["subject"], said["correlation_id"]) == ("01" * 16, "request-2")


def test_an_event_about_nobody_names_nobody() -> None:
    said = published(Event(PinActivated(), subject=NOBODY))
    assert said["subject"] is None
