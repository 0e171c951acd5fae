"""`python -m tests.cluster [FAULT…] [--runs N] [--rate R] [--seconds S] [--seed N]`: faults, measured.

Each run has a cluster of its own and ends when every invariant of the chaos suite holds. It prints a line;
at the end comes the table of `docs/reliability.md`.
"""

import argparse
import asyncio
import random
import sys
import time
from collections import defaultdict
from statistics import median

from deploy.local.cluster.stack import ClusterStack
from tests.cluster.faults import FAULTS
from tests.cluster.load import Measured, SteadyLoad
from tests.kit.harness import MAIN_WAY, harness_on
from tests.kit.servers import private_directory

BEFORE = 10.0
"""Seconds of load before the fault."""


async def under_load(
    stack: ClusterStack, fault: str, chance: random.Random, rate: float, seconds: float
) -> Measured:
    """Let a fault happen under a load that outlasts it; return what the load met.

    Args:
        stack: a cluster without workers.
        fault: its name in `FAULTS`.
        chance: from which is drawn what a fault leaves open.
        rate: requests a second.
        seconds: of load, at least.
    """
    async with harness_on(stack, kinds=("plain",), lasting="cluster") as harness:
        harness.start(MAIN_WAY)
        load = SteadyLoad(harness, rate)
        running = asyncio.create_task(load.run())
        began = time.monotonic()
        await asyncio.sleep(BEFORE)
        await FAULTS[fault](stack, chance)
        await asyncio.sleep(max(BEFORE, began + seconds - time.monotonic()))
        load.stop()
        await running
        await harness.all_is_well(limit=180)
        return load.measured()


def run(fault: str, seed: int, rate: float, seconds: float) -> Measured:
    """Run one fault on a cluster of its own."""
    with private_directory() as root:
        stack = ClusterStack(root)
        try:
            stack.start_servers()
            # Not cryptographic: the seed repeats a run.
            return asyncio.run(under_load(stack, fault, random.Random(seed), rate, seconds))  # noqa: S311
        finally:
            stack.kill()


def row(fault: str, runs: list[Measured]) -> str:
    """Return the row of the table: medians and the worst of all runs, in seconds."""
    gaps, late = [one.gap for one in runs], [one.wait(0.99) for one in runs]
    figures = (median(gaps), max(gaps), median(late), max(late))
    repeated = f"{sum(one.repeated for one in runs)} of {sum(one.requests for one in runs)}"
    return " | ".join(
        ["", FAULTS[fault].__doc__ or "", *(f"{one:.1f}" for one in figures), repeated, ""]
    ).strip()


def main() -> int:
    """Run the faults named on the command line, or all."""
    words = argparse.ArgumentParser(prog="python -m tests.cluster", description=__doc__)
    words.add_argument("faults", nargs="*", metavar="FAULT", help=", ".join(FAULTS))
    words.add_argument("--runs", type=int, default=5)
    words.add_argument("--rate", type=float, default=200.0, help="requests a second")
    words.add_argument("--seconds", type=float, default=60.0, help="of load, at least")
    words.add_argument("--seed", type=int, default=0, help="of what is drawn; by default the time")
    told = words.parse_args()
    if unknown := set(told.faults) - FAULTS.keys():
        words.error(f"no fault called {', '.join(sorted(unknown))}; there are {', '.join(FAULTS)}")
    seed = told.seed or int(time.time())
    found: defaultdict[str, list[Measured]] = defaultdict(list)
    for number in range(told.runs):
        for fault in told.faults or FAULTS:
            one = run(fault, seed + number, told.rate, told.seconds)
            found[fault].append(one)
            say(f"{fault} seed {seed + number}: {one}")
    for fault, runs in found.items():
        say(row(fault, runs))
    return 0


def say(text: str) -> None:
    """Print a line."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
