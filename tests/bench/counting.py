"""Counts new rows of the ledger, without reading the old ones."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import NamedTuple, Self, TypeAlias

import asyncpg

from deploy.local.postgres import SUPERUSER
from deploy.local.stack import Stack

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"
Count = Callable[[], Awaitable[int]]

_TALLIED = "select coalesce(sum(many), 0)::bigint from tallied where counted = $1 and status = $2"
_PAGES_BEFORE = 512
"""Pages before the end of a table in which Postgres may still put new rows."""
_QUICKEST, _SLOWEST = 0.02, 0.5
_PATIENCE = 60.0


class StalledError(Exception):
    """No progress for a minute: look at the logs of the run."""


_MONTH = (
    "select 'entry_' || to_char(month, 'YYYY_MM') from entry_month where now() >= since and now() < until"
)
"""The partition into which entries are written."""


class Reached(NamedTuple):
    """The time (`time.perf_counter`) at which a count reached its target, and the count."""

    at: float
    done: int


class Tally:
    """Counts the rows that a table has gained since it began."""

    def __init__(self, ledger: Connection, query: str, before: int) -> None:
        self._ledger, self._query, self._before = ledger, query, before

    @classmethod
    async def begin(cls, ledger: Connection, table: str, condition: str = "true") -> Self:
        """Record the end of a table: new rows are appended there, and only those pages are read.

        Args:
            ledger: a superuser's connection.
            table: an append-only one: `entry`, `inbox`.
            condition: SQL that selects the rows to count.
        """
        table = await ledger.fetchval(_MONTH) if table == "entry" else table
        pages = await ledger.fetchval(f"select pg_relation_size('{table}') / 8192")
        first = max(0, pages - _PAGES_BEFORE)
        query = f"select count(*) from {table} where ctid >= '({first},0)'::tid and {condition}"  # noqa: S608
        return cls(ledger, query, await ledger.fetchval(query))

    async def __call__(self) -> int:
        """Return the current number of new rows."""
        return int(await self._ledger.fetchval(self._query)) - self._before


class Gained:
    """Counts, from the ledger's own counters, accounts or deliveries that reached a status since it began."""

    def __init__(self, ledger: Connection, what: str, status: str, before: int) -> None:
        self._ledger, self._what, self._status, self._before = ledger, what, status, before

    @classmethod
    async def begin(cls, ledger: Connection, what: str, status: str) -> Self:
        """Record the initial count of `account` or `delivery`."""
        return cls(ledger, what, status, await ledger.fetchval(_TALLIED, what, status))

    async def __call__(self) -> int:
        """Return how many have reached it since."""
        return int(await self._ledger.fetchval(_TALLIED, self._what, self._status)) - self._before


class Books:
    """A superuser's connection to the stack's current ledger."""

    def __init__(self, stack: Stack) -> None:
        self._dsn = stack.postgres.dsn(SUPERUSER, stack.database)

    async def __aenter__(self) -> Self:
        self.ledger: Connection = await asyncpg.connect(self._dsn)
        return self

    async def __aexit__(
        self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None
    ) -> None:
        await self.ledger.close()

    async def written(self) -> int:
        """Return how many bytes of WAL the server has written since it was made."""
        return int(await self.ledger.fetchval("select pg_current_wal_insert_lsn() - '0/0'"))

    async def tally(self, table: str, condition: str = "true") -> Tally:
        """Begin to count a table."""
        return await Tally.begin(self.ledger, table, condition)

    async def issued(self) -> Gained:
        """Begin to count issued PINs that are not activated yet."""
        return await Gained.begin(self.ledger, "account", "issued")

    async def sent(self) -> Gained:
        """Begin to count deliveries recorded as sent."""
        return await Gained.begin(self.ledger, "delivery", "sent")


async def reach(number: int, count: Count, what: str) -> Reached:
    """Wait until a count reaches a number; polls more often the nearer it is.

    Raises:
        StalledError: it did not move for a minute.
    """
    began, moved_at, before = time.perf_counter(), time.perf_counter(), -1
    while (done := await count()) < number:
        now = time.perf_counter()
        if done != before:
            before, moved_at = done, now
        if now - moved_at > _PATIENCE:
            raise StalledError(f"{what}: nothing recorded for {_PATIENCE:g} s, at {done} of {number}")
        left = (number - done) * (now - began) / done if done else 0
        await asyncio.sleep(min(_SLOWEST, max(_QUICKEST, left / 4)))
    return Reached(time.perf_counter(), done)
