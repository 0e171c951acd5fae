"""Every role × every statement on every object of the ledger: allowed is what docs/ledger-rights.md lists."""

# ruff: noqa: S608 - the names of objects come from the ledger itself

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import asyncpg
import pytest

from deploy.local.postgres import DATABASE, SUPERUSER
from deploy.local.processes import CHECKOUT
from deploy.local.stack import Stack

DOCUMENT = CHECKOUT / "docs/ledger-rights.md"
ROLES = ("issuer", "revoker", "dispositivo", "notifier", "pinctl")
STRANGER = "stranger"
"""Any other role: what it may do, everybody may."""
_TABLES = {"r", "p"}
"""Partitions are tables, too: nobody has a right on one, and those made later are as those made first."""
_REFUSED = (asyncpg.InsufficientPrivilegeError,)
Connection = Any  # asyncpg's, which is generic for the type checker alone
Row = tuple[str, str, str, str]
"""Object, statement, columns, roles: as the table of the document has them."""


@dataclass(frozen=True)
class Relation:
    """A table, view or sequence, with its columns and their types."""

    name: str
    kind: str
    columns: tuple[tuple[str, str], ...]


RELATIONS = """
    select c.relname, c.relkind::text,
           array(select a.attname || ' ' || format_type(a.atttypid, a.atttypmod) from pg_attribute as a
                 where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped order by a.attnum)
    from pg_class as c
    where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'v', 'S', 'm', 'p', 'f') order by 1
"""
FUNCTIONS = """
    select p.oid::regprocedure::text,
           format('%I(%s)', p.proname, array_to_string(
               array(select 'null::' || format_type(t, null) from unnest(p.proargtypes) as t), ', '))
    from pg_proc as p where p.pronamespace = 'public'::regnamespace order by 1
"""


@asynccontextmanager
async def connected(stack: Stack, role: str) -> AsyncIterator[Connection]:
    """Yield a role's own session; the stranger's is borrowed, as nobody else may log in."""
    ledger = await asyncpg.connect(stack.postgres.dsn(SUPERUSER if role == STRANGER else role, DATABASE))
    try:
        if role == STRANGER:
            await ledger.execute(f"set role {STRANGER}")
        yield ledger
    finally:
        await ledger.close()


async def allowed(ledger: Connection, statement: str) -> bool:
    """Try a statement, and take it back; any other error than a missing right comes after the rights."""
    transaction = ledger.transaction()
    await transaction.start()
    try:
        await ledger.execute(statement)
    except _REFUSED:
        return False
    except asyncpg.PostgresError:
        return True
    finally:
        await transaction.rollback()
    return True


def on_columns(relation: Relation) -> Iterator[tuple[str, str, str]]:
    """Yield the statement on each column of a relation: its name, the column, the SQL."""
    name = relation.name
    for column, type_ in relation.columns:
        yield "select", column, f"select {column} from {name} limit 0"
        if relation.kind in _TABLES:
            yield (
                "insert",
                column,
                f"insert into {name} ({column}) overriding system value select null::{type_} where false",
            )
            yield "update", column, f"update {name} set {column} = default where false"


def on_whole(relation: Relation) -> Iterator[tuple[str, str]]:
    """Yield the statements that know no columns, with their SQL."""
    name = relation.name
    if relation.kind in _TABLES:
        yield "delete", f"delete from {name} where false"
        yield "truncate", f"truncate {name}"
        yield "lock", f"select from {name} limit 0 for update"
    if relation.kind == "S":
        yield "draw", f"select nextval('{name}')"
        yield "set", f"select setval('{name}', 1)"


async def tried(ledger: Connection, relations: Sequence[Relation]) -> dict[tuple[str, str], tuple[str, ...]]:
    """Return the columns of each object that each statement may touch; none for what knows no columns."""
    found: dict[tuple[str, str], tuple[str, ...]] = {}
    for relation in relations:
        for statement, column, sql in on_columns(relation):
            if await allowed(ledger, sql):
                found[relation.name, statement] = (*found.get((relation.name, statement), ()), column)
        for statement, sql in on_whole(relation):
            if await allowed(ledger, sql):
                found[relation.name, statement] = ()
    for signature, call in await ledger.fetch(FUNCTIONS):
        if await allowed(ledger, f"select {call}"):
            found[signature, "execute"] = ()
    if await allowed(ledger, "create table public.mine ()"):
        found["schema public", "create"] = ()
    if await allowed(ledger, "create temp table mine ()"):
        found["database", "create temporary tables"] = ()
    return found


async def everything(stack: Stack) -> tuple[set[Row], dict[str, set[tuple[str, str]]]]:
    """Return what all roles may do as rows of the document, and by role."""
    async with connected(stack, SUPERUSER) as admin:
        relations = [
            Relation(name, kind, tuple(tuple(column.split(" ", 1)) for column in columns))
            for name, kind, columns in await admin.fetch(RELATIONS)
        ]
    whole = {relation.name: tuple(name for name, _ in relation.columns) for relation in relations}
    grouped: dict[tuple[str, str, str], list[str]] = {}
    by_role: dict[str, set[tuple[str, str]]] = {}
    for role in (*ROLES, STRANGER):
        async with connected(stack, role) as ledger:
            found = await tried(ledger, relations)
        by_role[role] = set(found)
        for (name, statement), columns in found.items():
            shown = "all" if columns and columns == whole[name] else ", ".join(columns)
            grouped.setdefault((name, statement, shown), []).append(role)
    return {(*key, ", ".join(roles)) for key, roles in grouped.items()}, by_role


