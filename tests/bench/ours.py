"""The benchmark job, done by this project."""

from collections.abc import Mapping

from deploy.local.processes import Process
from deploy.local.stack import Stack
from tests.bench.counting import Books
from tests.bench.requests import Applicants, queue_up
from tests.bench.run_monitor import Run, watch
from tests.kit.servers import empty_queues

NAME = "pin-online"
CHANNELS = ("sms", "email", "post")
Layout = Mapping[str, int]
"""How many processes of each worker: of `issuer`, and of each of `CHANNELS`."""
LAYOUT: Layout = dict.fromkeys(("issuer", *CHANNELS), 1)


def servers_of(stack: Stack) -> dict[str, Process]:
    """Return the server processes used by the job."""
    return {
        "postgres": stack.postgres.process,
        "rabbitmq": stack.rabbitmq.process,
        "sinks": stack.fake_providers.process,
    }


def start_channels(stack: Stack, layout: Layout) -> None:
    """Start the notifier's channels, and wait until they consume."""
    for channel in CHANNELS:
        stack.start_worker(f"notifier-{channel}", copies=layout[channel])


def start_issuers(stack: Stack, layout: Layout) -> None:
    """Start the issuers."""
    stack.start_worker("issuer", copies=layout["issuer"], wait=False)


async def run(stack: Stack, applicants: Applicants, requests: int, layout: Layout = LAYOUT) -> Run:
    """Do the job once, on the stack's current ledger, and end its workers.

    The channels are ready before the issuer starts, as a peer's are when its first task is done.
    """
    await empty_queues(stack)
    await queue_up(stack.rabbitmq.url("portal"), applicants.take(requests))
    try:
        return await watched(stack, requests, layout)
    finally:
        stack.stop_workers()


async def watched(stack: Stack, requests: int, layout: Layout = LAYOUT) -> Run:
    """Start the workers for the queued requests, and monitor them through the job."""
    async with Books(stack) as books:
        counts = await books.issued(), await books.sent()
        others = set(stack.workers)
        start_channels(stack, layout)
        start_issuers(stack, layout)
        own = {name: process for name, process in stack.workers.items() if name not in others}
        return await watch(NAME, requests, counts, own, servers_of(stack))
