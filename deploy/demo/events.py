"""The events of the workers, by subject and by correlation id."""

import asyncio
from collections import defaultdict
from typing import Any

_LIMIT = 120.0

Event = dict[str, Any]


class Events:
    """Every event since the demonstration began; wakes the waiters of each event."""

    def __init__(self) -> None:
        self._taken: defaultdict[str, defaultdict[str, list[Event]]] = defaultdict(lambda: defaultdict(list))
        self._waiting: defaultdict[tuple[str, str], list[asyncio.Future[None]]] = defaultdict(list)
        self._ids: set[str] = set()

    def take(self, event: Event) -> None:
        """Record an event; duplicates are ignored."""
        if event["event_id"] in self._ids:
            return
        self._ids.add(event["event_id"])
        for who in (event["subject"], event["correlation_id"]):
            self._taken[who][event["type"]].append(event)
            for waiting in self._waiting.pop((who, event["type"]), ()):
                if not waiting.done():
                    waiting.set_result(None)

    async def nth(self, who: str, type_: str, number: int = 1) -> Event:
        """Wait for an event and return it; it may already have arrived.

        Args:
            who: a subject or a correlation id.
            type_: the event's type.
            number: the first is 1.

        Raises:
            TimeoutError: it did not arrive within 120 s.
        """
        taken = self._taken[who][type_]
        try:
            async with asyncio.timeout(_LIMIT):
                while len(taken) < number:
                    waiting = asyncio.get_running_loop().create_future()
                    self._waiting[who, type_].append(waiting)
                    await waiting
        except TimeoutError:
            raise TimeoutError(f"{type_}, the {number}. one: not within {_LIMIT:g} s") from None
        return taken[number - 1]

    def of(self, who: str) -> list[Event]:
        """Return the events of a subject or a correlation id, by type in order of arrival."""
        return [event for events in self._taken[who].values() for event in events]
