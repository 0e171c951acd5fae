"""Postgres as the workers see it: one connection, alive or lost. The only importer of asyncpg.

A query is a file in `queries/`, called by its name; the statements are prepared once per connection.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Self

import asyncpg
from asyncpg import exceptions as pg
from asyncpg.connect_utils import SessionAttribute

from shared.config import several_hosts
from shared.config.tls import loss_of
from shared.errors import LedgerConflictError, LedgerLostError, LedgerRefusedError

_FOLDER = Path(__file__).parent / "queries"
QUERIES = {path.stem: path.read_text(encoding="utf-8") for path in _FOLDER.glob("*.sql")}
"""Every query of the project, by name."""
_AT_ONCE = 1_000
"""Rows of a stream held at a time."""


_CONFLICTS = (
    pg.SerializationError,
    pg.DeadlockDetectedError,
    pg.UniqueViolationError,
    pg.LockNotAvailableError,
)
_REFUSALS = (
    pg.DataError,
    pg.IntegrityConstraintViolationError,
    pg.RaiseError,
    ValueError,
    OverflowError,
    TypeError,
)
_LOSSES = (
    OSError,
    TimeoutError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    # What asyncpg raises for a connection that broke during a statement.
    asyncpg.InternalClientError,
)


@asynccontextmanager
async def _faults() -> AsyncIterator[None]:
    try:
        yield
    except _CONFLICTS as error:
        raise LedgerConflictError(type(error).__name__) from None
    except _REFUSALS as error:
        raise LedgerRefusedError(type(error).__name__) from None
    except _LOSSES as error:
        raise _lost(error) from None


def _lost(error: Exception) -> LedgerLostError:
    return LedgerLostError(": ".join(filter(None, (loss_of(error), getattr(error, "sqlstate", "")))))


def _which(url: str) -> SessionAttribute | None:
    """Return which kind of server is looked for; None leaves it to the URL."""
    return None if "target_session_attrs" in url else SessionAttribute.read_write


class Ledger:
    """One connection to the ledger."""

    def __init__(self, connection: "asyncpg.Connection[asyncpg.Record]") -> None:
        self._connection = connection

    @classmethod
    async def open(
        cls, dsn: str, name: str, limit: float = 10.0, *, rest: float = 0.0, patience: float = 30.0
    ) -> Self:
        """Connect, within `limit` seconds, to the server that can be written to.

        Args:
            dsn: where Postgres is, and as whom. Of several hosts each has its share of the time, so that one
                that is frozen or cut off is passed by; `target_session_attrs` in it chooses another kind of
                server, such as a standby.
            name: by which Postgres shows the connection.
            limit: seconds.
            rest: seconds that a transaction may rest between two statements before Postgres ends the
                connection, and with it the transaction's locks; 0 is for ever. A process that is frozen in a
                transaction, or whose machine is gone, would else keep its citizens from every other.
            patience: seconds that a statement may take.

        Raises:
            LedgerLostError: no Postgres answers, it rejects the login, or a certificate is rejected.
        """
        held = {"idle_in_transaction_session_timeout": str(round(rest * 1000))} if rest else {}
        places = several_hosts.each(dsn)
        for place in places:
            try:
                connection = await asyncpg.connect(
                    place,
                    timeout=limit / len(places),
                    command_timeout=patience,
                    server_settings={"application_name": name, "jit": "off", **held},
                    target_session_attrs=_which(place),
                )
            except (*_LOSSES, ValueError) as error:  # a certificate that is not accepted is a ValueError, too
                loss = _lost(error)
            else:
                return cls(connection)
        raise loss

    @property
    def alive(self) -> bool:
        """Whether the connection is open, as far as is known."""
        return not self._connection.is_closed()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[None]:
        """Run the block in one transaction, committed at its end.

        Raises:
            LedgerLostError, LedgerConflictError, LedgerRefusedError: from the statements, or the commit.
        """
        async with _faults(), self._connection.transaction():
            yield

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[None]:
        """Run the block in a read-only transaction on one snapshot.

        Raises:
            LedgerLostError: the connection broke, or Postgres aborted the transaction.
        """
        async with _faults(), self._connection.transaction(isolation="repeatable_read", readonly=True):
            yield

    async def stream(self, query: str, *values: Any) -> AsyncIterator[Any]:  # noqa: ANN401 - what Postgres takes
        """Run a query within a transaction or snapshot and yield its rows, holding a thousand at a time."""
        async with _faults():
            cursor = await self._connection.cursor(QUERIES[query], *values)
            # A thousand at a time: asyncpg's own iterator takes 1.8 times the CPU per row.
            while rows := await cursor.fetch(_AT_ONCE):
                for row in rows:
                    yield row

    async def rows(self, query: str, *values: Any) -> Sequence[Any]:  # noqa: ANN401 - what Postgres takes
        """Run a query and return its rows."""
        async with _faults():
            return await self._connection.fetch(QUERIES[query], *values)

    async def value(self, query: str, *values: Any) -> Any:  # noqa: ANN401 - what Postgres gives
        """Run a query and return the first column of its first row, or None."""
        async with _faults():
            return await self._connection.fetchval(QUERIES[query], *values)

    async def run(self, query: str, *values: Any) -> int:  # noqa: ANN401 - what Postgres takes
        """Run a statement and return how many rows it wrote."""
        async with _faults():
            tag = await self._connection.execute(QUERIES[query], *values)
        return int(tag.rpartition(" ")[2])

    async def close(self) -> None:
        """Close within two seconds, even if Postgres does not answer."""
        with suppress(Exception):
            await self._connection.close(timeout=2)
