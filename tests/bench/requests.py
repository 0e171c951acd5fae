"""The requests of the benchmark: plain citizens, each asked for once."""

import uuid
from collections.abc import Iterator
from itertools import islice

import orjson

from deploy.local.citizens import PLAIN, citizens
from shared.broker.message import Message
from shared.broker.session import Session

_AT_ONCE = 1000
_LIMIT = 60.0


class Applicants:
    """Citizens without end, nobody twice: a ledger that served one run can serve the next."""

    def __init__(self, seed: int) -> None:
        self._bodies = (body for _, body in citizens(10**9, seed, kinds=(PLAIN,)))

    def take(self, number: int) -> Iterator[Message]:
        """Make the requests of the next so many citizens, as a portal publishes them, without `reply_to`."""
        for body in islice(self._bodies, number):
            yield Message(
                exchange="pin.commands",
                routing_key="pin.request",
                body=orjson.dumps(body),
                type="pin.request",
                message_id=str(uuid.uuid4()),
                user_id="portal",
            )


async def queue_up(url: str, messages: Iterator[Message]) -> None:
    """Publish the requests, each confirmed by the broker."""
    session = await Session.open(url, "bench")
    try:
        while batch := list(islice(messages, _AT_ONCE)):
            await session.publish(batch, _LIMIT)
    finally:
        await session.close()
