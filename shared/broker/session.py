"""RabbitMQ as the workers see it: one session, alive or lost.

`shared/broker/admin.py` is RabbitMQ as an operator sees it. No worker imports aio_pika but by this folder.

A session is one connection with one channel to consume on and one to publish on. It is never repaired:
when any part of it fails, the whole session is lost, and the worker opens another. Unacknowledged
messages are redelivered, and the inbox removes duplicates.

aio_pika opens the connection; messages are read and written one layer below, on its aiormq channels.
A batch of publishes takes one write (`wire.py`) and one wait, instead of one of each per message.
"""

import asyncio
import sys
from collections import deque
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, Self, TypeVar

from aio_pika.abc import AbstractConnection
from aiormq.abc import AbstractChannel, DeliveredMessage
from aiormq.exceptions import AMQPError, PublishError

from shared.broker import wire
from shared.broker.connecting import FAULTS, close, connect
from shared.broker.message import LARGEST_BODY, Arrived, Message
from shared.config.tls import NONE, TlsFiles, loss_of
from shared.crypto.signing import KEY_ID, LONGEST_HEADER, SIGNATURE, SIGNED_AT
from shared.errors import BrokerLostError

_FAREWELL = 2.0
"""Seconds that a broker may take to close a connection."""
_ANSWERS = 3.0
"""Seconds in which a node that is alive answers a question, or delivers something."""
_LOOKS = 4
"""Looks within such a time at whether something has come: a loop that was busy has not looked."""
_Answer = TypeVar("_Answer")
LONGEST_TRACE = 255
"""Characters of a trace context that is passed on; the standard's (W3C Trace Context, 3.2) has 55."""


