"""Another system on the broker: sends commands, as often as it likes, and reads replies and events."""

import asyncio
import base64
import json
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Self
from uuid import uuid4

import aio_pika
from aio_pika.abc import AbstractIncomingMessage
from nacl.public import PublicKey, SealedBox

from deploy.local.stack import Stack

LIMIT = 20.0


async def until(condition: Callable[[], Any], limit: float = LIMIT) -> Any:  # noqa: ANN401 - what it waited for
    """Wait until a condition gives something true, and return that."""
    async with asyncio.timeout(limit):
        while not (found := condition()):  # noqa: ASYNC110 - other processes signal no event
            await asyncio.sleep(0.02)
    return found


def sealed(stack: Stack, worker: str, text: str) -> str:
    """Seal a text to a worker's public key."""
    public = base64.b64decode((stack.state / f"keys/{worker}.pub").read_text())
    return base64.b64encode(SealedBox(PublicKey(public)).encrypt(text.encode())).decode()


class Sender:
    """One broker user with a queue for replies and one for all events.

    Attributes:
        events: the type and the body of every event since it came.
    """

    def __init__(self, stack: Stack, user: str = "portal") -> None:
        self._url, self._user = stack.env[f"PIN_{user.upper()}_AMQP_URL"], user
        self._replies: dict[str, list[dict[str, Any]]] = {}
        self.events: list[dict[str, Any]] = []

    async def __aenter__(self) -> Self:
        self._connection = await aio_pika.connect(self._url)
        channel = await self._connection.channel(on_return_raises=True)
        self._commands = await channel.get_exchange("pin.commands", ensure=False)
        self._queue = await channel.declare_queue("", exclusive=True)
        events = await channel.declare_queue("", exclusive=True)
        await events.bind("pin.events", "#")
        await self._queue.consume(self._take_reply, no_ack=True)
        await events.consume(self._take_event, no_ack=True)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._connection.close()

    async def _take_reply(self, message: AbstractIncomingMessage) -> None:
        self._replies.setdefault(message.correlation_id or "", []).append(json.loads(message.body))

    async def _take_event(self, message: AbstractIncomingMessage) -> None:
        self.events.append(json.loads(message.body))

    async def ask(self, type_: str, body: Mapping[str, Any], *, times: int = 1) -> dict[str, Any]:
        """Send one message, several times under its one id, and return the reply that all of them got."""
        name = str(uuid4())
        for _ in range(times):
            await self._commands.publish(self._message(type_, body, name), type_)
        replies: list[dict[str, Any]] = await until(lambda: self._complete(name, times))
        assert replies == [replies[0]] * times
        return replies[0]

    def _complete(self, name: str, times: int) -> list[dict[str, Any]]:
        replies = self._replies.get(name, [])
        return replies if len(replies) == times else []

    def _message(self, type_: str, body: Mapping[str, Any], name: str) -> aio_pika.Message:
        return aio_pika.Message(
            json.dumps(body).encode(),
            type=type_,
            message_id=name,
            user_id=self._user,
            reply_to=self._queue.name,
            content_type="application/json",
            delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
        )

    def told_of(self, type_: str) -> list[dict[str, Any]]:
        """Return the data of every event of a type."""
        return [event["data"] for event in self.events if event["type"] == type_]
