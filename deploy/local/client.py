"""A black-box client of the broker: acts as a portal, an operator's console, the registry or a gateway.

It knows the wire contract and nothing else of the project.

    async with Client(url, "portal") as portal:
        await portal.ask("pin.request", body)
        key = ReplyKey()
        reply = await portal.ask(
            "pin.activate",
            {"codice_fiscale": …, "pin_sealed": sealed(state, "issuer", pin), "reply_key": key.public},
        )
        short_pin = key.open(reply["data"]["pin_sealed"])

`deploy.local.captured` reads the citizen's messages, `deploy.local.sealed` seals and opens.
"""

import asyncio
import json
from collections.abc import Mapping
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractConnection, AbstractIncomingMessage, AbstractQueue
from aiormq.exceptions import AMQPError

from deploy.local.inbox import LIMIT, Event, Inbox, Reply
from shared.broker.connecting import close, connect
from shared.contract import topology
from shared.contract.ids import new_message_id

_LIMIT = 20.0
"""Seconds in which it is connected, and its queues are there."""
_GATHERS = 0.05
"""Seconds for which what has come is gathered, to be acknowledged at once: each acknowledgement of a durable
queue is an entry in the log of each of its copies."""
_FAREWELL = 2.0
"""Seconds that a broker may take to close a connection."""
_MAY_FOLLOW = {"portal": ("istanza.#", "dispositivo.activated"), "supervisor": ()}
"""The keys of `pin.events` that a user may bind, where they are not all."""
LOST = (OSError, AMQPError, RuntimeError, TimeoutError)
"""What a client sees when the broker goes away; what became of the last command is then unknown."""


