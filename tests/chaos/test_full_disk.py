"""The ledger's disk is full for longer than any message may be tried: nothing is parked, or sent, for it."""

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

import pytest
import pytest_asyncio

from deploy.local.stack import Stack
from tests.kit.harness import MAIN_WAY, QUICK, Harness, fresh_harness
from tests.kit.logs import WorkerLog
from tests.kit.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="module")
_FULL = """
create function no_space() returns trigger language plpgsql as
$$ begin raise exception 'no space' using errcode = '53100'; end $$;
create trigger no_space before insert on inbox execute function no_space();
"""
_SPACE = "drop trigger no_space on inbox; drop function no_space();"
_FULL_FOR_CHANNELS = _FULL.replace("on inbox", "on inbox for each row when (session_user = 'notifier')")
_FULL_FOR_RELAY = _FULL.replace("before insert on inbox", "before delete on outbox")
_ROUNDS = 12
"""More than a message alone may be tried, and than a try takes to be counted."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def harness(servers: Stack) -> AsyncIterator[Harness]:
    async with fresh_harness(servers, "full_disk", QUICK, kinds=("plain",)) as harness:
        harness.start(MAIN_WAY)
        yield harness


@contextmanager
def _no_room(stack: Stack, full: str, space: str) -> Iterator[None]:
    """Fail what `full` says, and what a worker writes beside the tables to see whether there is room.

    It finds room last: before, it would begin to send what it still cannot write down.
    """
    stack.postgres.sql(full, stack.database)
    stack.postgres.sql(f"alter database {stack.database} set temp_file_limit = 0")
    try:
        yield
    finally:
        stack.postgres.sql(space, stack.database)
        stack.postgres.sql(f"alter database {stack.database} reset temp_file_limit")


async def test_a_message_is_not_blamed_for_a_full_disk(harness: Harness) -> None:
    """It comes again and again, alone; none of its tries counts as one that ended the process.

    Nor do those of its copies: each was published anew, and comes alone like the first.
    """
    stack = harness.stack
    log = WorkerLog(stack, "issuer")
    stack.postgres.sql(_FULL, stack.database)
    (person,) = harness.newcomers(1)
    message_id = await harness.say("pin.request", person.body)
    for _ in range(6):
        await harness.portal.publish("pin.request", person.body, message_id=message_id)

    def rounds() -> int:
        return sum("53100" in line["detail"] for line in log.lines("worker.waiting"))

    await until(lambda: rounds() >= _ROUNDS, "the worker to meet the full disk again and again", limit=60)
    assert int(stack.postgres.sql("select count(*) from suspect", stack.database)) == 1, "it was alone"
    stack.postgres.sql(_SPACE, stack.database)
    await harness.all_is_well()


async def test_a_channel_sends_nothing_of_which_it_can_make_no_record(harness: Harness) -> None:
    """What it sent before it knew comes again once; not again and again for as long as the disk is full."""
    stack = harness.stack
    log = WorkerLog(stack, "notifier-sms")
    (person,) = harness.newcomers(1)
    with _no_room(stack, _FULL_FOR_CHANNELS, _SPACE):
        await harness.say("pin.request", person.body)
        await until(lambda: len(log.lines("worker.waiting")) >= _ROUNDS, "the channel to wait", limit=60)
    found = await harness.all_is_well()
    assert max(len(copies) for copies in found.copies.values()) == 2


async def test_a_row_that_cannot_be_removed_is_not_published_again_and_again(harness: Harness) -> None:
    """Each copy would come to its channel, for as long as the disk is full.

    Two are made: one if the relay is the first to meet the full disk, and one when there is room again.
    """
    stack = harness.stack
    log, heard = WorkerLog(stack, "issuer"), WorkerLog(stack, "notifier-sms")
    (person,) = harness.newcomers(1)
    with _no_room(stack, _FULL_FOR_RELAY, _SPACE.replace("on inbox", "on outbox")):
        await harness.say("pin.request", person.body)
        await until(lambda: len(log.lines("worker.waiting")) >= _ROUNDS, "the issuer to wait", limit=60)
    await harness.all_is_well()
    assert [line["outcome"] for line in heard.lines("message.handled")].count("repeated") <= 2
