"""The ledger's standby is gone and commits wait: workers say so; what was in doubt is carried out once."""

import signal
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from deploy.local.stack import Stack
from tests.kit.harness import MAIN_WAY, QUICK, Harness, fresh_harness
from tests.kit.logs import WorkerLog
from tests.kit.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="module")
_WORKERS = ("issuer", "notifier-sms", "notifier-email", "notifier-post")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def harness(servers: Stack) -> AsyncIterator[Harness]:
    async with fresh_harness(servers, "standby_gone", QUICK, kinds=("plain",)) as harness:
        harness.start(MAIN_WAY)
        yield harness


@pytest.mark.parametrize("waits", _WORKERS)
async def test_a_commit_in_doubt_is_carried_out_once_when_the_standby_is_back(
    harness: Harness, waits: str
) -> None:
    """Each worker in turn is the one whose commit waits."""
    stack = harness.stack
    log = WorkerLog(stack, waits)
    people = harness.newcomers(5)
    harness.arm(waits, "decided SIGSTOP")
    for person in people:
        await harness.say("pin.request", person.body)
    process = await harness.frozen(waits)
    try:
        stack.postgres.sql("alter system set synchronous_standby_names = 'gone'")
        stack.postgres.sql("select pg_reload_conf()")
        process.send(signal.SIGCONT)
        await until(
            lambda: sum("not confirmed" in line["detail"] for line in log.lines("worker.waiting")) > 1,
            f"{waits} to say, again and again, what it waits for",
            limit=90,
        )
    finally:
        stack.postgres.wait_for_none()
    await harness.all_is_well()
