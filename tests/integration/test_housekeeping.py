"""Old inbox rows are purged as fast as they are added, without delaying messages."""

import asyncio
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from deploy.local.postgres import SUPERUSER
from deploy.local.stack import Stack
from deploy.local.waiting import wait_for
from shared.ledger import Ledger
from shared.ledger.chain import GENESIS, link
from shared.worker.housekeeping import ROWS, Housekeeping

MONTH = timedelta(days=30)
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
OLD = 50_000


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


async def test_a_running_worker_forgets_all_that_is_old(stack: Stack) -> None:
    filled(stack, OLD)
    stack.start_workers(["issuer"])
    await asyncio.to_thread(wait_for, lambda: left(stack) == 1_000, 60, "all that is old forgotten")
    assert left(stack, "suspect") == 10


async def test_it_is_done_in_as_many_steps_as_there_is_to_forget(stack: Stack) -> None:
    filled(stack, 20 * ROWS + 1)
    ledger = await opened(stack)
    clock = 0.0
    housekeeping = Housekeeping(MONTH, clock=lambda: clock)
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
    housekeeping = Housekeeping(MONTH, clock=lambda: float(next(ticks)))
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


NOBODIES = """
insert into subject select decode(md5(n::text), 'hex'), 0, decode(repeat('00', 32), 'hex')
from generate_series(1, {old}) as n;
insert into account (subject, version, status, schema, state) select key, 1, 'none', 1, '' from subject;
update nobody set at = now() - interval '31 days';
"""
QUIET = timedelta(days=30)


def nobodies(stack: Stack, old: int) -> None:
    """Insert citizens of whom there are guesses of long ago, and nothing else."""
    stack.postgres.sql(NOBODIES.format(old=old), stack.database)


async def forget(ledger: Ledger) -> int:
    ((rows, _),) = await ledger.rows("forget_nobodies", QUIET, LONG_AGO, ROWS)
    return int(rows)


async def test_guesses_at_nobody_of_long_ago_are_forgotten_with_their_rows(stack: Stack) -> None:
    nobodies(stack, 3)
    stack.postgres.sql("update nobody set at = now() where subject = decode(md5('1'), 'hex')", stack.database)
    ledger = await opened(stack)
    assert await forget(ledger) == 2
    assert [left(stack, table) for table in ("account", "subject", "nobody")] == [1, 1, 1]
    await ledger.close()


async def test_they_are_forgotten_in_steps_and_a_worker_does_so(stack: Stack) -> None:
    nobodies(stack, 2 * ROWS + 1)
    stack.start_workers(["issuer-access"])
    gone = lambda: left(stack, "account") + left(stack, "subject") + left(stack, "nobody") == 0  # noqa: E731
    await asyncio.to_thread(wait_for, gone, 30, "all guesses at nobody forgotten")


async def test_who_has_an_entry_is_somebody_and_stays(stack: Stack) -> None:
    """Such as one whose call an operator of the contact centre took, and found no PIN."""
    nobodies(stack, 2)
    entered = "subject set entries = 1 where key = decode(md5('1'), 'hex')"
    stack.postgres.sql(f"update {entered}", stack.database)
    ledger = await opened(stack)
    assert await forget(ledger) == 2
    assert [left(stack, table) for table in ("account", "subject", "nobody")] == [1, 1, 0]
    assert await forget(ledger) == 0
    await ledger.close()


async def test_a_citizen_who_is_known_is_not_a_nobody(stack: Stack) -> None:
    """A health card known, or a PIN: the accounts that are looked through are the nobodies alone."""
    known = """
    insert into subject values ('\\x01010101010101010101010101010101', 1, decode(repeat('00', 32), 'hex'));
    insert into account (subject, version, status, schema, state) select key, 1, 'none', 1, '' from subject;
    insert into subject values ('\\x02020202020202020202020202020202', 0, decode(repeat('00', 32), 'hex'));
    insert into account (subject, version, status, schema, state)
    values ('\\x02020202020202020202020202020202', 1, 'issued', 1, '');
    """
    stack.postgres.sql(known, stack.database)
    assert left(stack, "nobody") == 0


async def test_a_nobody_whom_a_worker_holds_is_left_for_the_next_time(stack: Stack) -> None:
    nobodies(stack, 2)
    ledger, busy = await opened(stack), await opened(stack)
    key = bytes.fromhex(stack.postgres.sql("select min(encode(key, 'hex')) from subject", stack.database))
    async with busy.transaction():
        await busy.rows("lock_subjects", [key])
        await forget(ledger)
        assert left(stack, "account") == 1
        row = (key, 1, datetime.now(UTC), "account.changed", None, "tests", "", "{}")
        chained = (*row, None, link(GENESIS, *row, "issuer"))
        await busy.run("add_entries", *([value] for value in chained))
    await forget(ledger)
    assert [left(stack, table) for table in ("account", "subject")] == [1, 1]
    for connection in (ledger, busy):
        await connection.close()


async def test_a_worker_that_waits_for_a_nobody_finds_a_new_citizen(stack: Stack) -> None:
    nobodies(stack, 1)
    ledger, waiting = await opened(stack), await opened(stack)
    key = bytes.fromhex(stack.postgres.sql("select encode(key, 'hex') from subject", stack.database))
    async with ledger.transaction():
        await forget(ledger)
        locking = asyncio.create_task(waiting.rows("lock_subjects", [key]))
        await asyncio.to_thread(wait_for, lambda: blocked(stack), 10, "the worker to wait")
    assert list(await locking) == []
    assert await waiting.value("add_subjects", [key]) == 1
    for connection in (ledger, waiting):
        await connection.close()


def blocked(stack: Stack) -> bool:
    return bool(int(stack.postgres.sql("select count(*) from pg_locks where not granted", stack.database)))


async def test_only_the_issuer_may_forget_and_nobody_may_write_the_list(stack: Stack) -> None:
    for role in ("notifier", "revoker", "dispositivo", "pinctl"):
        other = await asyncpg.connect(stack.postgres.dsn(role, stack.database))
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await other.execute("select forget_nobodies(interval '1 day', '1970-01-01', 1000)")
        await other.close()
    for role in ("issuer", "notifier", "revoker", "dispositivo", "pinctl"):
        other = await asyncpg.connect(stack.postgres.dsn(role, stack.database))
        for statement in ("select from nobody", "delete from nobody", "update nobody set at = now()"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await other.execute(statement)
        await other.close()
