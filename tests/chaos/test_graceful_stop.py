"""SIGTERM under load: a worker ends within 10 s, loses nothing, and sends nothing twice."""

import asyncio
import os
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import asyncpg
import pytest
import pytest_asyncio

from deploy.local.postgres import SUPERUSER
from deploy.local.stack import Stack
from tests.chaos.scenarios import receipt
from tests.kit.evidence import Evidence
from tests.kit.harness import MAIN_WAY, Harness, fresh_harness
from tests.kit.invariants import ALL
from tests.kit.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="module")

WORKERS = (*MAIN_WAY, "issuer-access", "notifier-receipts")
SETTINGS = {"PIN_BATCH": "10", "PIN_BUNDLE_SIZE": "5", "PIN_BUNDLES": "1", "PIN_BLIND_REPLY_AFTER": "PT0.02S"}
"""Small batches, so that a worker is always in the middle of something."""
REQUESTS = 30
STOP_LIMIT = 10.0


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def harness(servers: Stack) -> AsyncIterator[Harness]:
    """A harness whose workers take small batches."""
    async with fresh_harness(servers, "graceful_stop", SETTINGS, kinds=("plain", "pec")) as harness:
        harness.start(WORKERS)
        await harness.settle_in(issued=10, active=10)
        yield harness


def nothing_is_repeated(found: Evidence) -> None:
    """One copy of every delivery and of every event, and one reply to every message."""
    repeated = [id_ for id_, copies in found.copies.items() if len(copies) > 1]
    assert not repeated, f"sent twice: {repeated[:5]} of {len(repeated)}"
    twice = [id_ for id_, copies in Counter(event.id for event in found.events).items() if copies > 1]
    assert not twice, f"told twice: {twice[:5]} of {len(twice)}"
    assert all(len(found.replies[asked.message_id]) == asked.answered for asked in found.asked)


async def load(harness: Harness) -> None:
    """Publish messages for every worker."""
    everybody = [*harness.issued, *harness.active]
    await asyncio.gather(
        *(harness.say("pin.request", person.body) for person in harness.newcomers(REQUESTS)),
        *(harness.say("pin.verify", harness.log_in(person)) for person in harness.active for _ in range(3)),
        *(
            harness.say("delivery.receipt", receipt(person.carriers["sms"]), by=harness.gateway)
            for person in everybody
        ),
    )


@pytest.mark.parametrize("worker", WORKERS)
async def test_a_stopped_worker_finishes_what_it_began(harness: Harness, worker: str) -> None:
    """It exits with 0 in time; after a restart it handles the remaining messages."""
    process, worker_log = harness.stack.workers[worker], harness.stack.workers[worker].program.log
    before = worker_log.stat().st_size
    publishing = asyncio.create_task(load(harness))
    await until(lambda: b"message.handled" in worker_log.read_bytes()[before:], f"{worker} to be at work")
    asked_at = time.monotonic()
    process.ask_to_end()
    await until(lambda: not process.alive(), f"{worker} to end", limit=STOP_LIMIT)
    assert time.monotonic() - asked_at < STOP_LIMIT
    assert process._popen is not None
    assert process._popen.returncode == 0, process.tail()
    await publishing
    process.start()
    await harness.all_is_well((*ALL, nothing_is_repeated))


@asynccontextmanager
async def locked(stack: Stack) -> AsyncIterator[None]:
    """A statement of somebody else, such as a migration's, holds a table."""
    other = await asyncpg.connect(stack.postgres.dsn(SUPERUSER, stack.database))
    try:
        await other.execute("begin; lock table inbox")
        yield
    finally:
        await other.close()


@asynccontextmanager
async def without_standby(stack: Stack) -> AsyncIterator[None]:
    """Commits wait."""
    stack.postgres.sql("alter system set synchronous_standby_names = 'gone'")
    stack.postgres.sql("select pg_reload_conf()")
    try:
        yield
    finally:
        stack.postgres.wait_for_none()


@asynccontextmanager
async def frozen(stack: Stack) -> AsyncIterator[None]:
    """Postgres answers nothing, and its connections stay open."""
    found = stack.postgres.sql("select pid from pg_stat_activity where pid <> pg_backend_pid()").split()
    pids = [stack.postgres.process.pid, *map(int, found)]
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


@pytest.mark.parametrize("trouble", [locked, without_standby, frozen])
async def test_a_worker_that_waits_for_the_ledger_ends_in_time(
    harness: Harness, trouble: Callable[[Stack], AbstractAsyncContextManager[None]]
) -> None:
    """What it waits for is cut short; the message is handled once, by whoever comes next."""
    process = harness.stack.workers["issuer"]
    async with trouble(harness.stack):
        (person,) = harness.newcomers(1)
        await harness.say("pin.request", person.body)
        await asyncio.sleep(1)
        asked_at = time.monotonic()
        process.ask_to_end()
        await until(lambda: not process.alive(), "the issuer to end", limit=3 * STOP_LIMIT)
        took = time.monotonic() - asked_at
    assert process._popen is not None
    assert process._popen.returncode == 0, process.tail()
    process.start()
    await harness.all_is_well()
    assert took < STOP_LIMIT


async def test_a_worker_whose_broker_is_silent_ends_in_time(harness: Harness) -> None:
    """It has left its session by then, which ends by itself, and looks for another."""
    process, broker = harness.stack.workers["issuer"], harness.stack.rabbitmq.process
    broker.send(signal.SIGSTOP)
    try:
        await asyncio.sleep(7)
        asked_at = time.monotonic()
        process.ask_to_end()
        await until(lambda: not process.alive(), "the issuer to end", limit=3 * STOP_LIMIT)
        took = time.monotonic() - asked_at
    finally:
        broker.send(signal.SIGCONT)
    assert process._popen is not None
    assert process._popen.returncode == 0, process.tail()
    process.start()
    await harness.all_is_well()
    assert took < STOP_LIMIT


async def test_what_a_channel_is_sending_is_not_cut_short(harness: Harness) -> None:
    """A gateway that answers after the time of the stop has one SMS of each: the channel waits for it."""
    process, far_ends = harness.stack.workers["notifier-sms"], harness.stack.fake_providers
    far_ends.misbehave(sms={"mode": "slow", "seconds": 8.0})
    try:
        began = len(far_ends.sms())
        (person,) = harness.newcomers(1)
        await harness.say("pin.request", person.body)
        await until(lambda: len(far_ends.sms()) > began, "the gateway to have the SMS")
        process.ask_to_end()
        await until(lambda: not process.alive(), "the channel to end", limit=15)
    finally:
        far_ends.behave()
    assert process._popen is not None
    assert process._popen.returncode == 0, process.tail()
    process.start()
    nothing_is_repeated(await harness.all_is_well())