def documented() -> set[Row]:
    """Return the rows of the document's table."""
    rows = set()
    for line in DOCUMENT.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip().replace("`", "") for cell in line.strip("|").split("|")]
        if line.startswith("| `") and len(cells) == 5:
            rows.add((cells[0], cells[1], cells[2], cells[3]))
    return rows


@pytest.fixture
def strangers(servers: Stack) -> Iterator[Stack]:
    servers.postgres.sql(f"create role {STRANGER}")
    yield servers
    servers.postgres.sql(f"drop role {STRANGER}")


async def test_every_role_may_do_what_the_document_lists_and_nothing_else(strangers: Stack) -> None:
    found, by_role = await everything(strangers)
    assert by_role[STRANGER] == set(), "what a stranger may do, everybody may"
    listed = documented()
    assert found - listed == set(), "allowed, and not in docs/ledger-rights.md"
    assert listed - found == set(), "in docs/ledger-rights.md, and refused"


async def test_a_month_that_is_made_later_gives_nobody_a_right(stack: Stack) -> None:
    """Whoever has it made: it is the owner's."""
    latest = "select 'entry_' || to_char(max(month), 'YYYY_MM') from entry_month"
    name = stack.postgres.sql(latest, stack.database)
    stack.postgres.sql(
        f"drop table {name}; delete from entry_month where month = (select max(month) from entry_month)",
        stack.database,
    )
    ledger = await asyncpg.connect(stack.postgres.dsn("notifier", stack.database))
    assert await ledger.fetchval("select make_months()") == 1
    await ledger.close()
    may = "select, insert, update, delete, truncate, trigger, references"
    rights = (
        "select c.relname, r.rolname from pg_class as c cross join pg_roles as r"
        " where c.oid in (select inhrelid from pg_inherits where inhparent = 'entry'::regclass)"
        f" and not r.rolsuper and r.rolname !~ '^(pg_|owner$)'"
        f" and (has_table_privilege(r.oid, c.oid, '{may}')"
        " or has_any_column_privilege(r.oid, c.oid, 'select, insert, update'))"
    )
    assert stack.postgres.sql(rights, stack.database) == ""
    triggers = f"select tgname from pg_trigger where tgrelid = '{name}'::regclass order by tgname"
    found = stack.postgres.sql(triggers, stack.database).split()
    assert found == ["entry_is_append_only", "entry_is_chained", "letters_erased"]


async def test_no_role_is_more_than_a_login(servers: Stack) -> None:
    names = ", ".join(f"'{role}'" for role in (*ROLES, "owner"))
    more = servers.postgres.sql(
        f"select rolname from pg_roles where rolname in ({names}) and"
        " (rolsuper or rolcreaterole or rolcreatedb or rolreplication or rolbypassrls or not rolcanlogin);"
        f" select member::regrole from pg_auth_members where member::regrole::text in ({names})"
    )
    assert more == ""


async def test_nobody_else_may_connect(servers: Stack) -> None:
    may = servers.postgres.sql(
        f"select has_database_privilege('public', '{DATABASE}', 'connect, temporary, create')"
    )
    assert may == "f"


OTHERS = {
    "inbox": "insert into inbox (worker, message_id, digest, done, answer, correlation_id, at)"
    " values ('{}', gen_random_uuid(), '', true, 'accepted', 'c', now())",
    "suspect": "insert into suspect (worker, message_id, tries, at)"
    " values ('{}', gen_random_uuid(), 1, now())",
    "outbox": "insert into outbox (worker, id, due_at, parcel) values ('{}', gen_random_uuid(), now(), '')",
}
CHANGES = {"inbox": "done = false", "suspect": "tries = 9", "outbox": "due_at = now() + interval '1 year'"}


@pytest.mark.parametrize("role", ROLES[:4])
@pytest.mark.parametrize("table", OTHERS)
async def test_rows_of_another_worker_are_neither_seen_nor_changed(
    stack: Stack, role: str, table: str
) -> None:
    workers = ROLES[:4]
    stack.postgres.sql(";".join(OTHERS[table].format(worker) for worker in workers), stack.database)
    ledger = await asyncpg.connect(stack.postgres.dsn(role, stack.database))
    try:
        assert [row["worker"] for row in await ledger.fetch(f"select worker from {table}")] == [role]
        assert await ledger.execute(f"update {table} set {CHANGES[table]}") == "UPDATE 1"
        assert await ledger.execute(f"delete from {table}") == "DELETE 1"
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await ledger.execute(OTHERS[table].format(role))
    finally:
        await ledger.close()
    assert stack.postgres.sql(f"select count(*) from {table}", stack.database) == "3"
