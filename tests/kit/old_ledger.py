"""A ledger whose first entries are three months old, and what a test does to it."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from deploy.local.citizens import PLAIN, citizens
from deploy.local.processes import CHECKOUT, environment
from deploy.local.stack import Stack
from deploy.pinctl.answer import Answer
from deploy.pinctl.commands import parser, run
from shared.crypto.keys import Keys
from shared.crypto.sealing import Pseudonyms
from tests.kit.clients import operator, portal
from tests.kit.months import age

DAYS = 100
PERSONS = ("--by", "Ada Neri", "--by", "Ugo Conti")
OPERATOR = {"id": "op-1", "office": "contact_centre"}
LOST = {"operator": OPERATOR, "reason": "lost"}


@dataclass(frozen=True)
class Old:
    """A ledger whose first entries are three months old, with entries of today besides.

    Attributes:
        months: the names of those that are over, the earliest first.
        quiet: a citizen of whom nothing was written since.
        moved: one whose PIN was revoked today.
    """

    stack: Stack
    log: Path
    archive: Path
    months: list[str]
    quiet: str
    moved: str
    database: str = ""

    def _dsn(self, role: str) -> str:
        return self.stack.postgres.dsn(role, self.database or self.stack.database)

    @contextmanager
    def copied(self) -> Iterator["Old"]:
        """Yield a copy, to be forged; no process may be connected. It has its own log and archive."""
        name = f"{self.stack.database}_copy"
        with TemporaryDirectory(dir=self.log.parent) as folder:
            log, archive = Path(folder) / "log", Path(folder) / "archive"
            shutil.copy(self.log, log)
            shutil.copytree(self.archive, archive)
            self.stack.postgres.clone(name, self.stack.database)
            try:
                yield replace(self, log=log, archive=archive, database=name)
            finally:
                self.stack.postgres.drop(name)

    @property
    def env(self) -> dict[str, str]:
        """The settings of pinctl, with the owner's URL."""
        own = {
            "PIN_CHECKPOINT_LOG": str(self.log),
            "PIN_ARCHIVE_DIR": str(self.archive),
            "PIN_LEDGER_DSN": self._dsn("pinctl"),
            "PIN_LEDGER_OWNER_DSN": self._dsn("owner"),
        }
        return self.stack.env | own

    async def pinctl(self, *words: str, **settings: str) -> Answer:
        """Run pinctl within the test."""
        return await run(parser().parse_args(words), self.env | settings)

    def program(self, *words: str, **more: str) -> "subprocess.CompletedProcess[str]":
        """Run pinctl in a process of its own, which a test may kill."""
        argv = [sys.executable, "-m", "deploy.pinctl", *words]
        env = environment(self.env) | more
        return subprocess.run(argv, env=env, cwd=CHECKOUT, capture_output=True, text=True, check=False)

    def file(self, month: str) -> Path:
        """Return the file of a month."""
        return self.archive / f"entries-{month}.jsonl.gz"

    async def verified(self) -> Answer:
        """Verify as every night."""
        return await self.pinctl("ledger", "verify")

    async def faults(self) -> dict[str, str]:
        """Return what the nightly verification says of months, one sentence each."""
        data = (await self.verified()).data
        return {one["month"]: "; ".join(one["faults"]) for one in data["months"] if one["faults"]}

    def sql(self, text: str) -> str:
        """Run SQL as the superuser."""
        return self.stack.postgres.sql(text, self.database or self.stack.database)

    def forge(self, text: str) -> None:
        """Change append-only rows, as only a superuser can."""
        self.sql(f"set session_replication_role = replica; {text}")

    def subject(self, codice_fiscale: str) -> str:
        """Return a citizen's pseudonym, in hex."""
        return Pseudonyms(Keys(self.stack.state / "keys").symmetric("subject")).of(codice_fiscale).hex()

    async def sealed(self) -> None:
        """Seal all that is over, and write the files."""
        answer = await self.pinctl("ledger", "seal-month")
        assert answer.status == 0, answer.text

    async def left(self) -> None:
        """Seal all that is over, and let the first month leave."""
        await self.sealed()
        answer = await self.pinctl("ledger", "retire-month", self.months[0], *PERSONS)
        assert answer.status == 0, answer.text


async def revoke(stack: Stack, codice_fiscale: str) -> None:
    """Have the contact centre revoke a PIN."""
    async with operator(stack) as console:
        body = {"codice_fiscale": codice_fiscale, **LOST}
        assert (await console.reply(await console.publish("revoke.by_contact_centre", body)))[
            "code"
        ] == "accepted"


async def issue(stack: Stack, bodies: list[dict[str, Any]]) -> None:
    """Ask for PINs, and wait for the replies."""
    async with portal(stack) as client:
        for body in bodies:
            assert (await client.reply(await client.publish("pin.request", body)))["code"] == "accepted"


_TEMPLATE = "old_ledger"
_BUILT: dict[Path, tuple[list[str], str, str, bytes]] = {}
"""By the stack on whose servers it lies: months, two citizens, and the log."""


async def old_ledger(stack: Stack, folder: Path) -> Old:
    """Return a ledger with three citizens, its log and its archive, in place of the stack's; no worker runs.

    It is made once for all tests on the same servers, and copied.
    """
    log, archive = folder / "log", folder / "archive"
    archive.mkdir()
    stack.settings |= {"PIN_CHECKPOINT_MARGIN": "PT0S", "PIN_ENTRY_RETENTION": "P20D"}
    if stack.state in _BUILT:
        stack.postgres.drop(stack.database)
        stack.postgres.clone(stack.database, _TEMPLATE)
    else:
        _BUILT[stack.state] = (*await _build(stack, log, archive), log.read_bytes())
        stack.postgres.clone(_TEMPLATE, stack.database)
    months, quiet, moved, written = _BUILT[stack.state]
    log.write_bytes(written)
    return Old(stack, log, archive, months, quiet, moved)


async def _build(stack: Stack, log: Path, archive: Path) -> tuple[list[str], str, str]:
    bodies = [body for _, body in citizens(3, kinds=(PLAIN,))]
    stack.start_workers(["issuer", "revoker"])
    await issue(stack, bodies)
    stack.stop_workers()
    months = await age(stack, DAYS)
    over = months[: months.index(f"{datetime.now(UTC):%Y-%m}")]
    stack.start_workers(["issuer", "revoker"])
    quiet, moved, _ = (str(body["codice_fiscale"]) for body in bodies)
    await revoke(stack, moved)
    stack.stop_workers()
    answer = await Old(stack, log, archive, over, quiet, moved).pinctl("ledger", "checkpoint")
    assert answer.status == 0
    return over, quiet, moved
