"""A steady load of requests, and how long each citizen waited for the first half."""

import asyncio
import os
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from math import ceil
from pathlib import Path
from types import TracebackType
from typing import Self
from uuid import uuid4

import orjson

from deploy.local.client import Client
from tests.kit.evidence import Asked
from tests.kit.harness import Harness
from tests.kit.person import Person
from tests.kit.waiting import until

SOON = 10.0
"""Seconds within which a first half ought to be handed over."""
_SILENT = 3.0
"""Seconds without any confirm after which the portal connects anew, and publishes again what waits."""
_PAUSE = 0.1
"""Seconds between two connections."""
_LOOK = 0.5
"""Seconds after which the portal looks whether its connections are open."""
_FLOWS = 1.0
"""Halves are handed over as usual if the last one was so many seconds ago at most."""
_FIRST = -10
"""The priority (nice) of the load: on a machine that is busy, requests wait in the queues and not in front of
them, as those of portals on other hosts do."""
_RECOVERS = 120.0
"""Seconds of load after a fault, at most, in wait for the halves to flow again."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What a load met; all times in seconds.

    Attributes:
        requests: how many.
        recovery: the longest time without a first half handed over, from the fault to the end of the load.
        median: the wait of a citizen, from the first attempt to publish the request to the first half that
            was handed over: half of them waited no longer.
        late: 99% waited no longer.
        longest: nobody waited longer.
        soon: the share of them who waited ten seconds at most.
        repeated: how many SMS came a second time.
    """

    requests: int
    recovery: float
    median: float
    late: float
    longest: float
    soon: float
    repeated: int

    def __str__(self) -> str:
        """Say it in one line."""
        return (
            f"{self.requests} requests, recovery {self.recovery:.1f} s; first half within {self.median:.2f} s"
            f" (half of the citizens), {self.late:.2f} s (99%), {self.longest:.1f} s (all), {SOON:.0f} s"
            f" ({self.soon:.2%}); {self.repeated} SMS repeated"
        )


def quantile(ordered: Sequence[float], share: float) -> float:
    """Return the value that this share of sorted values does not exceed (nearest rank)."""
    return ordered[max(1, ceil(share * len(ordered))) - 1]


def longest_silence(times: Iterable[float], begin: float, end: float) -> float:
    """Return the longest time between two of these instants, or an instant and the begin or the end."""
    within = sorted(one for one in times if begin < one < end)
    return max(after - before for before, after in pairwise([begin, *within, end]))


@contextmanager
def _no_loss() -> Iterator[None]:
    """Suppress whatever the loss of a connection raises, but not the end of the task.

    A connection that closes while it drains raises a bare `Exception`; and aiormq cancels what waits on a
    connection that another task closes.
    """
    try:
        yield
    except (Exception, asyncio.CancelledError):
        if (task := asyncio.current_task()) and task.cancelling():
            raise


