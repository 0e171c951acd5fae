"""The query plan of each statement, on a ledger with citizens."""

import json
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from deploy.local.postgres import SUPERUSER
from deploy.local.stack import Stack
from deploy.pinctl.status import MOST_DUE
from shared.italy.dates import ROME
from shared.ledger import QUERIES
from shared.worker.housekeeping import ROWS
from tests.bench.many_citizens import rows

CITIZENS = 30_000
DATABASE = "filled"
GROWING = {
    *("subject", "account", "ended", "entry", "sealed_head", "delivery", "inbox", "outbox"),
    *("sent_to", "lookup", "letter", "log_in"),
    "tally_change",
}
"""Tables that get a row for whatever happens. The sums of the tally and the open attempts do not grow."""
LETTERS = """
insert into print_day (day, letters) select current_date - one, 300 from generate_series(0, 99) as one;
insert into print_job (id, day, region, sequence, letters, digest, state, handed_at)
select to_char(day, 'YYYYMMDD') || '-LAZIO-1', day, 'LAZIO', 1, 300, sha256(''), 'handed', now()
from print_day;
insert into letter (delivery, subject, region, day, state, job, place, printings, digest, key_id, kept_at)
select gen_random_uuid(), substring(sha256(day::text::bytea) for 16), 'LAZIO', day,
       case when day > current_date - 3 then 'handed' else 'posted' end, id, place, 1, sha256(''), '', day
from print_job, generate_series(1, 300) as place;
insert into letter (delivery, subject, region, day, digest, key_id, bundle_key, seal)
select gen_random_uuid(), substring(sha256('') for 16), 'LAZIO', current_date, sha256(''), '', '', ''
from generate_series(1, 300);
"""
"""A hundred days of letters: those of three that the shop says nothing of yet, and some that wait."""
FEW = 12
"""Buffers that a look at an index takes, with room to spare."""
WORKERS = ("issuer", "notifier", "revoker", "dispositivo")
NOW = datetime.now(UTC)
PARTITION = f"entry_{NOW + timedelta(days=2):%Y_%m}"
"""Where all entries are: the first month of a ledger that is made now lasts for two days at least."""
MONTH = timedelta(days=30)
BATCH = 200


@dataclass(frozen=True)
class Loop:
    """A statement that runs once per batch, sweep or message.

    Attributes:
        role: a role that runs it.
        reads: the name of the sample passed as its search value.
        more: its further parameters.
    """

    role: str = "issuer"
    reads: str = ""
    more: tuple[Any, ...] = ()


class Look:
    """An operator's query that must be fast."""


class Act:
    """A statement that runs once for each message that an operator of the system replays or drops."""


class Whole:
    """A statement that reads whole tables, on purpose."""


