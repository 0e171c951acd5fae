"""Messages received from and published to RabbitMQ."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

LARGEST_BODY = 1024 * 1024
"""Bytes in one message, at most: the broker's `max_message_size`; a larger one makes it close the channel."""


@dataclass(frozen=True, slots=True)
class Cut:
    """What a body was before it was cut: its length in bytes and its SHA-256 (hex)."""

    length: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Arrived:
    """One message as it was delivered to a lane; properties that are absent or unreadable are empty.

    `exchange` and `routing_key` are what it was published to, whatever bindings it passed since. The broker
    states them, not the sender.
    """

    tag: int
    body: bytes
    type: str
    message_id: str
    user_id: str
    correlation_id: str
    reply_to: str
    traceparent: str
    exchange: str
    routing_key: str
    redelivered: bool
    deliveries: int
    enqueued_at: datetime | None
    """From the header `timestamp_in_ms`, which our own messages have, or the property `timestamp`."""
    arrived_at: float
    signature: str = ""
    """The header `x-signature`; see `shared.crypto.signing`."""
    signed_at: str = ""
    """The header `x-signed-at`."""
    key_id: str = ""
    """The header `x-key-id`."""
    unreadable: frozenset[str] = frozenset()
    """The properties that are present but cannot be read, by their names in pamqp."""
    is_packed: bool = False
    """Whether `body` is packed; see `shared.worker.holding`."""
    cut: Cut | None = None
    """What the body was, where `body` is only its beginning."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message to publish. `mandatory`: it must reach a queue, else it counts as returned."""

    exchange: str
    routing_key: str
    body: bytes
    type: str
    message_id: str
    correlation_id: str = ""
    mandatory: bool = True
    headers: Mapping[str, Any] = field(default_factory=dict)
    user_id: str | None = None
