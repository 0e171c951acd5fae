"""Suspended istanze released a second, as their citizens' PINs become dispositivo at a branch."""

from argparse import ArgumentParser, Namespace

from deploy.local.stack import Stack
from tests.bench import bulk_load, report
from tests.bench.counting import Books, reach
from tests.bench.figures import Spread
from tests.bench.load_generator import LoadGenerator
from tests.bench.measure import Told
from tests.kit.servers import empty_queues

_SHOWN = {
    "operator": {"id": "op-0042", "office": "Pisa"},
    "document": {
        "kind": "identity_card",
        "number": "CA12345AA",
        "issued_by": "Comune di Pisa",
        "issued_on": "2021-03-15",
        "expires_on": "2031-12-10",
    },
}


def options(parser: ArgumentParser) -> None:
    """Add the options of this measure."""
    parser.add_argument("--release-runs", type=int, default=3)
    parser.add_argument("--release-citizens", type=int, default=1_000, help="in a run")
    parser.add_argument("--release-each", type=int, default=100, help="suspended istanze of each of them")


async def measure(stack: Stack, options: Namespace) -> Told:
    """Activate citizens with suspended istanze at a branch."""
    citizens, each = options.release_citizens, options.release_each
    rates = []
    for _ in range(options.release_runs):
        rates.append(await _once(stack, citizens, each))
        report.progress(f"{rates[-1]:.0f} istanze/s")
    rate = Spread.of(rates)
    return Told(
        f"Release of {citizens * each} suspended istanze: {citizens} citizens with {each} each",
        [
            rate.told("istanze/s"),
            f"{citizens * each / rate.median:.1f} s for all of them; the broker has every event by then",
        ],
        {"citizens": citizens, "each": each, "rate": rate.as_json()},
    )


async def _once(stack: Stack, citizens: int, each: int) -> float:
    """Return istanze a second, from the first batch seen in the ledger to the last event confirmed."""
    await empty_queues(stack)
    stack.use_new_database("release")
    try:
        stack.start_workers(["notifier-email"])
        people = await bulk_load.load_citizens(stack, citizens, change=bulk_load.with_suspended(each))
        async with LoadGenerator(stack, "operator") as branch, Books(stack) as books:
            await branch.put(
                "branch.activate", ({"codice_fiscale": c.codice_fiscale, **_SHOWN} for c in people)
            )
            released = await books.tally("entry", "kind = 'istanza.released'")
            stack.start_worker("dispositivo", wait=False)
            first = await reach(1, released, "release")
            await reach(citizens * each, released, "release")

            async def confirmed() -> int:
                return int(await books.ledger.fetchval("select (count(*) = 0)::integer from outbox"))

            last = await reach(1, confirmed, "their events")
            return (citizens * each - first.done) / (last.at - first.at)
    finally:
        stack.stop_workers()
        stack.drop_database()
