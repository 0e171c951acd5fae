"""Peak memory of every worker with a long queue of requests before them."""

from argparse import ArgumentParser, Namespace

from deploy.local.stack import Stack
from tests.bench import report
from tests.bench.counting import Books, reach
from tests.bench.figures import verdict
from tests.bench.measure import Told
from tests.bench.procfs import peak_memory, resident
from tests.bench.requests import Applicants, queue_up
from tests.bench.run_monitor import DELIVERIES
from tests.kit.servers import empty_queues

_TARGET = 120


def options(parser: ArgumentParser) -> None:
    """Add the options of this measure."""
    parser.add_argument("--waiting", type=int, default=200_000, help="requests in the queue at the start")
    parser.add_argument(
        "--drained", type=int, default=20_000, help="of them, delivered before memory is read"
    )


async def measure(stack: Stack, options: Namespace) -> Told:
    """Start all workers on a long queue, let them drain a part of it, and read their peak memory."""
    await empty_queues(stack)
    idle = _idle(stack)
    await queue_up(stack.rabbitmq.url("portal"), Applicants(seed=5).take(options.waiting))
    stack.use_new_database("memory")
    try:
        stack.start_workers()
        async with Books(stack) as books:
            delivered = await books.sent()
            await reach(DELIVERIES * options.drained, delivered, "memory")
        peaks = {name: peak_memory(process.pid) for name, process in stack.workers.items()}
    finally:
        stack.stop_workers()
        stack.drop_database()
        await empty_queues(stack)
    return _told(peaks, idle, options)


def _idle(stack: Stack) -> dict[str, float]:
    """Return the resident memory of each worker before its first message."""
    stack.start_workers()
    idle = {name: resident(process.pid) for name, process in stack.workers.items()}
    stack.stop_workers()
    return idle


def _told(peaks: dict[str, float], idle: dict[str, float], options: Namespace) -> Told:
    most = max(peaks.values())
    return Told(
        f"Peak memory, MB: {options.waiting} requests waiting, {options.drained} of them delivered",
        [
            report.parts(peaks, 0),
            f"before the first message: {report.parts(idle, 0)}",
            f"the most {most:.0f}, {verdict(most, _TARGET, at_least=False)}",
        ],
        {"waiting": options.waiting, "drained": options.drained, "peak_mb": peaks, "idle_mb": idle},
    )
