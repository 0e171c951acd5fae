"""An upgrade as docs/operations.md says, back, and forward again, while citizens live with their PINs."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from deploy.local.processes import Process
from tests.kit.harness import PERSISTENT, Harness, harness_on
from tests.kit.logs import log_lines
from tests.kit.servers import private_directory
from tests.upgrade.lives import Lives
from tests.upgrade.releases import PRESENT, Tree, unpacked
from tests.upgrade.stack import TwoReleases

SETTINGS: Mapping[str, str] = {
    **PERSISTENT,
    "PIN_BLIND_REPLY_AFTER": "PT0.02S",
    "PIN_DISPOSITIVO_DELAY": "PT1S",
}
_DOWN = {"mode": "status", "status": 503}
_LOUD = frozenset({"warning", "error", "critical"})
_SETTLED = 180.0
"""Seconds within which everything is as it should be after the load."""

Say = Callable[[str], None]


@dataclass
class Upgrade:
    """One upgrade under load.

    Attributes:
        before: the earlier release; `PRESENT` is the later one.
        lives: how many more must come to their end in each state of the system.
        say: prints a line.
    """

    harness: Harness
    stack: TwoReleases
    before: Tree
    load: Lives
    lives: int
    say: Say
    running: list[Process] = field(default_factory=list)

    async def whole(self) -> None:
        """Forward, back and forward again."""
        await self._started()
        async with self.load.running():
            with self._told(f"{self.before.name} alone"):
                await self.load.more(self.lives)
            with self._told("the migrations"):
                await asyncio.to_thread(self.stack.migrate_to, PRESENT)
            with self._told("the broker's definitions"):
                await asyncio.to_thread(self.stack.define, PRESENT)
            with self._told(f"{self.before.name} on the new schema"):
                await self.load.more(self.lives)
            for tree in (PRESENT, self.before):
                await self._roll_to(tree)
                await self._watched_by(tree)
            await self._roll_to(PRESENT)
            ending = time.monotonic()
        self.say(f"the last lives end: {time.monotonic() - ending:.1f} s")
        assert not self.load.failures, self.load.failures
        with self._told("everything settles"):
            await self.harness.all_is_well(limit=_SETTLED)

    async def _started(self) -> None:
        with self._told(f"{self.before.name}: nine workers start"):
            self.running = await asyncio.to_thread(self.stack.start_all, self.before)

    async def _roll_to(self, tree: Tree) -> None:
        """Start the workers of a release beside the others, and end those; both orders of messages occur.

        An SMS gateway that is down keeps under way what one release wrote and the other sends.
        """
        leaving = self.running
        with self._told(f"{tree.name} starts beside the other"):
            self.running = await asyncio.to_thread(self.stack.start_all, tree)
        with self._told("both"):
            await self.load.more(self.lives)
        with self._told("both, and the SMS gateway is down"):
            self.stack.fake_providers.misbehave(sms=_DOWN)
            await self.load.more_issued(self.lives)
        with self._told("the other ends"):
            await asyncio.to_thread(self.stack.end, leaving)
        self.stack.fake_providers.behave()
        with self._told(f"{tree.name} alone"):
            await self.load.more(self.lives)

    async def _watched_by(self, tree: Tree) -> None:
        """Run what the CronJobs of a release run."""
        with self._told(f"{tree.name}: pinctl"):
            for words in (("status",), ("ledger", "verify")):
                await asyncio.to_thread(tree.run, "deploy.pinctl", *words, env=self.stack.env)

    @contextmanager
    def _told(self, what: str) -> Iterator[None]:
        began = time.monotonic()
        yield
        took, done, slowest = time.monotonic() - began, self.load.done, self.load.slowest()
        self.say(f"{what}: {took:.1f} s; {done} lives so far, the slowest halves after {slowest:.1f} s")


async def upgrade(
    revision: str, *, rate: float, lives: int, say: Say, later: Mapping[str, str] | None = None
) -> None:
    """Upgrade from a revision to this checkout under load, back, and forward again.

    Args:
        revision: the earlier release; see `unpacked`.
        rate: citizens a second.
        lives: how many more must come to their end in each state of the system.
        say: prints a line.
        later: settings of this checkout's workers alone.

    Raises:
        NoReleaseError: there is no such release here, or it cannot be run.
        AssertionError: something was lost, parked, or done twice.
    """
    with private_directory() as root:
        source = root / "before"
        source.mkdir()
        before = await asyncio.to_thread(unpacked, revision, source)
        stack = TwoReleases(root, before, SETTINGS, later or {})
        try:
            await _on(stack, before, rate, lives, say)
            said = loud(stack.state / "log")
            say(f"warnings and errors of all workers: {dict(said) or 'none'}")
            assert not said.keys() & {"worker.died", "worker.consumer_gone", "message.dead"}, said
        except AssertionError as broken:
            broken.add_note(f"warnings and errors of all workers: {dict(loud(stack.state / 'log'))}")
            raise
        finally:
            await asyncio.to_thread(stack.kill)


async def _on(stack: TwoReleases, before: Tree, rate: float, lives: int, say: Say) -> None:
    began = time.monotonic()
    await asyncio.to_thread(stack.start_servers)
    say(f"servers, as {before.name} leaves them: {time.monotonic() - began:.1f} s")
    async with harness_on(stack) as harness:
        load = Lives(harness, rate)
        await Upgrade(harness, stack, before, load, lives, say).whole()
        for life, number in load.kinds.most_common():
            say(f"{number} {life}")


def loud(logs: Path) -> Counter[str]:
    """Return how often workers logged each event that is a warning or an error."""
    said: Counter[str] = Counter()
    for path in logs.glob("*.log"):
        said.update(str(line["event"]) for line in log_lines(path) if line.get("level") in _LOUD)
    return said
