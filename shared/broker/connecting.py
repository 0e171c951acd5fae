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


async def connect(url: str, name: str, limit: float, tls: TlsFiles = NONE) -> AbstractConnection:
    """Connect to the first node that answers, in an order that is another at each call.

    So the connections of many workers are spread over the nodes, and no node that is gone, frozen or cut off
    keeps a worker for longer than its share of the time.

    Args:
        url: of the broker; its hosts stand in the place of one, with commas between.
        name: of the connection, for the broker's operators.
        limit: seconds in all.
        tls: the certificates to use with `amqps://`, read anew; without any, those that the URL names.

    Raises:
        OSError, TimeoutError, AMQPError, RuntimeError: what the last node said, when none answered.
    """
    places = several_hosts.each(url)
    random.shuffle(places)
    for place in places[:-1]:
        try:
            return await _connect(place, name, limit / len(places), tls)
        except FAULTS:
            continue
    return await _connect(places[-1], name, limit / len(places), tls)


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
            await close(connection, limit)
            raise
        return connection


async def close(connection: AbstractConnection, limit: float) -> None:
    """Close a connection within so many seconds; if the other end is silent, it is left to end by itself.

    aiormq waits for a socket whose buffer is full until its heartbeats end, for minutes, whoever cancels it:
    so a publisher whose node was cut off would stay with it for as long.
    """
    closing = asyncio.ensure_future(connection.close())
    closing.add_done_callback(lambda done: done.cancelled() or done.exception())  # nobody else asks for it
    await asyncio.wait({closing}, timeout=limit)
