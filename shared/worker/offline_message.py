"""A message that did not come from the broker, for the same decisions and transactions."""

from typing import Any
from uuid import uuid4

from shared.broker.message import Arrived
from shared.worker.reading import ReceivedMessage


def offline_message(by: str, message: Any, subject: bytes, correlation_id: str) -> ReceivedMessage:  # noqa: ANN401
    """Return a message that a `BatchProcessor` settles as if it came from a lane.

    Args:
        by: the actor, as in the entries.
        message: what the decision is about.
        subject: whose account it touches.
        correlation_id: of every resulting entry and event.
    """
    message_id = uuid4()
    arrived = Arrived(
        tag=0,
        body=b"",
        type=by,
        message_id=str(message_id),
        user_id=by,
        correlation_id=correlation_id,
        reply_to="",
        traceparent="",
        exchange="",
        routing_key=by,
        redelivered=False,
        deliveries=0,
        enqueued_at=None,
        arrived_at=0.0,
    )
    return ReceivedMessage(
        arrived=arrived,
        id=message_id,
        digest=b"",
        actor=by,
        correlation_id=correlation_id,
        message=message,
        subjects=(subject,),
    )
