"""Old inbox rows are purged as fast as they are added, without delaying messages."""

import asyncio
import time
from datetime import UTC, datetime, timedelta

import asyncpg

from deploy.local.postgres import SUPERUSER
from deploy.local.stack import Stack
from deploy.local.waiting import wait_for
from shared.ledger import Ledger
from shared.worker.housekeeping import ROWS, Housekeeping

MONTH = timedelta(days=30)
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
OLD = 200_000


FILL = """
insert into inbox (worker, message_id, digest, done, answer, correlation_id, at)
select 'issuer', gen_random_uuid(), '\\x00'::bytea, true, 'accepted', 'c',
       now() - interval '31 days' - n * interval '10 ms'
from generate_series(1, {old}) as n
union all
select 'issuer', gen_random_uuid(), '\\x00', true, 'accepted', 'c', now() from generate_series(1, 1000);
insert into suspect (worker, message_id, tries, at)
select worker, message_id, 1, at from inbox where at < now() - interval '1 day' limit 3000;
insert into suspect (worker, message_id, tries, at)
select worker, message_id, 1, at from inbox where at > now() - interval '1 day' limit 10;
analyze;
"""


def filled(stack: Stack, old: int) -> None:
    """Insert old and recent messages into the inbox, and suspects."""
    stack.postgres.sql(FILL.format(old=old), stack.database)


def left(stack: Stack, table: str = "inbox") -> int:
    return int(stack.postgres.sql(f"select count(*) from {table}", stack.database))  # noqa: S608


async def opened(stack: Stack, role: str = "issuer") -> Ledger:
    return await Ledger.open(stack.postgres.dsn(role, stack.database), "housekeeping")


async def test_a_running_worker_forgets_faster_than_anybody_sends(stack: Stack) -> None:
    filled(stack, OLD)
    stack.start_workers(["issuer"])
    began = time.monotonic()
    await asyncio.to_thread(wait_for, lambda: left(stack) == 1_000, 30, "all that is old forgotten")
    assert OLD / (time.monotonic() - began) > 5_000, "messages a second"
    assert left(stack, "suspect") == 10


async def test_it_is_done_in_as_many_steps_as_there_is_to_forget(stack: Stack) -> None:
    filled(stack, 20 * ROWS + 1)
    ledger = await opened(stack)
    clock = 0.0
    housekeeping = Housekeeping(MONTH, lambda: clock)
    for _ in range(21):
        before = left(stack)
        await housekeeping.step(ledger)
        assert before - left(stack) <= ROWS, "no transaction is long"
    assert left(stack) == 1_000
    assert await housekeeping.step(ledger) > 1, "there is nothing more to do for now"
    await ledger.close()


async def test_what_a_full_step_took_is_left_to_the_others_several_times(stack: Stack) -> None:
    filled(stack, 3 * ROWS)
    ledger = await opened(stack)
    ticks = iter(range(100))
    housekeeping = Housekeeping(MONTH, lambda: float(next(ticks)))
    await housekeeping.step(ledger)
    forgetting, *_ = housekeeping._chores
    assert forgetting.due == 1 + 4 * 1
    await ledger.close()


async def test_one_process_forgets_at_a_time_and_the_others_do_not_wait(stack: Stack) -> None:
    filled(stack, 3 * ROWS)
    one, other = await opened(stack), await opened(stack)
    async with one.transaction():
        ((rows, last),) = await one.rows("forget_inbox", MONTH, LONG_AGO, ROWS)
        assert (rows, last is not None) == (ROWS, True)
        assert [tuple(row) for row in await other.rows("forget_inbox", MONTH, LONG_AGO, ROWS)] == [(0, None)]
    ((rows, _),) = await other.rows("forget_inbox", MONTH, LONG_AGO, ROWS)
    assert rows == ROWS
    for ledger in (one, other):
        await ledger.close()


async def test_a_worker_forgets_its_own_messages_and_no_others(stack: Stack) -> None:
    filled(stack, 3 * ROWS)
    other = await opened(stack, "notifier")
    assert [tuple(row) for row in await other.rows("forget_inbox", MONTH, LONG_AGO, ROWS)] == [(0, None)]
    assert [tuple(row) for row in await other.rows("forget_suspects", MONTH, LONG_AGO, ROWS)] == [(0, None)]
    await other.close()


async def test_a_message_that_is_being_handled_is_passed_over(stack: Stack) -> None:
    filled(stack, 10)
    ledger = await opened(stack)
    busy = await asyncpg.connect(stack.postgres.dsn(SUPERUSER, stack.database))
    async with busy.transaction():
        await busy.execute("select from inbox where at < now() - interval '30 days' limit 1 for update")
        ((rows, _),) = await ledger.rows("forget_inbox", MONTH, LONG_AGO, ROWS)
        assert rows == 9
    await busy.close()
    await ledger.close()
