"""Where a fault happens: the stack, its clients, workers with settings of their own, and their lines."""

import asyncio
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from unittest.mock import patch

from deploy.local.citizens import PLAIN
from deploy.local.processes import CHECKOUT, environment
from deploy.local.stack import Stack
from deploy.local.workers import ALL, Worker
from deploy.monitoring.slos import SLOS
from shared.crypto.keys import Keys
from shared.crypto.sealing import Pseudonyms
from shared.domain.account import Account, Contacts, HealthCard
from tests.adversity.timing import CARD
from tests.alerts.hurried import hurried
from tests.alerts.lines import PINCTL, Line, WorkersLogs
from tests.far_ends.dovecot import Dovecot
from tests.far_ends.sftp_server import SftpServer, sftp_server
from tests.kit.harness import Harness, harness_on
from tests.kit.seeding import active_citizens
from tests.kit.servers import empty_queues, fresh_ledger, private_directory
from tests.kit.waiting import until

SETTINGS = {
    "PIN_RELAY_INTERVAL": "PT0.1S",
    "PIN_BLIND_REPLY_AFTER": "PT0S",
    "PIN_OUTBOX_LEASE": "PT1S",
    "PIN_CHECKPOINT_MARGIN": "PT0S",
    "PIN_BREAKER_BASE": "PT0.1S",
    "PIN_BREAKER_CAP": "PT0.2S",  # a minute, of a worker that hurries
    "PIN_BREAKER_ANSWERED_CAP": "PT0.1S",
    "PIN_RETRY_BASE": "PT0.2S",
    "PIN_RETRY_CAP": "PT1S",
    "PIN_RETRY_LIMIT": "500",
}
ENOUGH = max(slo.least for slo in SLOS) + 5
"""Events, for a service level to say something."""
_EVER = datetime(2000, 1, 1, tzinfo=UTC)


def _known(account: Account) -> Account:
    card = HealthCard(number=CARD["number"], expires_on=date.fromisoformat(CARD["expires_on"]))
    return account.but(contacts=Contacts(mobile="+393471112223", email="anna@example.com"), health_card=card)


async def pinctl(stack: Stack, *words: str, settings: Mapping[str, str] | None = None) -> list[str]:
    """Run `pinctl` as the cluster's jobs do; return the lines that it prints."""
    program = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "deploy.pinctl", *words),
        env=environment(stack.env | dict(settings or {})),
        cwd=CHECKOUT,
        stdout=asyncio.subprocess.PIPE,
    )
    printed, _ = await program.communicate()
    return printed.decode().splitlines()


