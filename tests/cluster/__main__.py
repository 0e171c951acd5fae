"""`python -m tests.cluster [FAULT…] [--runs N] [--rate R] [--seconds S] [--seed N]`: faults of a cluster, measured.

Each run has a cluster of its own and ends when every invariant of the chaos suite holds. It prints a line; at the
end comes the table of `docs/reliability.md`.
"""

import argparse
import asyncio
import random
import sys
import time
from collections import defaultdict

from deploy.local.cluster.stack import ClusterStack
from tests.cluster.faults import FAULTS
from tests.cluster.load import Measured, SteadyLoad
from tests.kit.harness import MAIN_WAY, harness_on
from tests.kit.servers import private_directory

_BEFORE = 10.0
"""Seconds of load before the fault."""


async def under_load(
    stack: ClusterStack, fault: str, chance: random.Random, rate: float, seconds: float
) -> Measured:
    """Let a fault happen under a load that lasts at least so long, and longer than the fault; return what it met."""
    async with harness_on(stack, kinds=("plain",), lasting="cluster") as harness:
        harness.start(MAIN_WAY)
        load = SteadyLoad(harness, rate)
        running = asyncio.create_task(load.run())
        began = time.monotonic()
        await asyncio.sleep(_BEFORE)
        await FAULTS[fault](stack, chance)
        await asyncio.sleep(max(_BEFORE, began + seconds - time.monotonic()))
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
            return asyncio.run(under_load(stack, fault, random.Random(seed), rate, seconds))
        finally:
            stack.kill()


def main() -> int:
    """Run the faults named on the command line, or all."""
    words = argparse.ArgumentParser(prog="python -m tests.cluster", description=__doc__)
    words.add_argument("faults", nargs="*", choices=[*FAULTS, []], metavar="FAULT", help=", ".join(FAULTS))
    words.add_argument("--runs", type=int, default=5)
    words.add_argument("--rate", type=float, default=200.0, help="requests a second")
    words.add_argument("--seconds", type=float, default=60.0, help="of load, at least")
    words.add_argument("--seed", type=int, default=0, help="of what is drawn; by default the time")
    told = words.parse_args()
    seed = told.seed or int(time.time())
    found: defaultdict[str, list[Measured]] = defaultdict(list)
    for number in range(told.runs):
        for fault in told.faults or FAULTS:
            one = run(fault, seed + number, told.rate, told.seconds)
            found[fault].append(one)
            print(
                f"{fault} seed {seed + number}: {one.requests} requests, gap {one.gap:.1f} s, first half within"
                f" {one.wait(0.5):.2f} s (half of them), {one.wait(0.99):.2f} s (99%), {one.waits[-1]:.1f} s (all);"
                f" {one.repeated} SMS repeated",
                flush=True,
            )
    return 0


if __name__ == "__main__":
    sys.exit(main())
