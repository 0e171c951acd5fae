"""The session with RabbitMQ, on RabbitMQ."""

from uuid import uuid4

from deploy.local.stack import Stack
from shared.broker.message import Message
from shared.broker.session import Session
from tests.kit.clients import portal


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