@dataclass
class Scene:
    """One stack for many faults, one after the other.

    Attributes:
        harness: the clients, and citizens.
        folder: for files.
        began: when the replay of the present fault begins; what was written before is left out.
        printed: what `pinctl` printed in this fault.
    """

    harness: Harness
    folder: Path
    began: datetime = field(default_factory=lambda: datetime.now(UTC))
    printed: list[Line] = field(default_factory=list)
    _far_ends: ExitStack = field(default_factory=ExitStack)
    _shop: SftpServer | None = None
    _mailbox: Dovecot | None = None
    _citizens: list[str] = field(default_factory=list)
    _told: dict[str, tuple[Worker, Mapping[str, str]]] = field(default_factory=dict)

    @property
    def stack(self) -> Stack:
        """The stack."""
        return self.harness.stack

    async def clear(self) -> None:
        """Leave nothing to do of the fault before."""
        self.sql("delete from outbox")
        await empty_queues(self.stack)
        self.stack.fake_providers.behave()

    def begin(self) -> None:
        """Let the replay begin now: all is prepared."""
        self.began = datetime.now(UTC)
        self.printed.clear()

    async def run(
        self, *workers: str, settings: Mapping[str, str] | None = None, hurry: bool = False
    ) -> None:
        """See that these workers run, with these settings beside those of the scene, and no others of them.

        Args:
            workers: their names.
            settings: as in the environment.
            hurry: whether their fixed times are shorter.
        """
        settings = settings or {}
        wanted = {one: hurried(ALL[one]) if hurry else ALL[one] for one in workers}
        told = {
            one: (worker, settings)
            for one, worker in wanted.items()
            if not self._runs(one) or self._told.get(one) != (worker, settings)
        }
        await self.end(*told)
        with patch.dict(ALL, wanted):
            for one in told:
                self.stack.start_worker(one, env=settings, wait=False)
        self._told |= told
        await asyncio.to_thread(self.stack.wait_ready, told)

    def _runs(self, worker: str) -> bool:
        process = self.stack.workers.get(worker)
        return process is not None and process.alive()

    async def end(self, *workers: str) -> None:
        """End workers, if they run."""
        for one in workers:
            if one in self.stack.workers:
                await asyncio.to_thread(self.stack.workers[one].stop)

    async def pinctl(
        self, *words: str, at: Sequence[float] = (0.0,), settings: Mapping[str, str] | None = None
    ) -> str:
        """Run `pinctl` now, as if it said the same at each of these seconds of the replay; return that."""
        printed = await pinctl(self.stack, *words, settings=settings)
        self.printed += [Line(second, PINCTL, line) for second in at for line in printed]
        return "\n".join(printed)

    def sql(self, text: str) -> str:
        """Run SQL as the superuser."""
        return self.stack.postgres.sql(text, self.stack.database)

    async def comes(self, query: str, answer: str, what: str) -> None:
        """Wait until a query has this answer."""
        await until(lambda: self.sql(query) == answer, what, every=0.1)

    async def said(self, logs: WorkersLogs, event: str, number: int = 1) -> None:
        """Wait until so many lines of an event are written."""

        def there() -> bool:
            return sum(line.event == event for line in logs.lines(_EVER)) >= number

        await until(there, f"{number} lines {event}", every=0.1)

    @property
    def shop(self) -> SftpServer:
        """The print shop, which is there from the first time on that it is asked for."""
        if self._shop is None:
            self._shop = self._far_ends.enter_context(sftp_server())
        return self._shop

    @property
    def mailbox(self) -> Dovecot:
        """The mailbox, likewise."""
        if self._mailbox is None:
            root = self._far_ends.enter_context(private_directory()) / "imap"
            root.mkdir()
            root.chmod(0o711)
            self._mailbox = Dovecot(root)
            self._far_ends.callback(self._mailbox.stop)
            self._mailbox.start()
        return self._mailbox

    def close(self) -> None:
        """End the far ends."""
        self._far_ends.close()

    async def citizens(self) -> list[str]:
        """Return citizens with an active PIN, the same at each call."""
        if not self._citizens:
            self._citizens = await active_citizens(self.stack, 4, _known)
        return self._citizens

    def subject(self, codice_fiscale: str) -> str:
        """Return a citizen's pseudonym, as SQL has it."""
        pseudonyms = Pseudonyms(Keys(self.stack.state / "keys").symmetric("subject"))
        return f"'\\x{pseudonyms.of(codice_fiscale).hex()}'::bytea"

    def people(self, number: int = 1) -> Sequence[dict[str, Any]]:
        """Return requests of new citizens."""
        return [person.body for person in self.harness.newcomers(number)]


@asynccontextmanager
async def scene_on(servers: Stack, name: str, folder: Path, **settings: str) -> AsyncIterator[Scene]:
    """Yield a scene on running servers, on a ledger of its own and without workers."""
    async with (
        fresh_ledger(servers, name, SETTINGS | settings) as stack,
        harness_on(stack, kinds=(PLAIN,)) as harness,
    ):
        scene = Scene(harness, folder)
        try:
            yield scene
        finally:
            stack.stop_workers(limit=5)
            scene.close()
            await empty_queues(stack)
