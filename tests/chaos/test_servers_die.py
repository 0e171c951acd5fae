"""RabbitMQ, Postgres or both are killed under load and restarted: nothing is lost."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from deploy.local.stack import Stack
from tests.kit.harness import MAIN_WAY, QUICK, Harness, fresh_harness
from tests.kit.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="module")

PACE = 0.03
"""Seconds between two requests: the load goes on for as long as the servers are away."""
BEFORE = 60
"""Requests before the servers die."""
WORKERS = (*MAIN_WAY, "issuer-access")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def harness(servers: Stack) -> AsyncIterator[Harness]:
    """A harness whose clients keep their queues when the broker dies."""
    async with fresh_harness(servers, "servers_die", QUICK, kinds=("plain",), lasting="chaos") as harness:
        harness.start(WORKERS)
        await harness.settle_in(issued=0, active=3)
        yield harness


class Load:
    """Citizens who request PINs and log in, one after the other, until stopped."""

    def __init__(self, harness: Harness) -> None:
        self._harness = harness
        self.confirmed = 0
        self.enough = asyncio.Event()

    async def run(self) -> None:
        """Publish with confirms throughout; unconfirmed messages are published again."""
        while not self.enough.is_set():
            (person,) = self._harness.newcomers(1)
            await self._harness.say_surely("pin.request", person.body)
            await self._harness.say_surely("pin.verify", self._harness.log_in(self._harness.active[0]))
            self.confirmed += 1
            await asyncio.sleep(PACE)


def die(stack: Stack, which: str) -> None:
    if which in {"rabbitmq", "both"}:
        stack.rabbitmq.kill()
    if which in {"postgres", "both"}:
        stack.postgres.kill()


def come_back(stack: Stack, which: str) -> None:
    if which in {"rabbitmq", "both"}:
        stack.rabbitmq.start()
    if which in {"postgres", "both"}:
        stack.postgres.start()


@pytest.mark.parametrize("which", ["rabbitmq", "postgres", "both"])
async def test_a_killed_server_costs_no_message_and_no_worker(harness: Harness, which: str) -> None:
    """Workers wait, report that they are not ready meanwhile, and resume where they were."""
    stack = harness.stack
    processes = {name: stack.workers[name].pid for name in WORKERS}
    load = Load(harness)
    running = asyncio.create_task(load.run())
    await until(lambda: load.confirmed >= BEFORE, "a load")
    die(stack, which)
    await until(lambda: not any(stack.ready(name) for name in WORKERS), "no worker to be ready")
    await asyncio.to_thread(come_back, stack, which)
    await until(lambda: all(stack.ready(name) for name in WORKERS), "every worker to be ready again")
    confirmed = load.confirmed
    await until(lambda: load.confirmed > confirmed + BEFORE // 2, "the load to go on")
    load.enough.set()
    await running
    await harness.all_is_well(limit=120)
    assert {name: stack.workers[name].pid for name in WORKERS} == processes
    assert all(stack.workers[name].alive() for name in WORKERS)
