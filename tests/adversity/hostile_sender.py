"""A sender who violates the contract: any bytes, any properties or none, to any permitted queue."""

import asyncio
from types import TracebackType
from typing import Any, Self

import aio_pika
import pamqp.frame
from aio_pika.abc import AbstractConnection
from aiormq.channel import Channel
from pamqp.body import ContentBody
from pamqp.commands import Basic
from pamqp.header import ContentHeader

from shared.broker import wire

GARBLED = "not-utf8"
"""Stands, in a property, for bytes that are no UTF-8."""
_NO_UTF8 = b"\xff\xfe\xc0\x80ABC\xed"


class HostileSender:
    """One broker user on one connection."""

    def __init__(self, url: str) -> None:
        self._url = url
        self.replacing: dict[bytes, bytes] = {GARBLED.encode(): _NO_UTF8}
        """Bytes of a header as a library writes them, and those sent in their place, as many."""
        self._connection: AbstractConnection
        self._channel: Channel

    async def __aenter__(self) -> Self:
        self._connection = await aio_pika.connect(self._url, timeout=10)
        self._channel = wire.concrete(
            await (await self._connection.channel(publisher_confirms=False)).get_underlay_channel()
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._connection.close()

    async def say(self, body: bytes, key: str, *, exchange: str = "pin.commands", **properties: Any) -> None:  # noqa: ANN401
        """Publish, and wait until the broker has processed it.

        Written to the socket unchanged: a client library would correct the properties.

        Args:
            body: of any size.
            key: the routing key; with the exchange `""`, the name of a queue.
            exchange: the target.
            properties: by pamqp's names.

        Raises:
            aiormq.exceptions.ChannelAccessRefused: the user may not publish there.
            aiormq.exceptions.ChannelPreconditionFailed: the `user_id` is not the user's.
        """
        room = self._channel.max_content_size
        header = ContentHeader(properties=Basic.Properties(**properties), body_size=len(body))
        frames = [
            pamqp.frame.marshal(Basic.Publish(exchange=exchange, routing_key=key), self._channel.number),
            self._replaced(pamqp.frame.marshal(header, self._channel.number)),
            *(
                pamqp.frame.marshal(ContentBody(body[at : at + room]), self._channel.number)
                for at in range(0, len(body), room)
            ),
        ]
        await wire.write(self._channel, b"".join(frames))
        async with asyncio.timeout(30):
            # Answered after everything sent before on this channel.
            await self._channel.basic_qos(prefetch_count=1)

    def _replaced(self, frame: bytes) -> bytes:
        for written, sent in self.replacing.items():
            frame = frame.replace(written, sent)
        return frame