STATEMENTS: dict[str, Loop | Look | Act | Whole] = {
    "accounts_to_seal": Loop(more=(b"", [b"\x01abcd"], 200)),
    "add_entries": Loop(),
    "add_inbox": Loop(),
    "add_canary": Loop("notifier"),
    "add_outbox": Loop(),
    "add_print_jobs": Loop("notifier"),
    "add_sent_to": Loop(),
    "add_subjects": Loop(),
    "audit_accounts": Whole(),
    "audit_entries": Whole(),
    "audit_sealed_heads": Whole(),
    "audit_subjects": Whole(),
    "await_copies": Loop(),
    "carry_heads": Whole(),
    "checkpoint_heads": Whole(),
    "close_attempts": Loop(),
    "close_month": Act(),
    "clear_outbox": Loop(reads="parcels"),
    "close_print_day": Loop("notifier"),
    "count_lookups": Loop("dispositivo"),
    "count_sent_to": Loop(reads="places", more=(NOW.astimezone(ROME).date(),)),
    "count_waiting_letters": Loop("notifier", more=(NOW.date(),)),
    "count_try": Loop(),
    "drop_month": Act(),
    "draw_protocols": Loop("dispositivo", more=(3,)),
    "ended_before": Loop(more=(MONTH, datetime(1970, 1, 1, tzinfo=UTC), b"", 50)),
    "entry_months": Look(),
    "differing_letters": Loop("notifier"),
    "expire_letters": Loop("notifier", more=(MONTH, ROWS)),
    "fail_letters": Loop("notifier", reads="letters"),
    "fold_tally": Loop(more=(ROWS,)),
    "find_room": Loop("notifier"),
    "find_references": Loop("notifier", reads="references"),
    "forgive_tries": Loop(),
    "forget_attempts": Loop(more=(timedelta(hours=1), datetime(1970, 1, 1, tzinfo=UTC), ROWS)),
    "forget_canaries": Loop("notifier", more=(MONTH, datetime(1970, 1, 1, tzinfo=UTC), ROWS)),
    "forget_deliveries": Loop("notifier", more=(MONTH, datetime(1970, 1, 1, tzinfo=UTC), ROWS)),
    "forget_ended": Loop(reads="keys", more=(MONTH,)),
    "forget_inbox": Loop(more=(MONTH, datetime(1970, 1, 1, tzinfo=UTC), ROWS)),
    "forget_letters": Loop("notifier", more=(MONTH, datetime(1970, 1, 1, tzinfo=UTC), ROWS)),
    "forget_nobodies": Loop(more=(MONTH, datetime(1970, 1, 1, tzinfo=UTC), ROWS)),
    "forget_lookups": Loop(more=(timedelta(days=1), datetime(1970, 1, 1, tzinfo=UTC), ROWS)),
    "forget_sent_to": Loop(more=(timedelta(days=1), datetime(1970, 1, 1, tzinfo=UTC), ROWS)),
    "forget_suspects": Loop(more=(MONTH, datetime(1970, 1, 1, tzinfo=UTC), ROWS)),
    "keep_letters": Loop("notifier"),
    "keys_bundles": Whole(),
    "keys_peppers": Whole(),
    "keys_sealed": Whole(),
    "late_jobs": Loop("notifier", more=(timedelta(hours=1),)),
    "lead_print_shop": Loop("notifier"),
    "letters_of_job": Loop("notifier", more=("20261127-LAZIO-1",)),
    "letters_told": Loop("notifier"),
    "list_print_jobs": Look(),
    "list_waiting_letters": Look(),
    "lock_subjects": Loop(reads="keys"),
    "make_months": Loop(),
    "month_entries": Whole(),
    "move_canary": Loop("notifier"),
    "unaccepted_deliveries": Loop(
        "notifier", more=(timedelta(hours=24), datetime(1970, 1, 1, tzinfo=UTC), 100, UUID(int=0))
    ),
    "move_letters": Loop("notifier"),
    "next_print_job": Loop("notifier"),
    "note_unreadable": Loop(),
    "open_attempts": Loop(),
    "open_canaries": Loop("notifier"),
    "postpone_outbox": Loop(reads="parcels", more=(timedelta(seconds=1),)),
    "release_outbox": Loop(reads="parcels"),
    "postpone_print_jobs": Loop("notifier"),
    "print_day_closed": Loop("notifier"),
    "print_job_handed": Loop("notifier", more=("20261127-LAZIO-1",)),
    "print_jobs_closed": Loop("notifier"),
    "put_letters_in_jobs": Loop("notifier"),
    "read_accounts": Loop(reads="keys"),
    "read_attempts": Loop(reads="keys"),
    "read_deliveries": Loop("notifier", reads="deliveries"),
    "read_inbox": Loop(reads="messages"),
    "read_log_ins": Loop(reads="keys"),
    "review_queue": Loop("dispositivo", more=(50,)),
    "save_accounts": Loop(),
    "save_deliveries": Loop("notifier"),
    "save_log_ins": Loop(),
    "seal_turn": Loop(),
    "still_ended": Loop(reads="keys", more=(MONTH,)),
    "status_accounts": Look(),
    "status_deliveries": Look(),
    "status_months": Look(),
    "status_outbox": Look(),
    "status_unreadable": Look(),
    "strike_unreadable": Loop(reads="keys"),
    "take_due": Loop(more=(50,)),
    "timeline": Loop("notifier", more=("of-a-test", 400)),
    "trace_archived": Look(),
    "take_print_turn": Loop("notifier"),
    "trace_correlated": Look(),
    "trace_deliveries": Look(),
    "trace_inbox": Look(),
    "trace_life": Look(),
    "trace_log_ins": Look(),
    "trace_outbox": Look(),
    "unanswered_jobs": Loop("notifier", more=(timedelta(days=5),)),
    "use_disk": Loop("notifier"),
    "waiting_letters": Loop("notifier", more=(NOW.date(), 20_000)),
    "yield_print_shop": Loop("notifier"),
}
"""Every query of the project, and how often it runs."""
LOOPS = [name for name, kind in STATEMENTS.items() if isinstance(kind, Loop)]
LOOKS = [name for name, kind in STATEMENTS.items() if isinstance(kind, Look)]
SAMPLES = {
    "keys": "select key from subject order by md5(key) limit $1",
    "messages": "select message_id from inbox order by md5(message_id::text) limit $1",
    "letters": "select delivery from letter order by md5(delivery::text) limit $1",
    "deliveries": "select id from delivery order by md5(id::text) limit $1",
    "references": "select reference from delivery order by md5(id::text) limit $1",
    "places": "select place from sent_to order by md5(place) limit $1",
    "parcels": "select id from outbox where worker = 'issuer' order by md5(id::text) limit $1",
}