class Session:
    """One connection to RabbitMQ, usable until `lost` is set."""

    def __init__(
        self, connection: AbstractConnection, taking: AbstractChannel, giving: AbstractChannel
    ) -> None:
        self._connection, self._taking, self._giving = connection, taking, wire.concrete(giving)
        self._arrived: deque[Any] = deque()
        self.taken = 0
        """How many messages have come by it."""
        self._prefetch = 0
        self._read: Callable[[Arrived], Any] = _as_it_is
        self._something = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._consumer: str | None = None
        self._publishing = asyncio.Lock()
        self.lost = asyncio.Event()
        for channel in (taking, giving):
            channel.closing.add_done_callback(self._lose)
        taking.on_consumer_cancel_callbacks.add(self._lose)

    @classmethod
    async def open(cls, url: str, name: str, limit: float = 10.0, tls: TlsFiles = NONE) -> Self:
        """Connect, within `limit` seconds, to a node whose certificate has the name in the URL.

        Args:
            url: of the broker, with one host or several; see `connecting`.
            name: of the connection, for the broker's operators.
            limit: seconds.
            tls: the certificates to use with `amqps://`, read anew; without any, those that the URL names.

        Raises:
            BrokerLostError: no broker answers, it rejects the login, or a certificate is rejected.
        """
        connection = None
        try:
            async with asyncio.timeout(limit):
                connection = await connect(url, name, limit, tls)
                taking = await (await connection.channel(publisher_confirms=False)).get_underlay_channel()
                giving = await (await connection.channel(on_return_raises=True)).get_underlay_channel()
                return cls(connection, taking, giving)
        except FAULTS as error:
            raise BrokerLostError(loss_of(error)) from None
        finally:
            if connection is not None and sys.exc_info()[0] is not None:
                await close(connection, _FAREWELL)

    def _lose(self, *_: object) -> None:
        self.lost.set()
        self._something.set()

    async def consume(self, queue: str, prefetch: int, read: Callable[[Arrived], Any] | None = None) -> None:
        """Start consuming a queue, with at most `prefetch` unacknowledged messages.

        Args:
            queue: its name.
            prefetch: how many, at most.
            read: converts each message on arrival to what `gather` returns; it raises nothing.

        Raises:
            BrokerLostError: the queue is missing or forbidden, or the broker is silent for ten seconds.
        """
        self._read = read or _as_it_is
        try:
            async with asyncio.timeout(10):
                await self._taking.basic_qos(prefetch_count=prefetch)
                ok = await self._taking.basic_consume(queue, self._take)
        except FAULTS as error:
            raise BrokerLostError(f"consume {queue}: {error or type(error).__name__}") from None
        self._consumer, self._prefetch = ok.consumer_tag, prefetch

    async def stop_consuming(self) -> None:
        """Stop consuming; messages already taken can still be acknowledged."""
        if self._consumer and not self.lost.is_set():
            with suppress(OSError, AMQPError, RuntimeError, TimeoutError):
                async with asyncio.timeout(2):
                    await self._taking.basic_cancel(self._consumer)
        self._consumer = None
        self._something.set()

    async def _take(self, message: DeliveredMessage) -> None:
        self.taken += 1
        self._arrived.append(self._read(_arrived(message, self._loop.time())))
        self._something.set()

    async def gather(self, limit: int, linger: float) -> list[Any]:
        """Wait for a message, then take up to `limit` messages, waiting at most `linger` s for more.

        Returns the messages as read; an empty list when none arrived within a second or consuming was
        stopped.

        Raises:
            BrokerLostError: the session is over.
        """
        if not self._arrived:
            await self._wait(1.0)
        if self._arrived and len(self._arrived) < limit and linger:
            await asyncio.sleep(linger)
        if self.lost.is_set():
            raise BrokerLostError("the session ended")
        if not self._arrived:
            self._something.clear()
        return [self._arrived.popleft() for _ in range(min(limit, len(self._arrived)))]

    async def _wait(self, seconds: float) -> None:
        self._something.clear()
        if self.lost.is_set() or self._consumer is None:
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._something.wait()

    async def acknowledge(self, tag: int) -> None:
        """Acknowledge every message up to this one. Never retried: the inbox handles the redelivery.

        Raises:
            BrokerLostError: the session is over.
        """
        try:
            await self._taking.basic_ack(tag, multiple=True, wait=False)
        except (OSError, AMQPError, RuntimeError) as error:
            raise BrokerLostError(type(error).__name__) from None

    async def publish(self, messages: Sequence[Message], limit: float) -> list[bool]:
        """Publish a batch and wait for its confirms; return for each message whether it reached a queue.

        A message that is larger than the broker accepts is not sent, and reaches none.

        Raises:
            BrokerLostError: not all were confirmed, and nothing at all came from the broker for `limit`
                seconds: the rest may have arrived or not.
        """
        fit = [message for message in messages if len(message.body) <= LARGEST_BODY]
        if len(fit) < len(messages):
            routed = iter(await self.publish(fit, limit))
            return [len(message.body) <= LARGEST_BODY and next(routed) for message in messages]
        if not messages:
            return []
        try:
            return await self._answered(self._published(messages), limit)
        except FAULTS as error:
            self._lose()
            raise BrokerLostError(f"publish: {type(error).__name__}") from None
        finally:
            wire.forget(self._giving, messages)

    async def _published(self, messages: Sequence[Message]) -> list[bool]:
        async with self._publishing:
            if self._giving.is_closed:
                raise BrokerLostError("the channel is closed")
            confirmations = await wire.send(self._giving, messages)
        return await self._confirmed(confirmations)

    async def _answered(self, asked: Coroutine[Any, Any, _Answer], limit: float) -> _Answer:
        """Return what the broker answers.

        An answer comes behind all messages that are on their way, hundreds of megabytes at worst: a worker
        that took that for silence would have them all sent again, and again. No more are on their way than
        the worker has asked for: what comes after those excuses nobody.

        Raises:
            TimeoutError: neither it nor a message before it came for `limit` seconds.
            ConnectionAbortedError: the connection ended meanwhile.
        """
        answer = asyncio.ensure_future(asked)
        answer.add_done_callback(_retrieved)
        taken, quiet, last = self.taken, 0, self.taken + self._prefetch
        try:
            while quiet < _LOOKS:
                if (await asyncio.wait((answer,), timeout=limit / _LOOKS))[0]:
                    if answer.cancelled():  # aiormq cancels what waits on a connection that ends
                        raise ConnectionAbortedError("the connection ended")
                    return answer.result()
                before, taken = taken, min(self.taken, last)
                quiet = quiet + 1 if taken == before else 0
            raise TimeoutError
        finally:
            answer.cancel()

    async def _confirmed(self, confirmations: "list[asyncio.Future[Any]]") -> list[bool]:
        everything = asyncio.gather(*confirmations, return_exceptions=True)
        lost = asyncio.ensure_future(self.lost.wait())
        try:
            await asyncio.wait((everything, lost), return_when=asyncio.FIRST_COMPLETED)
            if not everything.done():
                raise BrokerLostError("the session ended")
            return [self._routed(result) for result in everything.result()]
        finally:
            lost.cancel()
            everything.cancel()

    @staticmethod
    def _routed(result: object) -> bool:
        if isinstance(result, PublishError):
            return False
        if isinstance(result, BaseException):
            raise BrokerLostError(f"publish: {type(result).__name__}")
        return True

    async def depth(self, queue: str) -> tuple[int, int]:
        """Return how many messages wait in a queue now, and how many consumers it has.

        RabbitMQ answers 0 and 0 as well when the queue's leader is silent for a quarter of a second, or the
        queue has none (`rabbit_quorum_queue:stat/2`, 3.10).

        Raises:
            BrokerLostError: for three seconds neither the answer nor any message comes from the broker.
        """
        try:
            ok = await self._answered(self._taking.queue_declare(queue, passive=True), _ANSWERS)
        except FAULTS as error:
            self._lose()
            raise BrokerLostError(type(error).__name__) from None
        return ok.message_count or 0, ok.consumer_count or 0

    async def close(self) -> None:
        """Close within two seconds, even if the broker does not answer; who has lost it does not wait."""
        farewell = 0 if self.lost.is_set() else _FAREWELL
        self.lost.set()
        await close(self._connection, farewell)


