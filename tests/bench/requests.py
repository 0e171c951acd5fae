"""The requests of the benchmark: plain citizens, one request each."""

from collections.abc import Iterator
from itertools import islice

import orjson

from deploy.local.citizens import PLAIN, citizens
from shared.broker.message import Message
from shared.broker.session import Session
from shared.contract.ids import new_message_id

_AT_ONCE = 1000
_LIMIT = 60.0


class Applicants:
    """An endless supply of distinct citizens, so that several runs can share a ledger."""

    def __init__(self, seed: int) -> None:
        self._bodies = (body for _, body in citizens(10**9, seed, kinds=(PLAIN,)))

    def take(self, number: int) -> Iterator[Message]:
        """Generate the requests of the next `number` citizens, as from a portal, without `reply_to`."""
        for body in islice(self._bodies, number):
            yield Message(
                exchange="pin.commands",
                routing_key="pin.request",
                body=orjson.dumps(body),
                type="pin.request",
                message_id=new_message_id(),
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