@dataclass
class SteadyLoad:
    """Requests at a steady rate, whatever becomes of the broker: each is published until it is confirmed.

    It publishes from `async with` until `end`. Only then the portal reads its replies and events, from queues
    that outlast the load: they are some five times as many as the requests, and the workers need the cores.
    """

    harness: Harness
    rate: float
    began: dict[str, float] = field(default_factory=dict)
    """By mobile number: when its request was first tried, in seconds since 1970."""

    def __post_init__(self) -> None:
        self._stopping = asyncio.Event()
        self._reconnecting = asyncio.Lock()
        self._connection = 0
        self._patience: set[asyncio.Timeout] = set()
        """Of all attempts under way."""
        self._heard_at = 0.0
        self._fault_at = self._ended_at = time.time()

    async def __aenter__(self) -> Self:
        self._usual = os.getpriority(os.PRIO_PROCESS, 0)
        # What a fault starts, in threads, has the usual priority.
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(initializer=self._give_way))
        os.setpriority(os.PRIO_PROCESS, 0, _FIRST)
        portal = self.harness.portal
        self._publisher = Client(
            self.harness.stack.env["PIN_PORTAL_AMQP_URL"], portal.user, answers=portal.reply_to
        )
        await self._publisher.connect()
        await portal.close()
        self._publishing = asyncio.create_task(self._publish())
        self._watching = asyncio.create_task(self._watch())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._give_way()
        for task in (self._publishing, self._watching):
            task.cancel()
        await asyncio.gather(self._publishing, self._watching, return_exceptions=True)
        await self._publisher.close()

    def _give_way(self) -> None:
        os.setpriority(os.PRIO_PROCESS, 0, self._usual)

    def fault_begins(self) -> None:
        """Say that from now on a silence counts."""
        self._fault_at = time.time()

    async def end(self, limit: float = _RECOVERS) -> None:
        """Begin no more requests once first halves flow; return when each has its SMS, and its reply is read.

        Raises:
            AssertionError: any of it takes longer than `limit` seconds.
        """
        await until(lambda: self._silent_for() < _FLOWS, "first halves that flow", limit=limit)
        self._ended_at = time.time()
        self._stopping.set()
        await until(self._publishing.done, "the confirms of all requests", limit=limit)
        await self._publishing
        # Sooner it is not worth looking at every invariant, which takes a core for a while.
        await until(self._all_handed, "a first half for everybody", limit=limit, every=0.5)
        assert not self._watching.done(), "the portal has stopped watching its connection"
        await until(self._hear, "the portal to hear what waits for it", limit=limit)

    def _all_handed(self) -> bool:
        return self._sms.exists() and self._sms.read_bytes().count(b"\n") >= len(self.began)

    @property
    def _sms(self) -> Path:
        return self.harness.stack.state / "captured/sms.jsonl"

    def _silent_for(self) -> float:
        return time.time() - self._sms.stat().st_mtime if self._sms.exists() else float("inf")

    async def _publish(self) -> None:
        start, number = time.monotonic(), 0
        async with asyncio.TaskGroup() as publishing:
            while not self._stopping.is_set():
                (person,) = self.harness.newcomers(1)
                publishing.create_task(self._ask(person))
                number += 1
                await asyncio.sleep(max(0.0, start + number / self.rate - time.monotonic()))

    async def _ask(self, person: Person) -> None:
        asked = Asked(str(uuid4()), "pin.request")
        self.began.setdefault(person.body["contacts"]["mobile"], time.time())
        while not await self._confirmed(person, asked.message_id):
            pass
        self.harness.asked.append(asked)

    async def _confirmed(self, person: Person, message_id: str) -> bool:
        connection, confirmed = self._connection, False
        if not self._patience:
            self._heard_at = time.monotonic()
        with _no_loss():
            async with asyncio.timeout(None) as patience:
                self._patience.add(patience)
                try:
                    await self._publisher.publish("pin.request", person.body, message_id=message_id)
                finally:
                    self._patience.discard(patience)
            confirmed, self._heard_at = True, time.monotonic()
        if not confirmed:
            await self._connect_anew(connection)
        return confirmed

    async def _connect_anew(self, connection: int) -> None:
        async with self._reconnecting:
            if connection == self._connection:  # nobody else has connected meanwhile
                for waiting in tuple(self._patience):
                    waiting.reschedule(0)  # no confirm comes by a connection that is given up
                with _no_loss():
                    await self._publisher.connect()
                self._connection += 1
                self._heard_at = time.monotonic()
                await asyncio.sleep(_PAUSE)

    async def _watch(self) -> None:
        """Connect anew when the connection is closed, or brings no confirm that is waited for.

        It is not closed for every request that waits: after an outage thousands do, and confirms flow.
        """
        while True:
            await asyncio.sleep(_LOOK)
            silent = self._patience and time.monotonic() - self._heard_at > _SILENT
            if silent or not self._publisher.connected:
                await self._connect_anew(self._connection)

    async def _hear(self) -> bool:
        """Let the portal hear what waits for it; return whether nothing does any more."""
        portal = self.harness.portal
        if not portal.connected or not await portal.consumes():
            with _no_loss():
                await portal.connect()
            return False
        before = portal.heard
        await asyncio.sleep(_FLOWS)
        return portal.heard == before

    def measured(self) -> Measured:
        """Return what is known once everything was handed over."""
        lines = [orjson.loads(line) for line in self._sms.read_bytes().splitlines()]
        handed: dict[str, float] = {}
        for line in lines:
            handed.setdefault(line["to"], datetime.fromisoformat(line["at"]).timestamp())
        waits = sorted(handed[to] - began for to, began in self.began.items())
        return Measured(
            requests=len(self.began),
            recovery=longest_silence(handed.values(), self._fault_at, self._ended_at),
            median=quantile(waits, 0.5),
            late=quantile(waits, 0.99),
            longest=waits[-1],
            soon=sum(wait <= SOON for wait in waits) / len(waits),
            repeated=len(lines) - len({line["client_ref"] for line in lines}),
        )
