"""The peers of the benchmark have a place of their own on our servers, whose rights are not ours."""

from collections.abc import Iterator

import asyncpg
import pytest
from aio_pika import Message, connect

from deploy.local.stack import Stack
from tests.bench.peer import Place


@pytest.fixture
def place(servers: Stack) -> Iterator[Place]:
    yield Place(servers)
    servers.rabbitmq.ctl("delete_user", "peer")
    servers.rabbitmq.ctl("delete_vhost", "peer")
    servers.postgres.sql("drop database peers;")
    servers.postgres.sql("drop role peer;")


async def test_a_peer_declares_what_it_needs_and_publishes_to_its_queues(place: Place) -> None:
    """Our plugin, which lets nobody outside change an exchange, judges every vhost of the broker."""
    async with await connect(place.env["PEER_AMQP"]) as broker:
        channel = await broker.channel()
        exchange = await channel.declare_exchange("celery", durable=True)
        queue = await channel.declare_queue("peer.sms", durable=True, arguments={"x-queue-type": "quorum"})
        await queue.bind(exchange, "peer.sms")
        for way in (exchange, channel.default_exchange):
            await way.publish(Message(b"{}"), "peer.sms")
            assert await queue.get()
    ledger = await asyncpg.connect(place.env["PEER_DSN"])
    assert await ledger.fetchval("select current_user") == "peer"
    await ledger.close()
