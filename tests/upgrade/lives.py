"""A steady load of whole lives, as the demonstration leads them: every message of every lane, always."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from itertools import cycle
from random import Random
from typing import Any
from uuid import uuid4

from deploy.demo.citizen import Citizen
from deploy.demo.contact_centre import ContactCentre
from deploy.demo.events import Events
from deploy.demo.scenarios import RECOGNISED, REST, SCENARIOS, Scenario
from deploy.demo.session import WENT_WRONG, Session
from deploy.local.captured import Captured
from deploy.local.citizens import DE_VISU, KINDS, citizens
from deploy.local.inbox import Body
from tests.kit.evidence import Asked
from tests.kit.harness import CITIZENS, Harness
from tests.kit.waiting import until

_LIMIT = 120.0
"""Seconds that what a life waits for may take."""
_AT_ONCE = 40
"""How many live at once: a slow machine gets fewer newcomers, not a backlog."""


@dataclass
class RecordedSession(Session):
    """A session that keeps what was asked, so that each can be looked for in the ledger."""

    asked: list[Asked] = field(default_factory=list)

    async def ask(
        self,
        type_: str,
        body: Body,
        *,
        by: str = "portal",
        expected: str = "accepted",
        message_id: str | None = None,
    ) -> tuple[str, dict[str, Any]]:
        """Send a command; see `Session.ask`."""
        message_id = message_id or str(uuid4())
        self.asked.append(Asked(message_id, type_))
        return await super().ask(type_, body, by=by, expected=expected, message_id=message_id)


async def _letter_comes_back(citizen: Citizen, _: ContactCentre, __: Random) -> None:
    await _receipt(citizen, "post", "returned")
    await citizen.hears("pin.revoked")


async def _changes_contacts(citizen: Citizen, _: ContactCentre, __: Random) -> None:
    await citizen.activates()
    await citizen.says("contacts.update", contacts={"email": f"{citizen.codice_fiscale.lower()}@example.it"})
    await citizen.hears("contacts.updated")


async def _receipt(citizen: Citizen, channel: str, status: str) -> None:
    """Say what became of a delivery of the issuance, as its provider does."""
    session = citizen.session
    assert isinstance(session, RecordedSession)
    for event in session.events.of(citizen.asked):
        if event["type"] == "delivery.sent" and event["data"]["channel"] == channel:
            body = {"delivery_id": event["data"]["delivery_id"], "status": status}
            message_id = str(uuid4())
            session.asked.append(Asked(message_id, "delivery.receipt", answered=False))
            told = {"provider": "test", "detail": ""}
            await session.clients["gateway"].publish("delivery.receipt", body | told, message_id=message_id)


_LIVES = (
    *SCENARIOS,
    Scenario("get their letter sent back", 0, _letter_comes_back),
    Scenario("change their contacts", 0, _changes_contacts),
)


@dataclass
class Lives:
    """Citizens who come at a steady rate, each with a life of their own.

    Attributes:
        rate: how many come a second, while fewer than `_AT_ONCE` live.
        begun: how many have come.
        issued: how many got a PIN.
        done: how many lives came to their end as they should.
        failures: a sentence for each that did not.
        waits: of each citizen since the last call of `slowest`, from the request to the last half; seconds.
    """

    harness: Harness
    rate: float
    begun: int = 0
    issued: int = 0
    done: int = 0
    failures: list[str] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)
    kinds: Counter[str] = field(default_factory=Counter)
    """How often each life was led to its end."""

    def __post_init__(self) -> None:
        events = Events()
        self.harness.portal.hear(events.take)
        captured = Captured(self.harness.stack.state, from_now=True)
        self._session = RecordedSession(
            self.harness.stack.state, self.harness.by_user, events, captured, effect_in_sight=True
        )
        self._session.asked = self.harness.asked
        self._centre = ContactCentre(self._session)
        self._stopping = asyncio.Event()
        self._room = asyncio.Semaphore(_AT_ONCE)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Keep it up while the block runs; afterwards every life that began comes to its end."""
        reviews = asyncio.create_task(self._centre.work())
        running = asyncio.create_task(self._run())
        try:
            yield
            self._stopping.set()
            await running
        finally:
            for task in (running, reviews):
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task

    async def more(self, number: int) -> None:
        """Wait until so many more lives have come to their end, begun since or before."""
        goal = self.done + number
        await until(lambda: self.failures or self.done >= goal, "lives that go on", limit=_LIMIT)
        assert not self.failures, self.failures

    async def more_issued(self, number: int) -> None:
        """Wait until so many more PINs were issued, whether their halves go out or not."""
        goal = self.issued + number
        await until(lambda: self.failures or self.issued >= goal, "PINs that are issued", limit=_LIMIT)
        assert not self.failures, self.failures

    def slowest(self) -> float:
        """Return the longest wait since the last call."""
        longest = max(self.waits, default=0.0)
        self.waits.clear()
        return longest

    async def _run(self) -> None:
        start = time.monotonic()
        lives = cycle(_LIVES)
        async with asyncio.TaskGroup() as living:
            for kind, body in citizens(CITIZENS, 12, kinds=tuple(KINDS)):
                await self._room.acquire()
                if self._stopping.is_set():
                    return
                citizen = Citizen(self._session, kind, body)
                chosen = RECOGNISED if kind == DE_VISU else next(lives)
                life = self._life(citizen, chosen if chosen.suits(citizen) else REST)
                living.create_task(life).add_done_callback(lambda _: self._room.release())
                self.begun += 1
                await asyncio.sleep(max(0.0, start + self.begun / self.rate - time.monotonic()))

    async def _life(self, citizen: Citizen, scenario: Scenario) -> None:
        began = time.monotonic()
        try:
            await citizen.is_issued(await citizen.requests())
            self.issued += 1
            for number, _ in enumerate(citizen.issuance_channels, 1):
                await self._session.events.nth(citizen.asked, "delivery.sent", number)
            self.waits.append(time.monotonic() - began)
            await _receipt(citizen, "sms", "delivered")
            await scenario.steps(citizen, self._centre, Random(citizen.codice_fiscale))  # noqa: S311 - no secret
        except WENT_WRONG as error:
            self.failures.append(f"one of those who {scenario.says}: {type(error).__name__}: {error}")
        else:
            self.done += 1
            self.kinds[scenario.says] += 1
