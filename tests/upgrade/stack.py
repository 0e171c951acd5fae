"""A stack whose servers begin as an earlier release left them, with workers of two releases side by side."""

import json
import time
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from deploy.errors import StackError
from deploy.local.postgres import Postgres
from deploy.local.processes import Process, Program
from deploy.local.rabbitmq import ADMIN, RabbitMq
from deploy.local.stack import Stack
from deploy.local.workers import WORKERS, Worker
from tests.upgrade.releases import PRESENT, Tree

_TRIES = 10
"""How often the Job `migrate` is run (`backoffLimit`)."""
_LIMIT = 30.0
"""Seconds that workers may take to end; on a machine that has nothing else to do it is below 10."""


class _Broker(RabbitMq):
    """A broker with the definitions of any release."""

    tree = PRESENT

    def _definitions(self) -> dict[str, Any]:
        """Return what the release's own renderer writes, with the local administrator."""
        written = self._home / "rendered.json"
        passwords = {f"PIN_BROKER_PASSWORD_{user.upper()}": text for user, text in self.passwords.items()}
        self.tree.run("deploy.broker.render", str(written), env=passwords)
        definitions: dict[str, Any] = json.loads(written.read_text())
        present = super()._definitions()
        for kind, key in (("users", "name"), ("permissions", "user")):
            definitions[kind] += [one for one in present[kind] if one[key] == ADMIN]
        return definitions


class TwoReleases(Stack):
    """The servers of a stack, and workers of one release or of two.

    Args:
        root: the folder for `.local`.
        before: the release whose schema and definitions the servers have at first.
        settings: of all workers.
        later: of the later release's workers alone.
    """

    def __init__(
        self, root: Path, before: Tree, settings: Mapping[str, str], later: Mapping[str, str]
    ) -> None:
        self._tree = before
        self._later = later
        self._batch = 0
        super().__init__(root, settings)

    def _servers(self) -> tuple[Postgres, RabbitMq]:
        postgres, broker = super()._servers()
        postgres.migrations = self._tree.migrations
        broker = _Broker(self.state, self.ports)
        broker.tree = self._tree
        return postgres, broker

    def migrate_to(self, tree: Tree) -> None:
        """Apply the migrations of a release, as the Job `migrate` does: again where one got no lock."""
        self.postgres.migrations = tree.migrations
        for left in reversed(range(_TRIES)):
            try:
                self.postgres.migrate(self.database)
            except StackError as error:
                if not left or "lock timeout" not in str(error):
                    raise
            else:
                return

    def define(self, tree: Tree) -> None:
        """Load the definitions of a release into the broker, as the Job `definitions` does."""
        assert isinstance(self.rabbitmq, _Broker)
        self.rabbitmq.tree = tree
        self.rabbitmq.load_definitions()

    def start_all(self, tree: Tree) -> list[Process]:
        """Start every worker of a release, beside those that run, and wait until they are ready."""
        self._tree = tree
        self._batch += 1
        started = [self._start(worker, self._batch, {}) for worker in WORKERS.values()]
        self.wait_ready(process.name for process in started)
        return started

    def _program(self, worker: Worker, name: str, env: Mapping[str, str]) -> Program:
        program = super()._program(worker, name, {**env, **(self._later if self._tree is PRESENT else {})})
        return replace(program, cwd=self._tree.root, argv=[self._tree.python, *worker.command])

    def end(self, processes: Iterable[Process]) -> float:
        """Ask these workers to end; return the seconds until the last had ended.

        Raises:
            AssertionError: one did not end as asked, in time.
        """
        began = time.monotonic()
        ending = list(processes)
        for process in ending:
            process.ask_to_end()
        for process in ending:
            process.stop(limit=max(0.1, began + _LIMIT - time.monotonic()))
            code = process._popen and process._popen.returncode
            assert code == 0, f"{process.name} ended with {code}\n{process.tail()}"
            del self.workers[process.name]
        return time.monotonic() - began