def _retrieved(answer: "asyncio.Future[Any]") -> None:
    """Take note of how it ended: nobody waits for an answer that was given up."""
    if not answer.cancelled():
        answer.exception()


def _as_it_is(arrived: Arrived) -> Arrived:
    return arrived


def _arrived(message: DeliveredMessage, now: float) -> Arrived:
    p = message.header.properties
    headers = p.headers or {}
    stamp = headers.get("timestamp_in_ms")
    trace = headers.get("traceparent")
    count = headers.get("x-delivery-count")
    return Arrived(
        tag=message.delivery_tag or 0,
        body=bytes(message.body),
        type=p.message_type or "",
        message_id=p.message_id or "",
        user_id=p.user_id or "",
        correlation_id=p.correlation_id or "",
        reply_to=p.reply_to or "",
        # Forwarded beside our own headers: a longer one would exceed the frame, and end the session.
        traceparent=trace if isinstance(trace, str) and len(trace) <= LONGEST_TRACE else "",
        exchange=message.exchange or "",
        routing_key=message.routing_key or "",
        redelivered=bool(message.redelivered),
        deliveries=count if isinstance(count, int) else 0,
        enqueued_at=_instant(stamp) if isinstance(stamp, int) else p.timestamp,
        arrived_at=now,
        signature=_short(headers, SIGNATURE),
        signed_at=_short(headers, SIGNED_AT),
        key_id=_short(headers, KEY_ID),
        unreadable=getattr(p, "unreadable", frozenset()),
    )


def _short(headers: Mapping[str, Any], name: str) -> str:
    text = headers.get(name)
    return text if isinstance(text, str) and len(text) <= LONGEST_HEADER else ""


def _instant(milliseconds: int) -> datetime | None:
    # The broker's timestamp, or any value that a sender put in its place.
    try:
        return datetime.fromtimestamp(milliseconds / 1000, UTC)
    except (OverflowError, OSError, ValueError):
        return None
