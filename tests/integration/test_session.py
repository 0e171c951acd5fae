"""The session with RabbitMQ, on RabbitMQ."""

import socket
from urllib.parse import urlsplit
from uuid import uuid4

import pytest

from deploy.local.ports import HOST
from deploy.local.stack import Stack
from shared.broker.message import Message
from shared.broker.session import Session
from shared.config.servers import AmqpSettings
from shared.config.tls import TlsFiles
from shared.errors import BrokerLostError, LedgerLostError
from shared.ledger import Ledger
from tests.kit.clients import portal


def tls_of(url: str) -> TlsFiles:
    return AmqpSettings.load({"PIN_AMQP_URL": url}).amqp_tls


def with_option(url: str, option: str) -> str:
    return f"{url}{'&' if urlsplit(url).query else '?'}{option}"


def message(queue: str, *, mandatory: bool = True) -> Message:
    return Message("", queue, b"{}", "t", str(uuid4()), mandatory=mandatory)


async def test_what_must_reach_a_queue_and_reaches_none_is_told_from_the_rest_of_its_batch(
    stack: Stack,
) -> None:
    """Else its outbox row is deleted and it is lost, for example before the definitions are loaded."""
    session = await Session.open(stack.env["PIN_ISSUER_AMQP_URL"], "test")
    async with portal(stack) as listening:
        there = listening.reply_to
        batch = [message("reply.x"), message(there), message("reply.x", mandatory=False)]
        assert await session.publish(batch, 10) == [False, True, True]
        assert await session.publish(batch[::-1], 10) == [True, True, False]
    await session.close()


async def test_of_several_nodes_those_that_are_gone_or_silent_are_passed_by(stack: Stack) -> None:
    """So no worker stays with a node that is frozen, cut off or being upgraded."""
    with socket.create_server((HOST, 0)) as silent, socket.create_server((HOST, 0)) as gone:
        dead_port = gone.getsockname()[1]
        gone.close()
        places = (dead_port, silent.getsockname()[1], stack.rabbitmq.port)
        url, dsn = stack.env["PIN_ISSUER_AMQP_URL"], stack.env["PIN_ISSUER_LEDGER_DSN"]
        several = url.replace(f"{HOST}:{stack.rabbitmq.port}", ",".join(f"{HOST}:{port}" for port in places))
        for _ in range(4):  # in another order each time
            session = await Session.open(several, "test", limit=3, tls=tls_of(several))
            await session.close()
        places = (dead_port, silent.getsockname()[1], stack.postgres.port)
        several = dsn.replace(f"{HOST}:{stack.postgres.port}", ",".join(f"{HOST}:{port}" for port in places))
        ledger = await Ledger.open(several, "test", limit=3)
        assert ledger.alive
        await ledger.close()


async def test_when_no_node_answers_the_last_one_s_loss_is_told() -> None:
    with socket.create_server((HOST, 0)) as silent:
        place = f"{HOST}:{silent.getsockname()[1]}"
        with pytest.raises(BrokerLostError):
            await Session.open(f"amqp://issuer:x@{place},{place}/", "test", limit=1)
        with pytest.raises(LedgerLostError):
            await Ledger.open(f"postgresql://issuer:x@{place},{place}/ledger", "test", limit=1)


async def test_a_worker_does_not_stay_with_a_server_that_cannot_be_written_to(stack: Stack) -> None:
    """A standby, or a primary that was demoted."""
    dsn = stack.env["PIN_ISSUER_LEDGER_DSN"]
    stack.postgres.sql("alter role issuer set default_transaction_read_only = on")
    try:
        with pytest.raises(LedgerLostError):
            await Ledger.open(dsn, "test")
        reading = await Ledger.open(with_option(dsn, "target_session_attrs=any"), "test")
        await reading.close()
    finally:
        stack.postgres.sql("alter role issuer reset default_transaction_read_only")
