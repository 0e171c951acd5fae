"""Recognitions a second imported by `pinctl backfill` (R9)."""

import asyncio
import subprocess
import time
from argparse import ArgumentParser, Namespace
from pathlib import Path

from deploy.local.processes import CHECKOUT, environment
from deploy.local.stack import Stack
from tests.bench import bulk_load, report
from tests.bench.counting import Books
from tests.bench.figures import Spread, verdict
from tests.bench.measure import Told

_TARGET = 1_000


def options(parser: ArgumentParser) -> None:
    """Add the options of this measure."""
    parser.add_argument("--backfill-runs", type=int, default=3)
    parser.add_argument(
        "--backfill-lines", type=int, default=10_000, help="in a run, each of another citizen"
    )


async def measure(stack: Stack, options: Namespace) -> Told:
    """Run the program on a file; its start-up is included."""
    rates = []
    for _ in range(options.backfill_runs):
        rates.append(await _once(stack, options.backfill_lines))
        report.progress(f"{rates[-1]:.0f} lines/s")
    rate = Spread.of(rates)
    return Told(
        f"Backfill of {options.backfill_lines} lines",
        [f"{rate.told('lines/s')}; {verdict(rate.median, _TARGET, at_least=True)}"],
        {"lines": options.backfill_lines, "rate": rate.as_json()},
    )


async def _once(stack: Stack, number: int) -> float:
    stack.use_new_database("backfill")
    try:
        people = await bulk_load.load_citizens(stack, number)
        path = stack.state / "recognitions.csv"
        path.write_text("".join(f"{c.codice_fiscale},de_visu,2010-05-17\n" for c in people))
        began = time.perf_counter()
        await asyncio.to_thread(_run, stack, path)
        took = time.perf_counter() - began
        async with Books(stack) as books:
            done = await books.ledger.fetchval("select count(*) from account where level = 'dispositivo'")
        if done != number:
            raise RuntimeError(f"{done} of {number} citizens have the profile")
        return number / took
    finally:
        stack.drop_database()


def _run(stack: Stack, path: Path) -> None:
    command = [str(CHECKOUT / "pinctl"), "backfill", str(path)]
    subprocess.run(command, env=environment(stack.env), check=True, stdout=subprocess.DEVNULL)
