"""Runs of faults, one after the other on one cluster, which is made whole between them."""

import asyncio
import gc
import os
import platform
import random
import shutil
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

import uvloop

from deploy.errors import StackError
from deploy.local import captured
from deploy.local.cluster.stack import ClusterStack
from tests.bench.procfs import processor
from tests.cluster.faults import FAULTS, stack_of
from tests.cluster.load import Measured, SteadyLoad
from tests.cluster.report import Run
from tests.kit.harness import MAIN_WAY, harness_on
from tests.kit.servers import fresh_ledger, private_directory

BEFORE = 10.0
"""Seconds of load before the fault, and after it."""
_QUESTIONS = (
    ("cluster_status",),
    ("list_queues", "name", "messages_ready", "messages_unacknowledged", "consumers", "leader", "online"),
    ("list_consumers",),
)
_SETTINGS = {"PIN_LINGER": "PT0.2S"}
"""Of the workers. Three brokers, two servers of the ledger and the load share this machine's cores: batches
of a few messages more leave some of them for what waits after a fault."""
_SETTLES = 180.0
"""Seconds in which every invariant has to hold, once the load has ended."""


async def under_load(stack: ClusterStack, fault: str, seed: int, rate: float, seconds: float) -> Measured:
    """Let a fault happen under a load that outlasts it; return what the load met.

    Args:
        stack: a whole cluster without workers.
        fault: its name in `FAULTS`.
        seed: of all that a fault draws.
        rate: requests a second.
        seconds: of load, at least.
    """
    # Not cryptographic: the seed repeats a run.
    chance = random.Random(seed)  # noqa: S311
    name = f"{fault}_{seed}"
    async with (
        fresh_ledger(stack, name),
        harness_on(stack, kinds=("plain",), lasting=name, users=("portal",)) as harness,
    ):
        harness.start(MAIN_WAY)
        try:
            async with SteadyLoad(harness, rate) as load:
                began = time.monotonic()
                await asyncio.sleep(BEFORE)
                load.fault_begins()
                await FAULTS[fault](stack, chance)
                await asyncio.sleep(max(BEFORE, began + seconds - time.monotonic()))
                await load.end()
                await harness.all_is_well(limit=_SETTLES)
                return load.measured()
        except Exception as broken:
            broken.add_note(await asyncio.to_thread(_said_by_brokers, stack))
            raise


@dataclass
class Series:
    """Runs on one cluster, or on a fresh one after a failure.

    Args:
        rate: requests a second.
        seconds: of load, at least.
        kept: the folder for the logs of runs that fail.
    """

    rate: float
    seconds: float
    kept: Path
    _stack: ClusterStack | None = None
    _conditions: dict[str, str] = field(default_factory=dict)

    def run(self, fault: str, seed: int) -> Run:
        """Run one fault; a failure is part of what is returned, and costs the cluster."""
        measured, failure, logs = None, "", ""
        try:
            stack = self._cluster(stack_of(fault))
            measured = uvloop.run(under_load(stack, fault, seed, self.rate, self.seconds))
            stack.make_whole()
            captured.forget()
            gc.collect()  # before the next load, which would else stand still meanwhile
        except Exception as broken:  # noqa: BLE001 - whatever it is, the series goes on, and says so
            failure = f"{type(broken).__name__}: {str(broken).splitlines()[0] if str(broken) else ''}"
            logs = str(self._keep(f"{fault}-{seed}", traceback.format_exc()))
            measured = None
            self.close()
        return Run(
            fault, seed, self.rate, self.seconds, time.strftime("%Y-%m-%d %H:%M:%S"), self._conditions,
            measured, failure, logs,
        )  # fmt: skip

    def _cluster(self, kind: type[ClusterStack]) -> ClusterStack:
        if type(self._stack) is not kind:
            self.close()
        if self._stack is None:
            self._directory = private_directory()
            self._stack = kind(self._directory.__enter__(), _SETTINGS)
            self._stack.start_servers()
            self._conditions = _conditions(self._stack)
        return self._stack

    def close(self) -> None:
        """Kill the cluster."""
        if self._stack is not None:
            self._stack.kill()
            self._directory.__exit__(None, None, None)
            self._stack = None

    def _keep(self, name: str, failure: str) -> Path:
        """Keep a failed run's logs in a folder of its own; return it."""
        folder = self.kept / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        (folder / "failure.txt").write_text(failure, encoding="utf-8")
        if self._stack is None:
            return folder
        shutil.copytree(self._stack.state / "log", folder, dirs_exist_ok=True)
        return folder


def _said_by_brokers(stack: ClusterStack) -> str:
    """Return what each broker that answers says about the cluster and the queues."""
    said = []
    for name, broker in stack.brokers.items():
        for words in _QUESTIONS:
            with suppress(StackError):
                said.append(f"--- {name}: {' '.join(words)}\n{broker.ctl(*words)}")
    return "\n".join(said)


@contextmanager
def series(rate: float, seconds: float, kept: Path) -> Iterator[Series]:
    """Yield a series, whose cluster is gone afterwards."""
    runs = Series(rate, seconds, kept)
    try:
        yield runs
    finally:
        runs.close()


def _conditions(stack: ClusterStack) -> dict[str, str]:
    return {
        "cores": f"{os.cpu_count()} ({processor()})",
        "RabbitMQ": stack.rabbitmq.ctl("version").strip(),
        "Postgres": stack.postgres.sql("show server_version").split()[0],
        "Python": platform.python_version(),
        "asyncpg": version("asyncpg"),
        "aiormq": version("aiormq"),
        **_SETTINGS,
    }
