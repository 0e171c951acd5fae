"""RabbitMQ's CPU for an issuance with many requests waiting, against few."""

import asyncio
from argparse import ArgumentParser, Namespace
from collections.abc import Mapping, Sequence

from deploy.local.stack import Stack
from tests.bench import ours, report
from tests.bench.figures import Spread, verdict
from tests.bench.measure import Told
from tests.bench.procfs import cpu
from tests.bench.requests import Applicants, queue_up
from tests.bench.run_monitor import Run
from tests.kit.servers import empty_queues

_TARGET = 1.5
"""Times the CPU with the fewest waiting; the noise of a busy machine alone makes a third."""
_WINDOW, _QUIET, _LIMIT = 2.0, 0.05, 60.0
"""RabbitMQ has settled once it uses less of a core than this, over so many seconds; it has that long."""


def options(parser: ArgumentParser) -> None:
    """Add the options of this measure."""
    parser.add_argument(
        "--backlogs", type=int, nargs="+", default=[8_000, 200_000], help="requests waiting, the fewest first"
    )
    parser.add_argument(
        "--backlog-issued", type=int, default=6_000, help="of them, in a run: fewer than wait"
    )
    parser.add_argument("--backlog-runs", type=int, default=3, help="with each number waiting, in turn")


async def measure(stack: Stack, options: Namespace) -> Told:
    """Let the same number be issued from queues of several lengths in turn, each filled before."""
    applicants = Applicants(seed=9)
    runs: dict[int, list[Run]] = {waiting: [] for waiting in options.backlogs}
    for _ in range(options.backlog_runs):
        for waiting, found in runs.items():
            found.append(await _once(stack, applicants, waiting, options.backlog_issued))
            report.progress(
                f"{waiting:>9} waiting  RabbitMQ {found[-1].cpu_ms['rabbitmq']:.3f} ms of CPU each"
            )
    return told(runs, options.backlog_issued)


async def _once(stack: Stack, applicants: Applicants, waiting: int, issued: int) -> Run:
    await empty_queues(stack)
    await queue_up(stack.rabbitmq.url("portal"), applicants.take(waiting))
    await _settled(stack)
    stack.use_new_database("backlog")
    try:
        return await ours.watched(stack, issued)
    finally:
        stack.stop_workers()
        stack.drop_database()
        await empty_queues(stack)


async def _settled(stack: Stack) -> None:
    """Wait until RabbitMQ has written away what was published: that is no cost of issuing."""
    pids = {"rabbitmq": stack.rabbitmq.process.pid}
    for _ in range(round(_LIMIT / _WINDOW)):
        before = cpu(pids)["rabbitmq"]
        await asyncio.sleep(_WINDOW)
        if cpu(pids)["rabbitmq"] - before < _QUIET * _WINDOW:
            return


def told(runs: Mapping[int, Sequence[Run]], issued: int) -> Told:
    """Return what was measured, compared with the fewest waiting."""
    spent = {waiting: Spread.of([run.cpu_ms["rabbitmq"] for run in found]) for waiting, found in runs.items()}
    few, *many = spent
    lines = [f"{waiting:>9} waiting  {spread.told('ms of CPU each', 3)}" for waiting, spread in spent.items()]
    ratios = {waiting: spent[waiting].median / spent[few].median for waiting in many}
    lines += [
        f"with {waiting} waiting {ratio:.2f} times that with {few}; {verdict(ratio, _TARGET, at_least=False)}"
        for waiting, ratio in ratios.items()
    ]
    return Told(
        f"RabbitMQ's CPU an issuance, {issued} issued while more wait",
        lines,
        {
            "issued": issued,
            "waiting": {str(waiting): spread.as_json() for waiting, spread in spent.items()},
            "ratios": {str(waiting): ratio for waiting, ratio in ratios.items()},
        },
    )
