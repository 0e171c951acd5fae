"""Issuances a second, and WAL each, with many citizens in the ledger, against few; the duration of upkeep."""

import os
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from dataclasses import dataclass, field

from deploy.local.postgres import DATABASE
from deploy.local.stack import Stack
from tests.bench import ours, report, upkeep
from tests.bench.counting import Books
from tests.bench.figures import Spread, verdict
from tests.bench.many_citizens import fill
from tests.bench.measure import Told
from tests.bench.requests import Applicants

_TARGETS = {1_000_000: 0.97, 10_000_000: 0.95}
"""Of the rate with the fewest citizens: the share that is to be reached with up to so many."""
MOST_WAL = 20.0
"""KB of WAL an issuance, with however many citizens."""
_VACUUMED_AT_ONCE = ("outbox", "tally", "tally_change")
"""The tables that autovacuum visits after so many dead rows, however large they are."""
_READ = "select pg_prewarm(oid) from pg_class where relkind = 'i' and 'fillfactor=69' = any(reloptions)"
"""Reads the indexes of random keys, which `citizens/begin.sql` marks by how full they are."""
_MEMORY = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
_FOR_ITS_SIZE = {"shared_buffers": f"{_MEMORY // 4 // 2**20}MB", "max_wal_size": "16GB"}
"""What a server of a large ledger is given: a quarter of the memory, as Postgres' manual says, and so much
WAL that checkpoints come by time also at full rate, where the usual 4 GB last some five minutes."""
_USABLE = (
    "select reltuples <= 1.2 * {citizens} from pg_class where oid = 'subject'::regclass"
    " and exists (select from pg_extension where extname = 'pg_prewarm')"
)
"""Whether a ledger of an earlier time was filled to its end, and has not grown much since."""
_KB, _MB = 10**3, 10**6


@dataclass
class Grown:
    """A ledger of one size, and what was found on it.

    Attributes:
        citizens: how many are in it before the runs.
        size: of it then, in bytes.
        beside: how long upkeep takes on it.
        rates: issuances a second, by run.
        wal: bytes of WAL an issuance, by run.
    """

    citizens: int
    size: int = 0
    beside: upkeep.Upkeep | None = None
    rates: list[float] = field(default_factory=list)
    wal: list[float] = field(default_factory=list)

    @property
    def database(self) -> str:
        """Its name."""
        return f"growth_{self.citizens}"


def options(parser: ArgumentParser) -> None:
    """Add the options of this measure."""
    parser.add_argument(
        "--ledgers",
        type=int,
        nargs="+",
        default=[10_000, 1_000_000],
        help="citizens in each, the fewest first",
    )
    parser.add_argument("--growth-runs", type=int, default=5, help="on each ledger, in turn")
    parser.add_argument("--growth-requests", type=int, default=10_000, help="in a run")


async def measure(stack: Stack, options: Namespace) -> Told:
    """Issue on ledgers of several sizes in turn, from one checkpoint to the next."""
    applicants = Applicants(seed=time.time_ns())
    found = [Grown(citizens) for citizens in options.ledgers]
    for one in found:
        report.progress(f"a ledger of {one.citizens} citizens: {await _filled(stack, one)}")
        one.beside = await upkeep.measured(stack)
    stack.postgres.restart(_FOR_ITS_SIZE)
    report.progress(", ".join(f"{name} {text}" for name, text in _FOR_ITS_SIZE.items()))
    for _ in range(options.growth_runs):
        for one in found:
            stack.database = one.database
            await _settle_down(stack)
            before = await _written(stack)
            one.rates.append((await ours.run(stack, applicants, options.growth_requests)).rate)
            one.wal.append((await _written(stack) - before) / options.growth_requests)
            told_now = f"{one.rates[-1]:8.0f} issuances/s {one.wal[-1] / _KB:6.1f} KB of WAL"
            report.progress(f"{one.citizens:>9} citizens {told_now}")
    if not options.root:
        for one in found:
            stack.database = one.database
            stack.drop_database()
    stack.database = DATABASE
    stack.postgres.restart({})
    return told(found)


async def _filled(stack: Stack, one: Grown) -> str:
    """Fill the ledger, unless one of an earlier time can be used; say what was done."""
    began, how = time.monotonic(), "as it was left"
    if one.database in stack.postgres.sql("select datname from pg_database").splitlines():
        stack.database = one.database
        if stack.postgres.sql(_USABLE.format(citizens=one.citizens), one.database).strip() != "t":
            stack.drop_database()
    if stack.database != one.database:
        stack.use_new_database(one.database)
        await fill(stack, one.citizens)
        stack.postgres.sql("create extension pg_prewarm", one.database)
        how = f"filled in {time.monotonic() - began:.0f} s"
    one.size = int(stack.postgres.sql("select pg_database_size(current_database())", one.database))
    return f"{one.size / _MB:.0f} MB, {how}"


async def _settle_down(stack: Stack) -> None:
    """Leave nothing of the run before to this one, and in memory what a ledger at work has there.

    Every issuance reads a page of each index of random keys: a ledger at work has read them all within some
    hundred thousand, and keeps them before anything else. One that was just filled, or beside which another
    was measured, has the end of its largest table in memory.

    No checkpoint: behind it each page is written whole once more, and a server at work makes one in half an
    hour (`checkpoint_timeout`). The first run of each ledger comes right behind one, that of the restart.
    """
    async with Books(stack) as books:
        for table in _VACUUMED_AT_ONCE:
            await books.ledger.execute(f"vacuum {table}")
        await books.ledger.execute(_READ)
        await books.ledger.execute("analyze")


async def _written(stack: Stack) -> int:
    async with Books(stack) as books:
        return await books.written()


def told(found: Sequence[Grown]) -> Told:
    """Return what was measured, compared with the first."""
    small = found[0]
    lines, values = [], {}
    for one in found:
        rate, wal = Spread.of(one.rates), Spread.of(one.wal)
        ratio = rate.median / Spread.of(small.rates).median
        lines.append(f"{one.citizens:>9} citizens  {rate.told('issuances/s')}")
        if one is not small:
            lines.append(
                f"{'':>19} {ratio:.2f} of the rate with {small.citizens}; {judged(one.citizens, ratio)}"
            )
        most = verdict(wal.median / _KB, MOST_WAL, at_least=False)
        lines.append(f"{'':>19} {wal.median / _KB:.1f} KB of WAL each, full-page images included; {most}")
        lines += one.beside.lines(one.citizens) if one.beside else []
        values[str(one.citizens)] = {
            "rate": rate.as_json(),
            "ratio": ratio,
            "wal": wal.as_json(),
            "each": {"rate": one.rates, "wal": one.wal},
            "bytes": one.size,
            "beside": one.beside.as_json() if one.beside else None,
        }
    return Told("Issuances a second as the ledger grows", lines, {"ledgers": values})


def judged(citizens: int, ratio: float) -> str:
    """Return whether enough of the rate with the fewest citizens is left."""
    target = next((share for most, share in _TARGETS.items() if citizens <= most), min(_TARGETS.values()))
    return verdict(ratio, target, at_least=True)
