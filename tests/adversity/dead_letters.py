"""The dead letters: messages parked in `pin.dead`."""

import aio_pika

from deploy.local.rabbitmq import ADMIN
from deploy.local.stack import Stack
from tests.kit.evidence import DEAD


async def parked(stack: Stack) -> list[tuple[str, str, bytes]]:
    """Return reason, type and body of everything in `pin.dead`, and empty it."""
    async with await aio_pika.connect(stack.rabbitmq.url(ADMIN)) as connection:
        queue = await (await connection.channel()).get_queue(DEAD)
        found = []
        while message := await queue.get(fail=False, no_ack=True):
            found.append((str(message.headers["x-reason"]), message.type or "", message.body))
        return found


async def number_parked(stack: Stack) -> int:
    """Return how many messages `pin.dead` holds."""
    async with await aio_pika.connect(stack.rabbitmq.url(ADMIN)) as connection:
        queue = await (await connection.channel()).get_queue(DEAD, ensure=True)
        return queue.declaration_result.message_count or 0
