"""The replies and events that a broker client received, to read, await or subscribe to."""

import asyncio
import json
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Body = dict[str, Any]
Reply = dict[str, Any]
LIMIT = 60.0
"""Seconds to wait for something: generous, for machines that have other things to do."""


@dataclass(frozen=True)
class Event:
    """One copy of an event, as received."""

    type: str
    correlation_id: str
    body: Body

    @property
    def id(self) -> str:
        """The id that all copies of one event share."""
        return str(self.body["event_id"])


class Inbox:
    """The replies and events of one client.

    Attributes:
        replies: every reply, as its bytes, by correlation id, in order of arrival.
        events: every copy of every event, in order of arrival.
    """

    def __init__(self) -> None:
        self.replies: defaultdict[str, list[bytes]] = defaultdict(list)
        self.events: list[Event] = []
        self._waiting: defaultdict[str, list[asyncio.Future[None]]] = defaultdict(list)
        self._hearers: list[Callable[[Body], None]] = []

    @property
    def heard(self) -> int:
        """How many replies and events it has."""
        return len(self.events) + sum(map(len, self.replies.values()))

    def take_reply(self, correlation_id: str, body: bytes) -> None:
        """Record a reply, and wake its waiters."""
        self.replies[correlation_id].append(body)
        self._wake(correlation_id)

    def take_event(self, event: Event) -> None:
        """Record an event, and wake its waiters."""
        self.events.append(event)
        for hear in self._hearers:
            hear(event.body)
        self._wake(event.correlation_id)

    def _wake(self, correlation_id: str) -> None:
        for waiting in self._waiting.pop(correlation_id, ()):
            if not waiting.done():
                waiting.set_result(None)

    def hear(self, hear: Callable[[Body], None]) -> None:
        """Subscribe a function to the body of every event from now on."""
        self._hearers.append(hear)

    async def reply(self, message_id: str, number: int = 0, *, limit: float = LIMIT) -> Reply:
        """Wait for a reply and return it: the first, unless another number is given.

        Raises:
            TimeoutError: it did not arrive.
        """
        replies = self.replies[message_id]
        await self._wait(message_id, lambda: len(replies) > number, f"a reply to {message_id}", limit)
        reply: Reply = json.loads(replies[number])
        return reply

    async def event(self, type_: str, correlation_id: str, *, limit: float = LIMIT) -> Body:
        """Wait for an event with this correlation id and return its `data`.

        Raises:
            TimeoutError: it did not arrive.
        """

        def found() -> list[Event]:
            return [e for e in self.events if e.type == type_ and e.correlation_id == correlation_id]

        await self._wait(correlation_id, lambda: bool(found()), f"{type_} for {correlation_id}", limit)
        data: Body = found()[0].body["data"]
        return data

    async def _wait(
        self, correlation_id: str, condition: Callable[[], bool], what: str, limit: float
    ) -> None:
        """Wait for a condition, checked on each reply to, or event about, one command."""
        try:
            async with asyncio.timeout(limit):
                while not condition():
                    arrived = asyncio.get_running_loop().create_future()
                    self._waiting[correlation_id].append(arrived)
                    await arrived
        except TimeoutError:
            raise TimeoutError(f"{what}: not within {limit:g} s") from None

    def told_of(self, type_: str) -> list[Body]:
        """Return the data of every event of a type, in order of arrival."""
        return [event.body["data"] for event in self.events if event.type == type_]
