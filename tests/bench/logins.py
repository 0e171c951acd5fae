"""Log-ins a second on the access lane, against bare Argon2id on the same cores."""

import asyncio
import os
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from itertools import cycle, islice
from typing import Any

from argon2.low_level import Type, hash_secret_raw

from deploy.local.sealed import sealed
from deploy.local.stack import Stack
from tests.bench import bulk_load, report
from tests.bench.counting import Books, reach
from tests.bench.figures import Spread, verdict
from tests.bench.load_generator import LoadGenerator
from tests.bench.measure import Told
from tests.bench.ours import servers_of
from tests.bench.procfs import cpu
from tests.kit.servers import empty_queues

_TARGET = 0.85
LOGGED_IN = "answer = 'kept'"
"""Of the rows of the inbox those of log-ins: most of these leave no entry."""
KEPT = (
    "select (sum(pg_total_relation_size(inhrelid)) + pg_total_relation_size('log_in'))::bigint"
    " from pg_inherits where inhparent = 'entry'::regclass"
)
"""Bytes of the tables in which a log-in may leave something for ever."""


def options(parser: ArgumentParser) -> None:
    """Add the options of this measure."""
    parser.add_argument("--login-runs", type=int, default=5, help="each beside one of bare Argon2id")
    parser.add_argument("--logins", type=int, default=1_000, help="in a run")
    parser.add_argument("--citizens", type=int, default=1_000, help="who log in, in turn")
    parser.add_argument("--access-processes", type=int, default=1)
    parser.add_argument("--access-batch", type=int, help="PIN_ACCESS_BATCH, else its default")
    parser.add_argument(
        "--argon2-threads", type=int, help="PIN_ARGON2_THREADS of each process, else its default"
    )


async def measure(stack: Stack, options: Namespace) -> Told:
    """Alternate between hashing in bare threads and logging in."""
    stack.use_new_database("logins")
    people = await bulk_load.load_citizens(stack, options.citizens)
    hashes: list[Pace] = []
    logins: list[Pace] = []
    try:
        for _ in range(options.login_runs):
            hashes.append(await asyncio.to_thread(bare, options.logins))
            logins.append(await _log_in(stack, people, options))
            report.progress(f"bare Argon2id {hashes[-1].rate:.0f}/s, log-ins {logins[-1].rate:.0f}/s")
    finally:
        stack.drop_database()
    return _told(hashes, logins, options)


@dataclass(frozen=True)
class Pace:
    """The rate a second, and the cost of each: CPU time in milliseconds by process, WAL, and what stays."""

    rate: float
    cpu_ms: dict[str, float]
    wal: float = 0.0
    """Bytes of WAL."""
    kept: float = 0.0
    """Bytes that stay for ever."""


def bare(number: int) -> Pace:
    """Compute Argon2id hashes (19 MiB, t=2, p=1) in one process, in a thread a core."""
    with ThreadPoolExecutor(os.cpu_count() or 1) as threads:
        began, spent = time.perf_counter(), time.process_time()
        list(threads.map(_hash, range(number)))
        took, used = time.perf_counter() - began, time.process_time() - spent
    return Pace(number / took, {"argon2id": used * 1000 / number})


def _hash(number: int) -> bytes:
    return hash_secret_raw(
        number.to_bytes(32),
        bytes(16),
        time_cost=2,
        memory_cost=19 * 1024,
        parallelism=1,
        hash_len=32,
        type=Type.ID,
    )


def attempts(stack: Stack, people: list[bulk_load.Citizen], number: int) -> Iterator[dict[str, Any]]:
    """Yield the bodies of right log-ins, of all citizens in turn."""
    pin_sealed = sealed(stack.state, "issuer", bulk_load.PIN)
    for citizen in islice(cycle(people), number):
        yield {"codice_fiscale": citizen.codice_fiscale, "pin_sealed": pin_sealed}


def start_access(stack: Stack, options: Namespace) -> None:
    """Start the access lane in the chosen layout."""
    given = {"PIN_ACCESS_BATCH": options.access_batch, "PIN_ARGON2_THREADS": options.argon2_threads}
    env = {name: str(number) for name, number in given.items() if number}
    stack.start_worker("issuer-access", copies=options.access_processes, env=env, wait=False)


async def _log_in(stack: Stack, people: list[bulk_load.Citizen], options: Namespace) -> Pace:
    await empty_queues(stack)
    async with LoadGenerator(stack) as portal, Books(stack) as books:
        await portal.put("pin.verify", attempts(stack, people, options.logins))
        done = await books.tally("inbox", LOGGED_IN)
        kept = await books.ledger.fetchval(KEPT)
        try:
            start_access(stack, options)
            first = await reach(1, done, "log-ins")
            pids = {name: process.pid for name, process in (stack.workers | servers_of(stack)).items()}
            spent, written = cpu(pids), await books.written()
            last = await reach(options.logins, done, "log-ins")
            used, number = cpu(pids), last.done - first.done
            costs = {name: (used[name] - spent[name]) * 1000 / number for name in pids}
            wal = (await books.written() - written) / number
            stays = (await books.ledger.fetchval(KEPT) - kept) / options.logins
            return Pace(number / (last.at - first.at), costs, wal, stays)
        finally:
            stack.stop_workers()


def _told(hashes: list[Pace], logins: list[Pace], options: Namespace) -> Told:
    hashed, logged_in = (Spread.of([run.rate for run in runs]) for runs in (hashes, logins))
    ratio = logged_in.median / hashed.median
    kept = [run.kept for run in logins]
    later = Spread.of(kept[1:] or kept).median
    costs = {
        name: Spread.of([run.cpu_ms[name] for run in runs]).median
        for runs in (hashes, logins)
        for name in runs[0].cpu_ms
    }
    threads = options.argon2_threads or os.cpu_count()
    return Told(
        f"Log-ins a second, {options.access_processes} process(es) of {threads} threads",
        [
            f"bare Argon2id  {hashed.told('/s')}",
            f"log-ins        {logged_in.told('/s')}",
            f"WAL of each: {Spread.of([run.wal for run in logins]).median / 1000:.1f} KB",
            f"bytes that stay of each: {kept[0]:.0f} in the first run, {later:.0f} in later ones",
            f"CPU ms: one Argon2id {costs.pop('argon2id'):.1f}; one log-in {report.parts(costs, 1)}",
            f"{ratio:.2f} of bare Argon2id; {verdict(ratio, _TARGET, at_least=True)}",
        ],
        {
            "processes": options.access_processes,
            "ratio": ratio,
            "bare": [asdict(run) for run in hashes],
            "logins": [asdict(run) for run in logins],
        },
    )
