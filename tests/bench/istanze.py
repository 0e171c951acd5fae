"""Istanze protocolled a second: in progress, and suspended with a notifying mail."""

import uuid
from argparse import ArgumentParser, Namespace

from deploy.local.stack import Stack
from tests.bench import bulk_load, report
from tests.bench.counting import Books, reach
from tests.bench.figures import Spread
from tests.bench.load_generator import LoadGenerator
from tests.bench.measure import Told
from tests.kit.servers import empty_queues

_LEVELS = {"in progress": "dispositivo", "suspended": "online"}


def options(parser: ArgumentParser) -> None:
    """Add the options of this measure."""
    parser.add_argument("--istanze-runs", type=int, default=3, help="of each kind, in turn")
    parser.add_argument("--istanze", type=int, default=5_000, help="in a run, each of another citizen")


async def measure(stack: Stack, options: Namespace) -> Told:
    """Submit istanze with either kind of PIN, in turn."""
    rates: dict[str, list[float]] = {status: [] for status in _LEVELS}
    for _ in range(options.istanze_runs):
        for status in _LEVELS:
            rates[status].append(await _once(stack, status, options.istanze))
            report.progress(f"{status}: {rates[status][-1]:.0f} istanze/s")
    spreads = {status: Spread.of(found) for status, found in rates.items()}
    return Told(
        f"Istanze a second, {options.istanze} citizens",
        [f"{status:<12} {spread.told('istanze/s')}" for status, spread in spreads.items()],
        {"istanze": options.istanze} | {status: spread.as_json() for status, spread in spreads.items()},
    )


async def _once(stack: Stack, status: str, number: int) -> float:
    await empty_queues(stack)
    stack.use_new_database("istanze")
    try:
        people = await bulk_load.load_citizens(stack, number, level=_LEVELS[status])
        stack.start_workers(["notifier-email"])
        async with LoadGenerator(stack) as portal, Books(stack) as books:
            bodies = (
                {"codice_fiscale": c.codice_fiscale, "istanza_id": str(uuid.uuid4()), "service": "Pensione"}
                for c in people
            )
            await portal.put("istanza.submit", bodies)
            protocolled = await books.tally("entry", "kind = 'istanza.protocolled'")
            told = await books.sent()
            stack.start_worker("dispositivo", wait=False)
            first = await reach(1, protocolled, "istanze")
            last = await reach(number, protocolled, "istanze")
            if status == "suspended":
                last = await reach(number, told, "their mails")
            return (number - first.done) / (last.at - first.at)
    finally:
        stack.stop_workers()
        stack.drop_database()