@pytest.fixture(scope="module")
def ledger(servers: Stack) -> Iterator[Stack]:
    """The servers, with a ledger of many PINs and many rows due later."""
    servers.postgres.clone(DATABASE)
    servers.postgres.sql(rows(CITIZENS), DATABASE)
    servers.postgres.sql(
        "insert into sealed_head select key, 1, head, null, null, true, false from subject", DATABASE
    )
    servers.postgres.sql(LETTERS, DATABASE)
    servers.postgres.sql("vacuum analyze", DATABASE)
    yield servers
    servers.postgres.drop(DATABASE)


@asynccontextmanager
async def connected(stack: Stack, role: str) -> AsyncIterator[Any]:
    """Yield a role's connection with a worker's settings; its transaction is rolled back."""
    connection = await asyncpg.connect(stack.postgres.dsn(role, DATABASE), server_settings={"jit": "off"})
    try:
        transaction = connection.transaction()
        await transaction.start()
        yield connection
        await transaction.rollback()
    finally:
        await connection.close()


async def generic_plan(connection: Any, query: str, types: str = "") -> dict[str, Any]:  # noqa: ANN401
    """Return the generic plan of a prepared statement, independent of its parameters."""
    await connection.execute(
        f"set local plan_cache_mode = force_generic_plan; prepare looped{types} as {query}"
    )
    number = len(set(re.findall(r"\$\d+", query)))
    given = f"({', '.join(['null'] * number)})" if number else ""
    found = await connection.fetchval(f"explain (format json) execute looped{given}")
    return dict(json.loads(found)[0]["Plan"])


async def custom_plan(connection: Any, query: str, *values: Any) -> dict[str, Any]:  # noqa: ANN401
    """Return the plan for these values."""
    found = await connection.fetchval(f"explain (format json) {query}", *values)
    return dict(json.loads(found)[0]["Plan"])


async def buffers(connection: Any, query: str, *values: Any) -> int:  # noqa: ANN401
    """Run a statement twice; return how many pages the second run read."""
    for _ in range(2):
        text = await connection.fetchval(f"explain (analyze, buffers, format json) {query}", *values)
    plan = json.loads(text)[0]["Plan"]
    return int(plan["Shared Hit Blocks"] + plan["Shared Read Blocks"])


def _whole(name: str) -> str:
    """Return the table that a month is a part of; months to come are empty, and read whole for that."""
    return "entry" if re.fullmatch(r"entry_\d{4}_\d\d", name) and name <= PARTITION else name


def scanned(plan: dict[str, Any]) -> set[str]:
    """Return the growing tables that a plan reads from end to end."""
    found = {_whole(plan["Relation Name"])} if plan["Node Type"].endswith("Seq Scan") else set()
    for part in plan.get("Plans", ()):
        found |= scanned(part)
    return found & GROWING


async def body_of(connection: Any, function: str) -> str:  # noqa: ANN401
    return str(await connection.fetchval("select prosrc from pg_proc where oid = $1::regprocedure", function))


def test_every_statement_says_how_often_it_runs() -> None:
    assert QUERIES.keys() == STATEMENTS.keys(), "a new query has to be entered into the table above"


@pytest.mark.parametrize("name", LOOPS)
async def test_what_runs_in_a_loop_reads_no_table_that_grows_from_end_to_end(
    ledger: Stack, name: str
) -> None:
    loop, query = STATEMENTS[name], QUERIES[name]
    assert isinstance(loop, Loop)
    async with connected(ledger, loop.role) as connection:
        assert scanned(await generic_plan(connection, query)) == set()
    values = list(loop.more)
    if loop.reads:
        async with connected(ledger, SUPERUSER) as connection:
            values.insert(0, [row[0] for row in await connection.fetch(SAMPLES[loop.reads], BATCH)])
    if values:
        async with connected(ledger, loop.role) as connection:
            assert scanned(await custom_plan(connection, query, *values)) == set()


@pytest.mark.parametrize("name", LOOKS)
async def test_an_operators_look_reads_no_table_that_grows_from_end_to_end(ledger: Stack, name: str) -> None:
    async with connected(ledger, "pinctl") as connection:
        assert scanned(await generic_plan(connection, QUERIES[name])) <= {"tally_change"}


async def test_what_a_function_does_for_a_worker_is_found_by_an_index_too(ledger: Stack) -> None:
    many = "insert into tally_change (counted, many) select 'outbox', 0 from generate_series(1, 5000)"
    async with connected(ledger, "owner") as connection:
        await connection.execute(many)
        body = await body_of(connection, "fold_tally(integer)")
        assert scanned(await generic_plan(connection, body, "(integer)")) == set()


