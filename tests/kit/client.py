"""A black-box client: what a portal, an operator's console, the registry or a gateway does on the broker.

It knows the wire contract and nothing else of the project.

    async with portal(stack) as client:
        await client.ask("pin.request", body)
        key = ReplyKey()
        reply = await client.ask(
            "pin.activate",
            {"codice_fiscale": …, "pin_sealed": sealed(stack, "issuer", pin), "reply_key": key.public},
        )
        short_pin = key.open(reply["data"]["pin_sealed"])

What the citizen gets is read by `tests.kit.captured`.
"""

import base64
import json
from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self
from uuid import uuid4

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractConnection, AbstractIncomingMessage
from aiormq.exceptions import AMQPError
from nacl.public import PrivateKey, PublicKey, SealedBox

from deploy.local.stack import Stack
from tests.kit.waiting import LIMIT, until

Body = dict[str, Any]
Reply = dict[str, Any]
LOST = (OSError, AMQPError, RuntimeError, TimeoutError)
"""What a client sees when the broker goes away; what became of the last command is then unknown."""


def sealed(stack: Stack, to: str, text: str) -> str:
    """Seal a text to a service (`issuer`, `revoker`, `dispositivo`), as commands carry secrets."""
    public = base64.b64decode((stack.state / f"keys/{to}.pub").read_text())
    return base64.b64encode(SealedBox(PublicKey(public)).encrypt(text.encode())).decode()


class ReplyKey:
    """A pair of keys to which a reply is sealed."""

    def __init__(self) -> None:
        self._key = PrivateKey.generate()
        self.public = base64.b64encode(bytes(self._key.public_key)).decode()
        """What goes into the command as `reply_key`."""

    def open(self, text: str) -> str:
        """Return what was sealed to this key."""
        return SealedBox(self._key).decrypt(base64.b64decode(text)).decode()


@dataclass(frozen=True)
class Event:
    """One copy of an event, as it came."""

    type: str
    correlation_id: str
    body: dict[str, Any]

    @property
    def id(self) -> str:
        """What all copies of one event share."""
        return str(self.body["event_id"])


