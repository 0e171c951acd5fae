"""RabbitMQ as an operator sees it: how full the queues are, and what lies in `pin.dead`.

The only importer of aio_pika beside `shared/broker/session.py`, which is RabbitMQ as the workers see it. A
worker takes batches and must be fast; here one message is taken at a time, inspected, and settled or
returned.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractConnection, AbstractIncomingMessage
from aiormq.exceptions import ChannelNotFoundEntity, PublishError

from shared.broker.connecting import FAULTS, connect
from shared.config.tls import NONE, TlsFiles, loss_of
from shared.contract.channels import LANES
from shared.contract.topology import DEAD
from shared.crypto.signing import HEADERS
from shared.errors import BrokerLostError

FORGED = "forged"
"""The reason shown for a message in `pin.dead` that no worker parked: what its headers claim is not shown."""
_LIMIT = 10.0
_DIRECT = "amq.rabbitmq.reply-to"


@dataclass(frozen=True, slots=True)
class Depth:
    """How full a queue is. AMQP does not report the number of unacknowledged messages."""

    ready: int
    consumers: int


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """One message in `pin.dead`; properties that are absent are empty.

    Attributes:
        position: 1 is the oldest.
        queue: the lane that it came from.
        routing_key: with which it came to that lane.
        user_id: who sent it, as the broker validated it for the worker that parked it. Of a forged one, who
            put it here, as the broker validated it.
        reply_to: where its sender waits for a reply.
        signature: the sender's own, as the headers that it stands in; it holds for the replayed message too.
        length: of the body as it was sent; `body` may be its beginning only.
        forged: whether it was not put here by the worker of the lane that it names: nothing that its headers
            say is believed, and it cannot be replayed.
        parked_at: when the worker parked it; None where it does not say so, as of an earlier release.
    """

    position: int
    reason: str
    queue: str
    routing_key: str
    type: str
    message_id: str
    correlation_id: str
    user_id: str
    reply_to: str
    traceparent: str
    signature: Mapping[str, str]
    body: bytes
    length: int
    forged: bool
    parked_at: datetime | None
    taken: AbstractIncomingMessage


@dataclass(frozen=True, slots=True)
class Command:
    """A command that an operator sends.

    Attributes:
        queue: the lane's.
        user: in whose name, which the broker lets only an impersonator do.
    """

    queue: str
    type: str
    message_id: str
    user: str
    body: bytes


class BrokerAdmin:
    """One connection of an operator. When it closes, unsettled messages return to their queue."""

    def __init__(self, connection: AbstractConnection) -> None:
        self._connection = connection

    @classmethod
    @asynccontextmanager
    async def open(cls, url: str, tls: TlsFiles = NONE) -> AsyncIterator["BrokerAdmin"]:
        """Connect, within ten seconds; `tls` as for `Session.open`.

        Raises:
            BrokerLostError: no broker answers, it rejects the login, or the connection was lost.
        """
        try:
            connection = await connect(url, "pinctl", _LIMIT, tls)
            async with connection:
                yield cls(connection)
        except FAULTS as error:
            raise BrokerLostError(loss_of(error)) from None

    async def depth(self, queue: str) -> Depth | None:
        """Return how full a queue is, or None when there is no such queue."""
        try:
            # A channel of its own: the broker closes it when the queue is not there.
            async with self._connection.channel() as channel:
                declared = (
                    await channel.declare_queue(queue, passive=True, timeout=_LIMIT)
                ).declaration_result
        except ChannelNotFoundEntity:
            return None
        return Depth(declared.message_count or 0, declared.consumer_count or 0)

    async def ask(self, command: Command, limit: float) -> bytes | None:
        """Publish a command to its lane, as its user; return the reply's body, or None if none came in time.

        It goes straight to the lane's queue, and the reply comes straight back (direct reply-to).

        Args:
            command: what to ask.
            limit: seconds to wait for the reply.

        Raises:
            BrokerLostError: the connection was lost, or there is no such queue.
        """
        async with self._connection.channel(publisher_confirms=True, on_return_raises=True) as channel:
            answered: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

            async def take(reply: AbstractIncomingMessage) -> None:
                if reply.correlation_id == command.message_id and not answered.done():
                    answered.set_result(reply.body)

            replies = await channel.get_queue(_DIRECT, ensure=False)
            await replies.consume(take, no_ack=True, timeout=_LIMIT)
            message = aio_pika.Message(
                command.body,
                type=command.type,
                message_id=command.message_id,
                user_id=command.user,
                reply_to=_DIRECT,
                content_type="application/json",
                delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
            )
            await channel.default_exchange.publish(message, command.queue, mandatory=True, timeout=_LIMIT)
            with suppress(TimeoutError):
                return await asyncio.wait_for(answered, limit)
            return None

    @asynccontextmanager
    async def dead(self) -> AsyncIterator["DeadLetters"]:
        """Open `pin.dead`; at the end, unsettled messages return to their place."""
        async with self._connection.channel(publisher_confirms=True, on_return_raises=True) as channel:
            yield DeadLetters(channel)


class DeadLetters:
    """`pin.dead`, message by message, oldest first."""

    def __init__(self, channel: AbstractChannel) -> None:
        self._channel = channel

    async def letters(self) -> AsyncIterator[DeadLetter]:
        """Yield every message that is there now; those parked in the meantime are left out.

        All are taken, never only some: a returned message goes behind those never taken, so the positions
        that the operator was shown would belong to other messages.
        """
        queue = await self._channel.declare_queue(DEAD, passive=True, timeout=_LIMIT)
        for position in range(1, (queue.declaration_result.message_count or 0) + 1):
            message = await queue.get(fail=False, timeout=_LIMIT)
            if message is None:
                return
            yield _letter(position, message)

    async def replay(self, letter: DeadLetter) -> bool:
        """Publish a message to the lane it came from, as its sender, and remove it from `pin.dead`.

        It goes straight to the lane's queue. It leaves `pin.dead` only once the broker has confirmed it: a
        crash in between leaves it in both places, and the inbox of the lane's worker absorbs the second.

        Returns:
            Whether it was replayed: one that `can_be_replayed` denies, or whose lane does not exist, stays.
        """
        if not can_be_replayed(letter):
            return False
        message = aio_pika.Message(
            letter.body,
            type=letter.type or None,
            message_id=letter.message_id or None,
            correlation_id=letter.correlation_id or None,
            reply_to=letter.reply_to or None,
            user_id=letter.user_id or None,
            headers={
                **({"traceparent": letter.traceparent} if letter.traceparent else {}),
                **letter.signature,
            },
            content_type="application/json",
            delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
        )
        try:
            await self._channel.default_exchange.publish(
                message, letter.queue, mandatory=True, timeout=_LIMIT
            )
        except PublishError:  # returned: no such queue
            return False
        await letter.taken.ack()
        return True

    @staticmethod
    async def drop(letter: DeadLetter) -> None:
        """Remove a message permanently."""
        await letter.taken.ack()


def can_be_replayed(letter: DeadLetter) -> bool:
    """Return whether a worker parked a message, and whole."""
    return not letter.forged and letter.length == len(letter.body)


def _letter(position: int, message: AbstractIncomingMessage) -> DeadLetter:
    """Read a message of `pin.dead`.

    The broker vouches for the publisher (`user_id`), and for nothing else. So the headers are believed only
    if the publisher is the worker that owns the lane: any other could give itself another's name by them.
    """
    length: Any = message.headers.get("x-length")
    parked_by = message.user_id or ""
    if LANES.get(_header(message, "x-queue")) != parked_by:
        return _forged(position, message, parked_by)
    return DeadLetter(
        position=position,
        reason=_header(message, "x-reason"),
        queue=_header(message, "x-queue"),
        routing_key=_header(message, "x-routing-key"),
        type=message.type or "",
        message_id=message.message_id or "",
        correlation_id=message.correlation_id or "",
        # A worker that parks a message of its own sets no header: it is the sender.
        user_id=_header(message, "x-user-id", parked_by),
        reply_to=_header(message, "x-reply-to"),
        traceparent=_header(message, "traceparent"),
        signature={name: text for name in HEADERS if (text := _header(message, name))},
        body=message.body,
        length=length if isinstance(length, int) else len(message.body),
        forged=False,
        parked_at=_parked_at(message),
        taken=message,
    )


def _forged(position: int, message: AbstractIncomingMessage, parked_by: str) -> DeadLetter:
    return DeadLetter(
        position=position,
        reason=FORGED,
        queue="",
        routing_key="",
        type=message.type or "",
        message_id=message.message_id or "",
        correlation_id=message.correlation_id or "",
        user_id=parked_by,
        reply_to="",
        traceparent="",
        signature={},
        body=message.body,
        length=len(message.body),
        forged=True,
        parked_at=None,
        taken=message,
    )


def _header(message: AbstractIncomingMessage, name: str, default: str = "") -> str:
    value: Any = message.headers.get(name, default)
    return value if isinstance(value, str) else default


def _parked_at(message: AbstractIncomingMessage) -> datetime | None:
    milliseconds: Any = message.headers.get("timestamp_in_ms")
    try:
        return datetime.fromtimestamp(milliseconds / 1000, UTC)
    except (TypeError, ValueError, OverflowError, OSError):
        return None
