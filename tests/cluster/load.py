"""A steady load of requests, and how long each citizen waited for the first half."""

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from uuid import uuid4

import orjson

from deploy.local.client import LOST
from tests.kit.evidence import Asked
from tests.kit.harness import Harness
from tests.kit.person import Person

_ATTEMPT = 5.0
"""Seconds that the portal waits for a confirm before it connects anew and publishes again."""

_PAUSE = 0.1
"""Seconds between two connections."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What a load met.

    Attributes:
        requests: how many.
        gap: the longest time between two first halves that were handed over one after the other, in seconds.
        waits: of each citizen, from the first attempt to publish to the first half; seconds, sorted.
        repeated: how many SMS came a second time.
    """

    requests: int
    gap: float
    waits: Sequence[float]
    repeated: int

    def wait(self, share: float) -> float:
        """Return the time within which this share of the citizens had the first half."""
        return self.waits[min(len(self.waits) - 1, int(share * len(self.waits)))]

    def __str__(self) -> str:
        """Say it in one line."""
        return (
            f"{self.requests} requests, a gap of {self.gap:.1f} s; first half within {self.wait(0.5):.2f} s"
            f" (half of the citizens), {self.wait(0.99):.2f} s (99%), {self.waits[-1]:.1f} s (all);"
            f" {self.repeated} SMS repeated"
        )


@dataclass
class SteadyLoad:
    """Requests at a steady rate, whatever becomes of the broker: each is published until it is confirmed."""

    harness: Harness
    rate: float
    began: dict[str, float] = field(default_factory=dict)
    """By mobile number: when its request was first tried, in seconds since 1970."""

    def __post_init__(self) -> None:
        self._stopping = asyncio.Event()
        self._reconnecting = asyncio.Lock()
        self._connection = 0

    async def run(self) -> None:
        """Publish until `stop`, and return when all that was begun is confirmed."""
        start, number = time.monotonic(), 0
        async with asyncio.TaskGroup() as publishing:
            while not self._stopping.is_set():
                (person,) = self.harness.newcomers(1)
                publishing.create_task(self._ask(person))
                number += 1
                await asyncio.sleep(max(0.0, start + number / self.rate - time.monotonic()))

    def stop(self) -> None:
        """Begin no more requests."""
        self._stopping.set()

    async def _ask(self, person: Person) -> None:
        asked = Asked(str(uuid4()), "pin.request")
        self.began.setdefault(person.body["contacts"]["mobile"], time.time())
        confirmed = False
        while not confirmed:
            confirmed = await self._published(person, asked.message_id)
        self.harness.asked.append(asked)

    async def _published(self, person: Person, message_id: str) -> bool:
        connection = self._connection
        try:
            async with asyncio.timeout(_ATTEMPT):
                await self.harness.portal.publish("pin.request", person.body, message_id=message_id)
        except Exception:  # noqa: BLE001 - a connection that closes while it drains raises a bare one
            async with self._reconnecting:
                if connection == self._connection:  # nobody else has connected meanwhile
                    with suppress(*LOST):
                        await self.harness.portal.connect()
                    self._connection += 1
                    await asyncio.sleep(_PAUSE)
            return False
        return True

    def measured(self) -> Measured:
        """Return what is known once everything was handed over."""
        lines = (self.harness.stack.state / "captured/sms.jsonl").read_bytes().splitlines()
        handed: dict[str, float] = {}
        repeated = 0
        for line in map(orjson.loads, lines):
            if line["client_ref"] in handed:
                repeated += 1
            handed.setdefault(line["client_ref"], datetime.fromisoformat(line["at"]).timestamp())
        first: dict[str, float] = {}
        for line in map(orjson.loads, lines):
            first.setdefault(line["to"], handed[line["client_ref"]])
        times = sorted(first[to] for to in self.began if to in first)
        return Measured(
            requests=len(self.began),
            gap=max(after - before for before, after in pairwise(times)),
            waits=sorted(first[to] - began for to, began in self.began.items() if to in first),
            repeated=repeated,
        )
