"""Makes a ledger old: its entries lie so many days back, and the months since then are there."""

# ruff: noqa: S608 - the names of partitions come from the ledger itself

from datetime import timedelta

import asyncpg

from deploy.local.postgres import SUPERUSER
from deploy.local.stack import Stack
from shared.ledger.chain import GENESIS, link

COLUMNS = "subject, seq, at, kind, message_id, actor, correlation_id, data, writer, account"


async def age(stack: Stack, days: int) -> list[str]:
    """Move every entry back, with the hashes and heads that follow; return the names of the months, in order.

    The month of the newest entry becomes the first, as if the ledger had been migrated then. No process may
    be at work. Each month that is made by it takes entries, as none is closed.
    """
    ledger = await asyncpg.connect(stack.postgres.dsn(SUPERUSER, stack.database))
    try:
        await ledger.execute("set session_replication_role = replica")
        await ledger.execute("set timezone = 'UTC'")
        rows = await ledger.fetch(f"select {COLUMNS} from entry order by subject, seq")
        await ledger.execute("create temp table moved (like entry including defaults)")
        await _shifted(ledger, rows, timedelta(days=days))
        await _cut(ledger)
        months = await ledger.fetch("select to_char(month, 'YYYY-MM') from entry_month order by until")
    finally:
        await ledger.close()
    return [row[0] for row in months]


async def _shifted(ledger: asyncpg.Connection, rows: list[asyncpg.Record], back: timedelta) -> None:
    heads: dict[bytes, bytes] = {}
    for row in rows:
        subject, seq, at, *what = row
        head = link(heads.get(subject, GENESIS), subject, seq, at - back, *what)
        heads[subject] = head
        await ledger.execute(
            f"insert into moved ({COLUMNS}, hash) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
            *(subject, seq, at - back, *what, head),
        )
    for subject, head in heads.items():
        await ledger.execute("update subject set head = $2 where key = $1", subject, head)


async def _cut(ledger: asyncpg.Connection) -> None:
    for (name,) in await ledger.fetch(
        "select to_char(month, 'YYYY_MM') from entry_month where retired_at is null"
    ):
        await ledger.execute(f"drop table entry_{name}")
    await ledger.execute(
        "delete from entry_month; delete from sealed_head;"
        " insert into entry_month (month, since, until)"
        " select date_trunc('month', max(at)), '-infinity', date_trunc('month', max(at)) + interval '1 month'"
        " from moved"
    )
    rows = await ledger.fetch("select to_char(month, 'YYYY_MM'), until::text from entry_month")
    ((first, until),) = rows
    await ledger.execute(
        f"create table entry_{first} (like entry including defaults including constraints);"
        f" alter table entry_{first} owner to owner, add primary key (subject, seq);"
        f" insert into entry_{first} select * from moved;"
        f" alter table entry attach partition entry_{first} for values from (minvalue) to ('{until}');"
        " select make_months()"
    )
