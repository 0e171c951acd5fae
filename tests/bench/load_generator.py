"""Generates load: thousands of commands, queued before the measurement starts."""

import asyncio
from collections.abc import Iterable
from itertools import islice
from types import TracebackType
from typing import Any, Self

import aio_pika
import orjson

from deploy.local.stack import Stack
from shared.contract.ids import new_message_id

_AT_ONCE = 500


class LoadGenerator:
    """A portal or an operator's console that requests replies and lets the broker discard them.

    Sending replies is part of a worker's load, reading them is not: the reply queue keeps only one.
    """

    def __init__(self, stack: Stack, user: str = "portal") -> None:
        self._url, self._user = stack.rabbitmq.url(user), user

    async def __aenter__(self) -> Self:
        self._connection = await aio_pika.connect(self._url)
        channel = await self._connection.channel(publisher_confirms=True, on_return_raises=True)
        replies = await channel.declare_queue("", exclusive=True, arguments={"x-max-length": 1})
        self._reply_to = replies.name
        self._commands = await channel.get_exchange("pin.commands", ensure=False)
        return self

    async def __aexit__(
        self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None
    ) -> None:
        await self._connection.close()

    async def put(self, type_: str, bodies: Iterable[dict[str, Any]]) -> int:
        """Publish a command for each body, with confirms; return how many."""
        waiting, number = iter(bodies), 0
        while part := [self._message(type_, body) for body in islice(waiting, _AT_ONCE)]:
            await asyncio.gather(*(self._commands.publish(message, type_) for message in part))
            number += len(part)
        return number

    def _message(self, type_: str, body: dict[str, Any]) -> aio_pika.Message:
        return aio_pika.Message(
            orjson.dumps(body),
            type=type_,
            message_id=new_message_id(),
            user_id=self._user,
            reply_to=self._reply_to,
            content_type="application/json",
            delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
        )
