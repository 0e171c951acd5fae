"""A client of the broker: asks commands, waits for their replies, hears events."""

import asyncio
import json
from collections.abc import Callable, Mapping
from typing import Any, Self

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractConnection, AbstractIncomingMessage

from shared.contract import topology
from shared.contract.reply import Reply

Body = dict[str, Any]
_LIMIT = 120.0


class Client:
    """One broker user with a queue for its replies, open until `close`."""

    def __init__(self, connection: AbstractConnection, channel: AbstractChannel, user: str) -> None:
        self._connection, self._channel, self._user = connection, channel, user
        self._awaited: dict[str, asyncio.Future[Reply]] = {}
        self._commands: aio_pika.abc.AbstractExchange
        self._replies = ""

    @classmethod
    async def open(cls, url: str, user: str) -> Self:
        """Connect as `portal`, `operator` or `registry`.

        Raises:
            OSError, aiormq.exceptions.AMQPError: the broker is not there or does not let us in.
        """
        connection = await aio_pika.connect(url, timeout=10)
        channel = await connection.channel(publisher_confirms=True, on_return_raises=True)
        client = cls(connection, channel, user)
        client._commands = await channel.get_exchange(topology.COMMANDS, ensure=False)
        replies = await channel.declare_queue(exclusive=True)
        client._replies = replies.name
        await replies.consume(client._take, no_ack=True)
        return client

    async def _take(self, message: AbstractIncomingMessage) -> None:
        waiting = self._awaited.pop(message.correlation_id or "", None)
        if waiting and not waiting.done():
            waiting.set_result(Reply.model_validate_json(message.body))

    async def ask(self, type_: str, body: Mapping[str, Any], message_id: str) -> Reply:
        """Publish one command and wait for its reply, at most 120 s.

        Args:
            type_: the command's type, its routing key too.
            body: what becomes its JSON.
            message_id: a new UUID, which is also the correlation id of all that follows.

        Raises:
            TimeoutError: no worker answered.
        """
        waiting: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self._awaited[message_id] = waiting
        message = aio_pika.Message(
            json.dumps(body).encode(),
            type=type_,
            message_id=message_id,
            user_id=self._user,
            reply_to=self._replies,
            content_type="application/json",
            delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
        )
        try:
            async with asyncio.timeout(_LIMIT):
                await self._commands.publish(message, type_, mandatory=True)
                return await waiting
        except TimeoutError:
            raise TimeoutError(f"{type_}: no reply within {_LIMIT:g} s") from None
        finally:
            self._awaited.pop(message_id, None)

    async def hear(self, take: Callable[[Body], None]) -> None:
        """Have every event from now on taken, as its body."""
        events = await self._channel.declare_queue(exclusive=True)
        await events.bind(topology.EVENTS, "#")

        async def taken(message: AbstractIncomingMessage) -> None:
            take(json.loads(message.body))

        await events.consume(taken, no_ack=True)

    async def close(self) -> None:
        """Go away; the queues go with us."""
        await self._connection.close()