class Client(Inbox):
    """One broker user with a queue for its replies and one for the events that it may follow.

    Args:
        url: of the broker, as this user.
        user: `portal`, `operator`, `registry` or `supervisor`, which have queues of their own; any other has
            none.
        name: declares durable queues of this name, which survive a broker restart and a reconnect.
        observer: of the broker, as the user `observer`: follows all events in its place, as no portal may.
        answers: the queue for the replies to what it publishes, which another client of the same user reads;
            it has no queues of its own then.
    """

    def __init__(self, url: str, user: str, *, name: str = "", observer: str = "", answers: str = "") -> None:
        super().__init__()
        self._url, self.user, self._name, self._observer = url, user, name, observer
        self.listens = user in {"portal", "operator", "registry", "supervisor"} and not answers
        """Whether it has queues, and so gets replies and events."""
        self._connections: list[AbstractConnection] = []
        self._channel: AbstractChannel | None = None
        self._watching: AbstractChannel | None = None
        self._reply_to: str | None = answers or None
        self._cancelled = False
        """Whether the broker has cancelled a consumer, as it does when it loses a queue's leader."""
        self._taken: dict[int, AbstractIncomingMessage] = {}
        """The last message of each channel, by its `id`, while it waits to be acknowledged."""
        self._acknowledging: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        await self.connect()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(*LOST):
            if self._name and self.listens:
                await self._delete_queues()
        await self.close()

    async def _delete_queues(self) -> None:
        if self._channel is None or self._channel.is_closed:
            await self.connect()
        if self._channel and self._watching:
            await self._channel.queue_delete(self._reply_queue)
            await self._watching.queue_delete(self._event_queue)

    @property
    def _reply_queue(self) -> str:
        return f"reply.{self.user}.{self._name}" if self._name else ""

    @property
    def _event_queue(self) -> str:
        return f"events.{'observer' if self._observer else self.user}.{self._name}" if self._name else ""

    async def connect(self) -> None:
        """Connect, declare the queues and start to consume.

        Raises:
            OSError, AMQPError, RuntimeError, TimeoutError: the broker is not there (`LOST`).
        """
        await self.close(farewell=0)
        self._cancelled = False
        async with asyncio.timeout(_LIMIT):
            self._channel = await self._open(self._url)
            if self.listens:
                self._watching = await self._open(self._observer) if self._observer else self._channel
                await self._listen(self._channel, self._watching)

    @property
    def connected(self) -> bool:
        """Whether every connection is open and every queue is consumed, as far as is known."""
        open_ = self._connections and not any(one.is_closed for one in self._connections)
        return bool(open_) and not self._cancelled

    async def consumes(self, limit: float = 3.0) -> bool:
        """Return whether the broker answers within `limit` seconds that each durable queue is consumed.

        A connection to a host that was cut off stays open until heartbeats end, for minutes.
        """
        try:
            async with asyncio.timeout(limit):
                for channel, queue in (
                    (self._channel, self._reply_queue),
                    (self._watching, self._event_queue),
                ):
                    if channel and queue:
                        found = await channel.declare_queue(queue, passive=True)
                        if not found.declaration_result.consumer_count:
                            return False
        except LOST:
            return False
        return True

    async def _open(self, url: str) -> AbstractChannel:
        self._connections.append(connection := await connect(url, self.user, _LIMIT / 2))
        return await connection.channel(publisher_confirms=True, on_return_raises=True)

    async def _listen(self, channel: AbstractChannel, watching: AbstractChannel) -> None:
        for each in {channel, watching}:
            (await each.get_underlay_channel()).on_consumer_cancel_callbacks.add(self._cancel)
        replies = await self._declared(channel, self._reply_queue)
        events = await self._declared(watching, self._event_queue)
        for key in ("#",) if self._observer else _MAY_FOLLOW.get(self.user, ("#",)):
            await events.bind(topology.EVENTS, key)
        self._reply_to = replies.name
        # What lies in a queue that goes with the connection need not be acknowledged.
        await replies.consume(self._take_reply, no_ack=not self._name)
        await events.consume(self._take_event, no_ack=not self._name)

    def _cancel(self, *_: object) -> None:
        self._cancelled = True

    @staticmethod
    async def _declared(channel: AbstractChannel, name: str) -> AbstractQueue:
        if not name:
            return await channel.declare_queue("", exclusive=True)
        return await channel.declare_queue(name, durable=True, arguments={"x-queue-type": "quorum"})

    async def _take_reply(self, message: AbstractIncomingMessage) -> None:
        self.take_reply(message.correlation_id or "", message.body)
        self._acknowledge(message)

    async def _take_event(self, message: AbstractIncomingMessage) -> None:
        body = json.loads(message.body)
        self.take_event(Event(message.type or "", message.correlation_id or "", body))
        self._acknowledge(message)

    def _acknowledge(self, message: AbstractIncomingMessage) -> None:
        """Acknowledge, in a moment, all that has come on this message's channel until then."""
        if not self._name:
            return
        channel = id(message.channel)
        if channel not in self._taken:
            acknowledging = asyncio.create_task(self._acknowledged(channel))
            self._acknowledging.add(acknowledging)
            acknowledging.add_done_callback(self._acknowledging.discard)
        self._taken[channel] = message

    async def _acknowledged(self, channel: int) -> None:
        await asyncio.sleep(_GATHERS)
        message = self._taken.pop(channel)
        with suppress(Exception):  # aiormq raises a bare one where a connection closes while it drains
            await message.ack(multiple=True)

    @property
    def reply_to(self) -> str:
        """The name of the queue for its replies."""
        return self._reply_to or ""

    async def close(self, farewell: float = _FAREWELL) -> None:
        """Disconnect, waiting so many seconds at most; messages in queues that are not durable are lost."""
        for acknowledging in self._acknowledging:
            acknowledging.cancel()
        self._taken.clear()
        for connection in self._connections:
            await close(connection, farewell)
        self._connections.clear()
        self._channel = self._watching = None

    async def publish(
        self,
        type_: str,
        body: Mapping[str, Any] | bytes,
        *,
        message_id: str | None = None,
        exchange: str = "",
        key: str | None = None,
        **properties: Any,  # noqa: ANN401
    ) -> str:
        """Publish one message and wait until the broker has confirmed it.

        Args:
            type_: its type, which is the routing key too.
            body: a JSON object, or bytes as they are.
            message_id: a new one, unless given.
            exchange: that of receipts for a gateway, else that of commands, unless another is given.
            key: the routing key, if it is not the type.
            properties: AMQP properties that extend or override those that the contract requires.

        Returns:
            The message id, which is the correlation id of the reply and of all its effects.

        Raises:
            OSError, AMQPError, RuntimeError, TimeoutError: the broker is not there (`LOST`).
        """
        message_id = message_id or new_message_id()
        message = aio_pika.Message(
            body if isinstance(body, bytes) else json.dumps(body).encode(),
            **{
                "type": type_,
                "message_id": message_id,
                "user_id": self.user,
                "reply_to": self._reply_to,
                "content_type": "application/json",
                "delivery_mode": aio_pika.DeliveryMode.PERSISTENT,
                **properties,
            },
        )
        if self._channel is None or self._channel.is_closed:
            raise ConnectionError("not connected")
        usual = topology.RECEIVED if self.user == "gateway" else topology.COMMANDS
        target = await self._channel.get_exchange(exchange or usual, ensure=False)
        await target.publish(message, key or type_, mandatory=True, timeout=LIMIT)
        return message_id

    async def ask(
        self,
        type_: str,
        body: Mapping[str, Any],
        *,
        message_id: str | None = None,
        times: int = 1,
        limit: float = LIMIT,
    ) -> Reply:
        """Publish one command and return its reply; on a repeat, the reply to the repeat.

        Args:
            type_: the command's type.
            body: a JSON object.
            message_id: a new one, unless given.
            times: how often it is published under the same id.
            limit: seconds to wait for each reply.

        Raises:
            TimeoutError: no worker answered.
            ValueError: the copies of one command got different replies.
        """
        message_id = message_id or new_message_id()
        before = len(self.replies[message_id])
        for _ in range(times):
            await self.publish(type_, body, message_id=message_id)
        reply = await self.reply(message_id, before + times - 1, limit=limit)
        if len(set(self.replies[message_id][before : before + times])) > 1:
            raise ValueError(f"{type_}: the copies of one command got different replies")
        return reply