async def test_what_a_function_does_for_an_operator_is_found_by_an_index_too(ledger: Stack) -> None:
    async with connected(ledger, "owner") as connection:
        body = await body_of(connection, "outbox_about(text[], timestamptz[])")
        assert scanned(await generic_plan(connection, body, "(text[], timestamptz[])")) <= {"tally_change"}


async def test_what_a_supervisor_is_told_is_found_by_an_index_too(ledger: Stack) -> None:
    async with connected(ledger, "owner") as connection:
        body = await body_of(connection, "timeline_of(text, integer)")
        assert scanned(await generic_plan(connection, body, "(text, integer)")) == set()


@pytest.mark.parametrize("role", WORKERS)
@pytest.mark.parametrize("mode", ["force_generic_plan", "force_custom_plan"])
async def test_a_sweep_that_finds_nothing_looks_at_the_end_of_the_index(
    ledger: Stack, role: str, mode: str
) -> None:
    async with connected(ledger, role) as connection:
        await connection.execute(f"set local plan_cache_mode = {mode}; prepare due as {QUERIES['take_due']}")
        assert await buffers(connection, "execute due(50)") <= FEW


async def test_a_sweep_stays_quick_beside_rows_that_came_and_went(ledger: Stack) -> None:
    """Deleted rows stay in the index until a vacuum: they are skipped, and only once."""
    rows = "select gen_random_uuid(), now() - interval '1 s', '\\x5b5d' from generate_series(1, 5000)"
    admin = await asyncpg.connect(ledger.postgres.dsn("issuer", DATABASE))
    try:
        await admin.execute(f"insert into outbox (id, due_at, parcel) {rows}")
        await admin.execute("delete from outbox where due_at < now()")
    finally:
        await admin.close()
    async with connected(ledger, "issuer") as connection:
        assert await buffers(connection, QUERIES["take_due"].replace("$1", "50")) <= 5 * FEW


async def test_the_oldest_messages_are_found_by_an_index_also_where_rows_took_the_place_of_others(
    ledger: Stack,
) -> None:
    values = (MONTH, datetime(1970, 1, 1, tzinfo=UTC), ROWS)
    ledger.postgres.sql("delete from inbox where at < now() - interval '30 days'; ", DATABASE)
    ledger.postgres.sql("vacuum inbox", DATABASE)
    ledger.postgres.sql(
        "insert into inbox (worker, message_id, digest, done, correlation_id, at)"
        " select worker, gen_random_uuid(), digest, true, correlation_id, now() from inbox limit 5000;"
        " analyze inbox",
        DATABASE,
    )
    async with connected(ledger, "issuer") as connection:
        assert scanned(await generic_plan(connection, QUERIES["forget_inbox"])) == set()
    async with connected(ledger, "issuer") as connection:
        assert await buffers(connection, QUERIES["forget_inbox"], *values) <= FEW


@pytest.mark.parametrize(
    ("name", "values"), [("status_accounts", ()), ("status_deliveries", ()), ("status_outbox", (MOST_DUE,))]
)
async def test_status_reads_what_was_counted_and_not_what_there_is(
    ledger: Stack, name: str, values: tuple[Any, ...]
) -> None:
    async with connected(ledger, "pinctl") as connection:
        assert await buffers(connection, QUERIES[name], *values) < CITIZENS / 200


async def test_a_trace_looks_into_the_rows_of_its_own_batches(ledger: Stack) -> None:
    async with connected(ledger, SUPERUSER) as connection:
        key, at = await connection.fetchrow("select subject, at from entry order by md5(subject) limit 1")
    async with connected(ledger, "pinctl") as connection:
        assert await buffers(connection, QUERIES["trace_outbox"], [key.hex()], [at]) < CITIZENS / 200


async def test_a_checkpoint_looks_only_at_the_entries_of_who_moved_since(ledger: Stack) -> None:
    async with connected(ledger, "pinctl") as connection:
        looked = await buffers(connection, QUERIES["checkpoint_heads"], NOW - timedelta(minutes=5))
    assert looked < CITIZENS, "less than one page a citizen"


async def test_who_ended_long_ago_and_deliveries_of_long_ago_are_found_by_an_index(ledger: Stack) -> None:
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    async with connected(ledger, "issuer") as connection:
        looked = await buffers(connection, QUERIES["ended_before"], timedelta(days=3650), epoch, b"", 50)
        assert looked <= FEW
    async with connected(ledger, "owner") as connection:
        body = await body_of(connection, "forget_deliveries(interval, timestamptz, integer)")
        types = "(interval, timestamptz, integer)"
        assert scanned(await generic_plan(connection, body, types)) == set()
