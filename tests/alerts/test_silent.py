"""No alert fires in an hour of normal work: citizens, receipts, canaries, `pinctl` by the clock, a rollout.

The hour is that of `deploy.demo`: twenty citizens of all kinds ask for a PIN at once, get it, and live with
it in every way, over two SMS gateways and read mailboxes. Meanwhile workers are rolled over. It takes some
seconds, and every line is replayed so much later that together they fill the hour; what runs by the clock
of the cluster is run as often as it would in an hour.
"""

import asyncio
import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest

from deploy.demo.demo_stack import DemoStack
from deploy.demo.far_ends import FarEnds
from deploy.demo.runner import run_demo
from deploy.demo.screen import Screen
from deploy.local.stack import Stack
from deploy.local.workers import ALL, MAILBOX, WORKERS
from tests.alerts.lines import PINCTL, Line, WorkersLogs, later
from tests.alerts.replay import MISSING, SCRAPE, SELDOM, Firing, fires, series
from tests.alerts.scene import pinctl
from tests.kit.servers import fresh_ledger
from tests.kit.waiting import until

pytestmark = pytest.mark.skipif(bool(MISSING), reason=f"not installed: {MISSING}")

CITIZENS, FIRST = 20, 7_000_000
HOUR = 3_600.0
REPLAYS = {"as scraped": (4 * HOUR, SCRAPE), "with the day before": (27 * HOUR, SELDOM)}
"""When in a replay the hour begins, and how often it is scraped: once as it is, once so late that
whatever asks for a line in a day has had the time to miss it."""
SEEN = {"worker.ready", "message.handled", "canary.sent", "worker.stopped"}
"""Some of what is in such an hour."""
LOOKS = 12
"""Runs of `pinctl status` in an hour."""
ROLLED = ("issuer", "notifier-sms", "revoker")
SETTINGS = {"PIN_DISPOSITIVO_DELAY": "PT1S", "PIN_CHECKPOINT_MARGIN": "PT0S"}


class Calm(FarEnds):
    """The demonstration's far ends, none of which is down: what takes seconds there takes minutes here."""

    @asynccontextmanager
    async def outage(self, _: int) -> AsyncIterator[None]:
        """Do nothing."""
        yield


@dataclass
class Clock:
    """What is run by the cluster's clock, and what it printed when.

    Attributes:
        looks: of `pinctl status`.
        rounds: of all else.
    """

    stack: Stack
    looks: list[list[str]] = field(default_factory=list)
    rounds: list[tuple[datetime, list[str]]] = field(default_factory=list)

    async def look(self) -> None:
        """Run `pinctl status`."""
        self.looks.append(await pinctl(self.stack, "status"))

    async def go_round(self) -> None:
        """Run what runs every hour or at night."""
        words = (("ledger", "checkpoint"), ("ledger", "verify"), ("ledger", "seal-month"), ("dead", "expire"))
        printed = [line for command in words for line in await pinctl(self.stack, *command)]
        self.rounds.append((datetime.now(UTC), printed))

    async def keep_looking(self) -> None:
        """Run `pinctl status` until cancelled."""
        while True:
            await self.look()
            await asyncio.sleep(1)

    def lines(self, began: datetime, speed: float) -> list[Line]:
        """Return what was printed, and the day before: a look in five minutes, all else when it was."""
        usual = [self.looks[max(0, number) * len(self.looks) // LOOKS] for number in range(-2, LOOKS)]
        looks = [
            Line(number * HOUR / LOOKS, PINCTL, line)
            for number, printed in enumerate(usual, -2)
            for line in printed
        ]
        rounds = [
            Line((at - began).total_seconds() * speed, PINCTL, line)
            for at, printed in self.rounds
            for line in printed
        ]
        night = [Line(-hours * HOUR, PINCTL, line) for hours in (10, 1) for line in self.rounds[0][1]]
        return [*night, *looks, *rounds]


async def roll(stack: Stack) -> None:
    """Replace workers by new ones, as a rolling update does: the old one ends when the new one is ready."""
    for name in ROLLED:
        new = stack._start(ALL[name], 2, {})
        await asyncio.to_thread(stack.wait_ready, [new.name])
        await asyncio.to_thread(stack.workers[name].stop)


@asynccontextmanager
async def at_work(servers: Stack, folder: Path) -> AsyncIterator[DemoStack]:
    """Yield the demonstration's stack, with every worker ready."""
    own = SETTINGS | {"PIN_CHECKPOINT_LOG": str(folder / "log"), "PIN_ARCHIVE_DIR": str(folder / "archive")}
    (folder / "archive").mkdir()
    async with fresh_ledger(servers, "normal_hour", own) as stack:
        far_ends = Calm(stack)
        try:
            await asyncio.to_thread(far_ends.start)
            stack.start_workers([*WORKERS, *([MAILBOX.name] if far_ends.dovecot else [])])
            far_ends.wait_ready()
            yield DemoStack(stack.state, stack.env, FIRST, far_ends)
        finally:
            stack.stop_workers()
            far_ends.stop()


async def an_hour(servers: Stack, folder: Path) -> list[Line]:
    """Return the lines of an hour, from its first second on, and some of the day before."""
    logs, clock = WorkersLogs(servers), Clock(servers)

    def said() -> set[str]:
        return {line.event for line in logs.lines(began)}

    async with at_work(servers, folder) as stack:
        began = datetime.now(UTC)
        await clock.go_round()
        looking = asyncio.create_task(clock.keep_looking())
        working, _ = await asyncio.gather(run_demo(stack, CITIZENS, Screen(io.StringIO())), roll(servers))
        assert not working.failures, working.failures
        await until(lambda: "canary.sent" in said(), "a canary", every=0.5)  # looked at every ten seconds
        looking.cancel()
        await asyncio.gather(looking, return_exceptions=True)
        await clock.go_round()
    # The workers have stopped by now, and said so.
    speed = HOUR / (datetime.now(UTC) - began).total_seconds()
    return [*logs.lines(began, speed), *clock.lines(began, speed)]


async def test_no_alert_fires_in_an_hour_of_normal_work(servers: Stack, tmp_path: Path) -> None:
    """Nor when mtail is started again in the midst of it."""
    lines = await an_hour(servers, tmp_path)
    assert {line.event for line in lines} >= SEEN
    for name, (began, every) in REPLAYS.items():
        folder = tmp_path / name
        folder.mkdir()
        hour = [line for line in later(lines, began) if line.at >= 0]
        away = (began + HOUR / 2, began + HOUR / 2 + every)
        found = series(hour, folder, until=began + HOUR, every=every, away=away)
        fires(found, Firing(began, began + HOUR), folder, every=every)