class Client:
    """One broker user with a queue for its replies and one for all events.

    Args:
        stack: whose broker it connects to.
        user: `portal`, `operator` or `registry`, who have queues of their own; or any other, who has none.
        name: makes the queues lasting ones of this name, which survive the broker and a `reconnect`.
    """

    def __init__(self, stack: Stack, user: str, *, name: str = "") -> None:
        self._url, self.user, self._name = stack.rabbitmq.url(user), user, name
        self.listens = user in {"portal", "operator", "registry"}
        """Whether it has queues, and so gets replies and events."""
        self._connection: AbstractConnection | None = None
        self._channel: AbstractChannel | None = None
        self._reply_to: str | None = None
        self.replies: defaultdict[str, list[bytes]] = defaultdict(list)
        """Every reply, as its bytes, by correlation id, in order of arrival."""
        self.events: list[Event] = []
        """Every copy of every event since the client opened, in order of arrival."""

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
        if self._channel:
            for queue in self._queue_names():
                await self._channel.queue_delete(queue)

    def _queue_names(self) -> tuple[str, str]:
        return f"reply.{self.user}.{self._name}", f"events.{self.user}.{self._name}"

    async def connect(self) -> None:
        """Connect, declare the queues and start to listen.

        Raises:
            OSError, AMQPError, RuntimeError, TimeoutError: the broker is not there (`LOST`).
        """
        await self.close()
        self._connection = await aio_pika.connect(self._url, timeout=10)
        self._channel = await self._connection.channel(publisher_confirms=True, on_return_raises=True)
        if self.listens:
            await self._listen(self._channel)

    async def _listen(self, channel: AbstractChannel) -> None:
        if self._name:
            kind = {"x-queue-type": "quorum"}
            replies, events = [
                await channel.declare_queue(queue, durable=True, arguments=dict(kind))
                for queue in self._queue_names()
            ]
        else:
            replies, events = [await channel.declare_queue("", exclusive=True) for _ in range(2)]
        await events.bind("pin.events", "#")
        self._reply_to = replies.name
        await replies.consume(self._take_reply)
        await events.consume(self._take_event)

    async def _take_reply(self, message: AbstractIncomingMessage) -> None:
        self.replies[message.correlation_id or ""].append(message.body)
        with suppress(*LOST):
            await message.ack()

    async def _take_event(self, message: AbstractIncomingMessage) -> None:
        self.events.append(Event(message.type or "", message.correlation_id or "", json.loads(message.body)))
        with suppress(*LOST):
            await message.ack()

    @property
    def reply_to(self) -> str:
        """The name of the queue for its replies."""
        return self._reply_to or ""

    async def close(self) -> None:
        """Go away; what the queues hold is lost unless they are lasting ones."""
        if self._connection:
            with suppress(*LOST):
                await self._connection.close()
        self._connection = self._channel = None

    async def publish(
        self,
        type_: str,
        body: Body | bytes,
        *,
        message_id: str | None = None,
        exchange: str = "pin.commands",
        key: str | None = None,
        **properties: Any,  # noqa: ANN401
    ) -> str:
        """Publish one message and wait until the broker has confirmed it.

        Args:
            type_: its type, which is the routing key too.
            body: a JSON object, or bytes as they are.
            message_id: a new one, unless given.
            exchange: where commands go, unless another is given.
            key: the routing key, where it is not the type.
            properties: AMQP properties beside, or in the place of, those that the contract asks for.

        Returns:
            The message id, which is the correlation id of the reply and of all that follows.
        """
        message_id = message_id or str(uuid4())
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
        target = await self._channel.get_exchange(exchange, ensure=False)
        await target.publish(message, key or type_, mandatory=True, timeout=LIMIT)
        return message_id

    async def publish_surely(
        self, type_: str, body: Body, *, message_id: str, limit: float = 2 * LIMIT
    ) -> None:
        """Publish through losses of the broker: what was not confirmed goes out again under the same id."""

        async def confirmed() -> bool:
            try:
                await self.publish(type_, body, message_id=message_id)
            except LOST:
                with suppress(*LOST):
                    await self.connect()
                return False
            return True

        await until(confirmed, f"{type_} confirmed", limit=limit, every=0.1)

    async def ask(
        self, type_: str, body: Body, *, message_id: str | None = None, limit: float = LIMIT
    ) -> Reply:
        """Publish one command and return the reply to it; asked again, the reply to this time."""
        message_id = message_id or str(uuid4())
        before = len(self.replies[message_id])
        await self.publish(type_, body, message_id=message_id)
        return await self.reply(message_id, before, limit=limit)

    async def reply(self, message_id: str, number: int = 0, *, limit: float = LIMIT) -> Reply:
        """Return a reply that has come or comes yet: the first, unless another number is asked for."""
        replies = self.replies[message_id]
        await until(lambda: len(replies) > number, f"a reply to {message_id}", limit=limit, every=0.005)
        reply: Reply = json.loads(replies[number])
        return reply

    async def event(self, type_: str, correlation_id: str, *, limit: float = LIMIT) -> dict[str, Any]:
        """Return the `data` of an event that has come or comes yet for one correlation id."""

        def found() -> list[Event]:
            return [e for e in self.events if e.type == type_ and e.correlation_id == correlation_id]

        await until(lambda: bool(found()), f"{type_} for {correlation_id}", limit=limit)
        data: dict[str, Any] = found()[0].body["data"]
        return data


def portal(stack: Stack) -> Client:
    """Return a portal, to be opened by `async with`."""
    return Client(stack, "portal")


def operator(stack: Stack) -> Client:
    """Return an operator's console, to be opened by `async with`."""
    return Client(stack, "operator")


def registry(stack: Stack) -> Client:
    """Return the health registry, to be opened by `async with`."""
    return Client(stack, "registry")


def gateway(stack: Stack) -> Client:
    """Return a gateway that sends receipts, to be opened by `async with`; it gets no replies."""
    return Client(stack, "gateway")
