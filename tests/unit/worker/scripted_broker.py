"""A minimal AMQP 0-9-1 broker on pamqp's public classes, to test client libraries."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import cast

import pamqp.frame
from pamqp.base import Frame
from pamqp.body import ContentBody
from pamqp.commands import Basic, Channel, Confirm, Connection, Queue
from pamqp.common import FieldTable
from pamqp.header import ContentHeader

FRAME_MAX = 4096
LIMIT = 5.0
_ANSWERS: dict[type, Frame] = {
    Connection.StartOk: Connection.Tune(channel_max=9, frame_max=FRAME_MAX, heartbeat=0),
    Connection.Open: Connection.OpenOk(),
    Connection.Close: Connection.CloseOk(),
    Channel.Open: Channel.OpenOk(),
    Channel.Close: Channel.CloseOk(),
    Confirm.Select: Confirm.SelectOk(),
    Basic.Qos: Basic.QosOk(),
}


class ScriptedBroker:
    """Returns what is published to `nowhere`, refuses `refused`, and confirms by the batch."""

    def __init__(self) -> None:
        self.batch = 1
        """How many publishes are confirmed by one word."""
        self.bodies: list[bytes] = []
        self.content = b""
        """Header and body of what is delivered to whoever consumes, with the delivery tag 7."""
        self.before = 0
        """How many more are delivered, one after the other, before a publish or a question is answered."""
        self.pause = 0.0
        """Seconds before each of them."""
        self.answers = True
        self._consumer: tuple[int, str] | None = None
        self._serving: set[asyncio.Task[None]] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Speak with one client until it goes."""
        self._serving.add(cast("asyncio.Task[None]", asyncio.current_task()))
        try:
            await self._speak(reader, writer)
        finally:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()

    async def end(self) -> None:
        """Leave all clients."""
        for serving in self._serving:
            serving.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)

    async def _speak(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(8)
        able: FieldTable = {"capabilities": {"publisher_confirms": True, "basic.nack": True}}
        start = Connection.Start(server_properties=able, mechanisms="PLAIN", locales="en_US")
        writer.write(pamqp.frame.marshal(start, 0))
        published = 0
        while got := await _frame(reader):
            number, found = got
            if isinstance(found, Basic.Publish):
                published += 1
                await self._take(found, published, reader, writer)
            elif type(found) in _ANSWERS:
                writer.write(pamqp.frame.marshal(_ANSWERS[type(found)], number))
            elif isinstance(found, Basic.Consume):
                self._consumer = number, found.consumer_tag
                writer.write(pamqp.frame.marshal(Basic.ConsumeOk(found.consumer_tag), number))
                self._deliver(writer)
            elif isinstance(found, Queue.Declare):
                await self._deliver_more(writer)
                if self.answers:
                    writer.write(pamqp.frame.marshal(Queue.DeclareOk(found.queue, 3, 1), number))

    def _deliver(self, writer: asyncio.StreamWriter) -> None:
        assert self._consumer
        number, consumer = self._consumer
        deliver = Basic.Deliver(consumer, 7, exchange="", routing_key="k")
        writer.write(pamqp.frame.marshal(deliver, number) + self.content)

    async def _deliver_more(self, writer: asyncio.StreamWriter) -> None:
        for _ in range(self.before):
            await asyncio.sleep(self.pause)
            self._deliver(writer)

    async def _take(
        self, publish: Basic.Publish, tag: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        number, header = await _expected(reader)
        assert isinstance(header, ContentHeader)
        body = b""
        while len(body) < header.body_size:
            part = (await _expected(reader))[1]
            assert isinstance(part, ContentBody)
            body += part.value
        self.bodies.append(body)
        await self._deliver_more(writer)
        if not self.answers:
            return
        if publish.routing_key == "nowhere":
            back = Basic.Return(312, "NO_ROUTE", publish.exchange, publish.routing_key)
            for frame in (back, header, ContentBody(body)):
                writer.write(pamqp.frame.marshal(frame, number))
        if publish.routing_key == "refused":
            writer.write(pamqp.frame.marshal(Basic.Nack(tag), number))
        elif tag % self.batch == 0:
            writer.write(pamqp.frame.marshal(Basic.Ack(tag, multiple=self.batch > 1), number))


async def _frame(reader: asyncio.StreamReader) -> tuple[int, pamqp.frame.FrameTypes] | None:
    try:
        head = await reader.readexactly(7)
        rest = await reader.readexactly(int.from_bytes(head[3:]) + 1)
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
    return pamqp.frame.unmarshal(head + rest)[1:]


async def _expected(reader: asyncio.StreamReader) -> tuple[int, pamqp.frame.FrameTypes]:
    frame = await _frame(reader)
    assert frame
    return frame


@asynccontextmanager
async def running() -> AsyncIterator[tuple[ScriptedBroker, str]]:
    """Give a broker on a free port, and its URL."""
    broker = ScriptedBroker()
    server = await asyncio.start_server(broker.serve, "127.0.0.1", 0)
    async with server:
        try:
            yield broker, f"amqp://a:b@127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        finally:
            await broker.end()
