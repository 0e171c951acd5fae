"""What one batch publishes: events, sealed bundles of deliveries, internal messages, as outbox rows."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import orjson

from shared.broker.message import Message
from shared.config.logs import reason_of
from shared.contract import topology
from shared.contract.delivery import BUNDLE, to_bytes
from shared.contract.ids import timed_id
from shared.contract.instants import rfc3339
from shared.crypto.sealing import BundleSeal
from shared.crypto.signing import Signed, Signer
from shared.domain.decision import Decision, Delivery, Event, WorkerMessage
from shared.errors import UnwritableError
from shared.worker.reading import ReceivedMessage
from shared.worker.unit_of_work import OutboxRow

ROW_MESSAGES = 500
"""Messages in one row of the outbox, at most."""
BUNDLE_BYTES = 256 * 1024
"""Bytes in one bundle, approximately: a quarter of what the broker accepts (`max_message_size`)."""
_BESIDE_THE_SEAL = 400
"""Bytes of a delivery in its bundle beside its seal, at most, unless its correlation id is long."""


@dataclass(slots=True)
class Outbound:
    """What the decisions of one batch publish, until it is packed."""

    now: datetime
    user: str
    signer: Signer | None = None
    due_now: list[Message] = field(default_factory=list)
    due_later: defaultdict[datetime, list[Message]] = field(default_factory=lambda: defaultdict(list))
    deliveries: defaultdict[str, list[tuple[ReceivedMessage, Delivery]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    alarms: list[Event] = field(default_factory=list)
    """The events that are to be logged as well."""
    at: str = ""
    """`now` as the contract writes it."""

    def __post_init__(self) -> None:
        self.at = rfc3339(self.now)

    @property
    def _milliseconds(self) -> int:
        return int(self.now.timestamp() * 1000)

    def add(self, received: ReceivedMessage, decision: Decision) -> None:
        """Add what a decision publishes."""
        for event in decision.events:
            self.due_now.append(self._event(received, event))
            if event.fact.alarm:
                self.alarms.append(event)
        for internal in decision.messages:
            message = self._internal(received, internal)
            if internal.due_at is None or internal.due_at <= self.now:
                self.due_now.append(message)
            else:
                self.due_later[internal.due_at].append(message)
        for delivery in decision.deliveries:
            self.deliveries[delivery.channel].append((received, delivery))

    def _event(self, received: ReceivedMessage, event: Event) -> Message:
        event_id, kind = str(uuid4()), event.type
        correlation_id = event.correlation_id or received.correlation_id
        body = {
            "event_id": event_id,
            "type": kind,
            "subject": (received.subjects[0] if event.subject is None else event.subject).hex() or None,
            "correlation_id": correlation_id,
            "occurred_at": self.at,
            "data": event.fact.__dict__,
        }
        text = orjson.dumps(body)
        headers = _trace(received, correlation_id)
        if self.signer:
            signed = Signed(kind, event_id, correlation_id, self.user, "", text)
            headers |= self.signer.headers(signed, self.now)
        return Message(
            exchange=topology.EVENTS,
            routing_key=kind,
            body=text,
            type=kind,
            message_id=event_id,
            correlation_id=correlation_id,
            mandatory=False,
            headers=headers,
            user_id=self.user,
        )

    def _internal(self, received: ReceivedMessage, internal: WorkerMessage) -> Message:
        # By it a parked message is known to be old.
        parked = {"timestamp_in_ms": self._milliseconds} if internal.exchange == topology.DEAD else {}
        correlation_id = internal.correlation_id or received.correlation_id
        return Message(
            exchange=internal.exchange,
            routing_key=internal.key,
            body=internal.body,
            type=internal.type,
            message_id=str(self._id()),
            correlation_id=correlation_id,
            headers={**_trace(received, correlation_id), **internal.headers, **parked},
            user_id=self.user,
        )

    def pack(
        self, lease: timedelta, channels: Mapping[str, bytes], size: int
    ) -> tuple[list[tuple[OutboxRow, list[Message]]], list[OutboxRow]]:
        """Return the rows to publish now, with their messages, and those for later.

        Args:
            lease: how long a row is reserved for its worker before the relay takes it.
            channels: the public key of each channel.
            size: deliveries in one bundle, at most.
        """
        leased = self.now + lease
        now = [self._row(leased, part) for part in _parts(self.due_now, ROW_MESSAGES)]
        for channel, pairs in self.deliveries.items():
            for part in _parts(pairs, size):
                bundles = self._bundles(channel, channels[channel], part)
                now.extend(self._row(leased, [bundle]) for bundle in bundles)
        later = [
            self._row(due_at, part)[0]
            for due_at, messages in self.due_later.items()
            for part in _parts(messages, ROW_MESSAGES)
        ]
        return now, later

    def _bundles(
        self, channel: str, key: bytes, pairs: Sequence[tuple[ReceivedMessage, Delivery]]
    ) -> Iterator[Message]:
        """Seal deliveries under one key, and yield them in messages that the broker accepts."""
        seal, trace = BundleSeal(key), _trace(pairs[0][0])
        bundle: list[dict[str, Any]] = []
        length = 0
        for received, delivery in pairs:
            try:
                sealed = self._sealed(seal, delivery, received.subjects[0], received.correlation_id)
                if received.span:
                    sealed["traceparent"] = received.span.traceparent
                if asked_at := received.arrived.enqueued_at:
                    sealed["asked_at"] = asked_at.isoformat()
            except (TypeError, ValueError) as error:
                raise UnwritableError(received, reason_of(error)) from error
            size = len(sealed["seal"])
            if bundle and length + size > BUNDLE_BYTES:
                yield self._bundle(channel, seal, bundle, trace)
                bundle, length = [], 0
            bundle.append(sealed)
            length += size + _BESIDE_THE_SEAL
        yield self._bundle(channel, seal, bundle, trace)

    def alone(self, delivery: Delivery, key: bytes, subject: bytes, correlation_id: str) -> Message:
        """Return a delivery that no message has caused, as a bundle of its own.

        Args:
            delivery: what to send.
            key: the public key of its channel.
            subject: whom it is about.
            correlation_id: of it.
        """
        seal = BundleSeal(key)
        return self._bundle(
            delivery.channel, seal, [self._sealed(seal, delivery, subject, correlation_id)], {}
        )

    def _sealed(
        self, seal: BundleSeal, delivery: Delivery, subject: bytes, correlation_id: str
    ) -> dict[str, Any]:
        return {
            "id": str(delivery.id),
            "subject": subject.hex(),
            "correlation_id": correlation_id,
            "attempt": 1,
            "created_at": self.at,
            "seal": seal.seal(to_bytes(delivery.content), delivery.id.bytes),
        }

    def _bundle(
        self,
        channel: str,
        seal: BundleSeal,
        deliveries: Sequence[Mapping[str, Any]],
        trace: Mapping[str, str],
    ) -> Message:
        return Message(
            exchange=topology.NOTIFICATIONS,
            routing_key=channel,
            body=orjson.dumps({"key": seal.key, "key_id": seal.key_id, "deliveries": deliveries}),
            type=BUNDLE,
            message_id=str(self._id()),
            correlation_id=deliveries[0]["correlation_id"],
            headers={**trace, "timestamp_in_ms": self._milliseconds},
            user_id=self.user,
        )

    def _row(self, due_at: datetime, messages: list[Message]) -> tuple[OutboxRow, list[Message]]:
        return OutboxRow(self._id(), due_at, encode_row(messages)), messages

    def _id(self) -> UUID:
        """Return the id of what becomes a row: of the outbox, or of the inbox of the worker that gets it."""
        return timed_id(self.now)


def _parts(items: list[Any], size: int) -> list[list[Any]]:
    return [items[i : i + size] for i in range(0, len(items), size)]


def _trace(received: ReceivedMessage, correlation_id: str = "") -> dict[str, Any]:
    trace = received.traceparent(correlation_id)
    return {"traceparent": trace} if trace else {}


def encode_row(messages: Sequence[Message]) -> bytes:
    """Return messages as the content of one row of the outbox."""
    return orjson.dumps(
        [
            [
                m.exchange,
                m.routing_key,
                m.body.decode(),
                m.type,
                m.message_id,
                m.correlation_id,
                m.mandatory,
                m.headers,
                m.user_id,
            ]
            for m in messages
        ]
    )


def decode_row(content: bytes) -> list[Message]:
    """Return the messages of one row of the outbox."""
    return [
        Message(exchange, key, body.encode(), kind, message_id, correlation_id, mandatory, headers, user_id)
        for (
            exchange,
            key,
            body,
            kind,
            message_id,
            correlation_id,
            mandatory,
            headers,
            user_id,
        ) in orjson.loads(content)
    ]
