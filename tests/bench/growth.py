"""Issuances a second with many citizens in the ledger, against few; and the duration of upkeep."""

from argparse import ArgumentParser, Namespace
from pathlib import Path

from deploy.local.stack import Stack
from tests.bench import ours, report, upkeep
from tests.bench.counting import Books
from tests.bench.figures import Spread, verdict
from tests.bench.measure import Told
from tests.bench.requests import Applicants

_TARGET = 0.9
_ROWS = (Path(__file__).parent / "citizens.sql").read_text()
_MB = 10**6


def options(parser: ArgumentParser) -> None:
    """Add the options of this measure."""
    parser.add_argument("--many", type=int, default=1_000_000, help="citizens in the large ledger")
    parser.add_argument("--few", type=int, default=10_000, help="citizens in the small one")
    parser.add_argument("--growth-runs", type=int, default=3, help="on each ledger, in turn")
    parser.add_argument("--growth-requests", type=int, default=10_000, help="in a run")


async def measure(stack: Stack, options: Namespace) -> Told:
    """Issue on a small and on a large ledger in turn, each analysed and checkpointed before a run."""
    applicants = Applicants(seed=2)
    sizes, beside = {}, {}
    rates: dict[int, list[float]] = {options.few: [], options.many: []}
    for citizens in rates:
        stack.use_new_database(_name(citizens))
        sizes[citizens] = await _fill(stack, citizens)
        report.progress(f"a ledger of {citizens} citizens: {sizes[citizens] / _MB:.0f} MB")
        beside[citizens] = await upkeep.measured(stack)
    for _ in range(options.growth_runs):
        for citizens, found in rates.items():
            stack.database = _name(citizens)
            await _settle_down(stack)
            found.append((await ours.run(stack, applicants, options.growth_requests)).rate)
    for citizens in rates:
        stack.database = _name(citizens)
        stack.drop_database()
    return _told({citizens: Spread.of(found) for citizens, found in rates.items()}, sizes, beside)


def _name(citizens: int) -> str:
    return f"growth_{citizens}"


async def _fill(stack: Stack, citizens: int) -> int:
    """Insert the citizens, and vacuum as autovacuum would; return the size of the ledger in bytes."""
    async with Books(stack) as books:
        await books.ledger.execute(_ROWS.format(citizens=citizens))
        await books.ledger.execute("vacuum analyze")
        return int(await books.ledger.fetchval("select pg_database_size(current_database())"))


async def _settle_down(stack: Stack) -> None:
    async with Books(stack) as books:
        await books.ledger.execute("analyze")
        await books.ledger.execute("checkpoint")


def _told(rates: dict[int, Spread], sizes: dict[int, int], beside: dict[int, upkeep.Upkeep]) -> Told:
    small, large = rates.values()
    ratio = large.median / small.median
    return Told(
        "Issuances a second as the ledger grows",
        [
            *(f"{citizens:>9} citizens  {rate.told('issuances/s')}" for citizens, rate in rates.items()),
            f"{ratio:.2f} of the rate with few; {verdict(ratio, _TARGET, at_least=True)}",
            *(line for citizens, found in beside.items() for line in found.lines(citizens)),
        ],
        {
            "ratio": ratio,
            "ledgers": {
                str(citizens): {
                    "rate": rate.as_json(),
                    "bytes": sizes[citizens],
                    "beside": beside[citizens].as_json(),
                }
                for citizens, rate in rates.items()
            },
        },
    )
