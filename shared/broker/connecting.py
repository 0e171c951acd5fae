"""Connecting to RabbitMQ: to any node of a cluster that answers."""

import asyncio
import random

from aio_pika.abc import AbstractConnection
from aio_pika.connection import Connection, make_url
from aiormq.exceptions import AMQPError

from shared.config import several_hosts
from shared.config.tls import NONE, TlsFiles

FAULTS = (OSError, TimeoutError, AMQPError, RuntimeError)
"""What a broker that is gone, silent or unwilling raises."""
_APART = 0.5
"""Seconds after which the next node is tried as well, as for Postgres (`shared/ledger`)."""
_closing: set["asyncio.Future[None]"] = set()
"""Of the connections that are left to end by themselves: a loop keeps no task that nobody refers to."""


async def connect(url: str, name: str, limit: float, tls: TlsFiles = NONE) -> AbstractConnection:
    """Connect to the first node that answers, in an order that is another at each call.

    So the connections of many workers are spread over the nodes. The next node is tried half a second after
    the one before, or as soon as that one refuses: none that is gone, frozen or cut off keeps a worker.

    Args:
        url: of the broker; its hosts stand in the place of one, with commas between.
        name: of the connection, for the broker's operators.
        limit: seconds in all; each node has an equal share.
        tls: the certificates to use with `amqps://`, read anew; without any, those that the URL names.

    Raises:
        OSError, TimeoutError, AMQPError, RuntimeError: what the last node said, when none answered.
    """
    places = several_hosts.each(url)
    random.shuffle(places)
    share = limit / len(places)
    trying: set[asyncio.Task[AbstractConnection]] = set()
    failures: list[BaseException] = []
    try:
        while places or trying:
            if places:
                trying.add(asyncio.create_task(_connect(places.pop(), name, share, tls)))
            done, trying = await asyncio.wait(
                trying, timeout=_APART if places else None, return_when=asyncio.FIRST_COMPLETED
            )
            made = [one for one in done if not _failure(one)]
            trying.update(made[1:])
            if made:
                return made[0].result()
            failures += filter(None, map(_failure, done))
        raise failures[-1]
    finally:
        await _give_up(trying)


def _failure(attempt: "asyncio.Task[AbstractConnection]") -> BaseException | None:
    # aiormq cancels what waits on a connection that ends.
    return ConnectionAbortedError() if attempt.cancelled() else attempt.exception()


async def _give_up(trying: "set[asyncio.Task[AbstractConnection]]") -> None:
    for task in trying:
        task.cancel()
    for end in await asyncio.gather(*trying, return_exceptions=True):
        if not isinstance(end, BaseException):
            await close(end, 0)


async def _connect(url: str, name: str, limit: float, tls: TlsFiles) -> AbstractConnection:
    async with asyncio.timeout(limit):
        connection = Connection(
            make_url(url),
            client_properties={"connection_name": name},
            ssl_context=await asyncio.to_thread(tls.context) if tls else None,
        )
        try:
            await connection.connect()
        except BaseException:
            # Else it would begin to close when it is found unused, at any time, in a loop that may be gone.
            await close(connection, 0)
            raise
        return connection


async def close(connection: AbstractConnection, limit: float) -> None:
    """Close a connection within so many seconds; if the other end is silent, it is left to end by itself.

    aiormq waits for a socket whose buffer is full until its heartbeats end, for minutes, whoever cancels it:
    so a publisher whose node was cut off would stay with it for as long.
    """
    closing = asyncio.ensure_future(connection.close())
    _closing.add(closing)
    closing.add_done_callback(_closed)
    await asyncio.wait({closing}, timeout=limit)


def _closed(closing: "asyncio.Future[None]") -> None:
    _closing.discard(closing)
    if not closing.cancelled():
        closing.exception()  # nobody else asks for it
