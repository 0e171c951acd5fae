# mypy: ignore-errors
# ruff: noqa: PLC0415
"""Fills a peer's queue before it is started: `python fill.py celery|faststream COUNT`."""

import asyncio
import sys

import aio_pika
from job import AMQP, requests


async def fill_faststream(count: int) -> None:
    connection = await aio_pika.connect(AMQP)
    async with connection:
        channel = await connection.channel()
        for name in ("request", "sms", "email", "post"):
            queue = await channel.declare_queue(
                f"peer.{name}", durable=True, arguments={"x-queue-type": "quorum"}
            )
            await queue.purge()
        for m in requests(count):
            await channel.default_exchange.publish(
                aio_pika.Message(
                    m.model_dump_json().encode(), delivery_mode=2, content_type="application/json"
                ),
                "peer.request",
            )


def fill_celery(count: int) -> None:
    import celery_peer  # only the one peer's library is loaded

    celery_peer.app.control.purge()
    for m in requests(count):
        celery_peer.issue.delay(m.model_dump())


if __name__ == "__main__":
    peer, number = sys.argv[1], int(sys.argv[2])
    if peer == "celery":
        fill_celery(number)
    else:
        asyncio.run(fill_faststream(number))
