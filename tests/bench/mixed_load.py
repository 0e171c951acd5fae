"""Mixed load: issuance while log-ins run at full rate, against issuance alone."""

import asyncio
import os
import time
from argparse import ArgumentParser, Namespace
from dataclasses import dataclass

from deploy.local.stack import Stack
from tests.bench import bulk_load, ours, report
from tests.bench.counting import Books, reach
from tests.bench.figures import fair_share, verdict
from tests.bench.load_generator import LoadGenerator
from tests.bench.logins import LOGGED_IN, attempts, start_access
from tests.bench.measure import Told
from tests.bench.procfs import cpu
from tests.bench.requests import Applicants, queue_up
from tests.bench.run_monitor import Run
from tests.kit.servers import empty_queues

_TARGET = 0.7
_WINDOW = 5.0
"""Seconds over which log-ins alone are watched."""


def options(parser: ArgumentParser) -> None:
    """Add the options of this measure; the layout of the log-ins is that of `logins`."""
    parser.add_argument(
        "--beside-requests", type=int, default=10_000, help="issuances in each of the two runs"
    )
    parser.add_argument(
        "--beside-logins", type=int, default=5_000, help="that wait, more than are done meanwhile"
    )


@dataclass(frozen=True)
class Beside:
    """Issuance alone and beside log-ins: rates a second, and the cores that each used."""

    alone: Run
    beside: Run
    cores: float
    """That issuance used alone, with its servers."""
    login_cores: float
    """That log-ins used alone."""
    logins_alone: float
    logins_beside: float

    @property
    def share(self) -> float:
        """The part of its demand for the CPU that issuance is due beside the log-ins."""
        return fair_share(self.cores, self.login_cores, os.cpu_count() or 1)

    @property
    def kept(self) -> float:
        """The rate beside log-ins, as a part of the rate that its fair CPU share allows."""
        return self.beside.rate / (self.alone.rate * self.share)


async def measure(stack: Stack, options: Namespace) -> Told:
    """Issue alone, then log in alone, then do both at once."""
    stack.use_new_database("beside")
    try:
        people = await bulk_load.load_citizens(stack, options.citizens)
        applicants = Applicants(seed=6)
        alone = await ours.run(stack, applicants, options.beside_requests)
        found = await _both(stack, options, people, applicants, alone)
    finally:
        stack.stop_workers()
        stack.drop_database()
        await empty_queues(stack)
    return _told(found)


async def _both(
    stack: Stack, options: Namespace, people: list[bulk_load.Citizen], applicants: Applicants, alone: Run
) -> Beside:
    async with LoadGenerator(stack) as portal, Books(stack) as books:
        await portal.put("pin.verify", attempts(stack, people, options.beside_logins))
        await queue_up(stack.rabbitmq.url("portal"), applicants.take(options.beside_requests))
        done = await books.tally("inbox", LOGGED_IN)
        start_access(stack, options)
        first = await reach(1, done, "log-ins")
        pids = {name: process.pid for name, process in stack.workers.items()}
        spent = cpu(pids)
        await asyncio.sleep(_WINDOW)
        window, used = time.perf_counter() - first.at, sum(cpu(pids).values()) - sum(spent.values())
        before, at = await done(), time.perf_counter()
        beside = await ours.watched(stack, options.beside_requests)
        during, took = await done() - before, time.perf_counter() - at
        if before + during >= options.beside_logins:
            report.progress("the log-ins ran out: --beside-logins has to be larger")
    return Beside(
        alone=alone,
        beside=beside,
        cores=alone.rate * sum(alone.cpu_ms.values()) / 1000,
        login_cores=used / window,
        logins_alone=(before - first.done) / window,
        logins_beside=during / took,
    )


def _told(found: Beside) -> Told:
    values = {
        "alone": found.alone.as_json(),
        "beside": found.beside.as_json(),
        "cores_alone": found.cores,
        "login_cores_alone": found.login_cores,
        "logins_alone": found.logins_alone,
        "logins_beside": found.logins_beside,
        "fair_share": found.share,
        "kept": found.kept,
    }
    due = found.alone.rate * found.share
    return Told(
        "Issuance while log-ins run at full rate",
        [
            f"issuance alone: {found.alone.rate:.0f}/s on {found.cores:.2f} cores",
            f"log-ins alone: {found.logins_alone:.0f}/s on {found.login_cores:.2f} cores",
            f"together: {found.beside.rate:.0f} issuances/s and {found.logins_beside:.0f} log-ins/s",
            "issuance is due half of the machine, or what the log-ins leave free if that is more:",
            f"{found.share:.2f} of the CPU that it uses alone, good for {due:.0f} issuances/s",
            f"it kept {found.kept:.2f} of that; {verdict(found.kept, _TARGET, at_least=True)}",
        ],
        values,
    )
