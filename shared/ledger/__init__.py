"""Postgres as the workers see it: one connection, alive or lost. The only importer of asyncpg.

A query is a file in `queries/`, called by its name; the statements are prepared once per connection.
"""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import asyncpg
from asyncpg import exceptions as pg
from asyncpg.connect_utils import SessionAttribute
from asyncpg.transaction import Transaction

from shared.config import several_hosts
from shared.config.tls import loss_of
from shared.errors import LedgerConflictError, LedgerLostError, LedgerRefusedError

_FOLDER = Path(__file__).parent / "queries"
QUERIES = {path.stem: path.read_text(encoding="utf-8") for path in _FOLDER.glob("*.sql")}
"""Every query of the project, by name."""
_AT_ONCE = 1_000
"""Rows of a stream held at a time."""
_SILENT = 6
"""Seconds after which a connection ends whose machine answers nothing: it is off, or cut off."""
_APART = 0.5
"""Seconds between the tries of two hosts."""
_AGAIN = 1.0
"""Seconds after which a host is tried again that refused, such as a standby that may have been promoted."""
_ANSWERS = 2
"""Seconds in which a server that is alive ends what it was asked to end."""
_PROBED = 2
"""Seconds between two questions of the kernel whether a machine that sends nothing is there."""

_UNCONFIRMED = "commits are not confirmed: the standby is gone, or this primary was replaced"

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
    detail = ": ".join(filter(None, (loss_of(error), getattr(error, "sqlstate", ""))))
    return LedgerLostError(detail, blameless=isinstance(error, pg.DiskFullError))


def _which(url: str) -> SessionAttribute | None:
    """Return which kind of server is looked for; None leaves it to the URL."""
    return None if "target_session_attrs" in url else SessionAttribute.read_write


if TYPE_CHECKING:
    _Plain = asyncpg.Connection[asyncpg.Record]
else:
    _Plain = asyncpg.Connection


class _Connection(_Plain):
    """A connection that ends soon after its server's machine is gone; the kernel would wait for minutes."""

    __slots__ = ()

    def __init__(self, protocol: Any, transport: asyncio.Transport, *others: Any) -> None:  # noqa: ANN401 - asyncpg's own
        super().__init__(protocol, transport, *others)
        line = transport.get_extra_info("socket")
        if line is not None and line.family != socket.AF_UNIX:
            line.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            line.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, _PROBED)
            line.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, _PROBED)
            line.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _SILENT * 1000)


async def _await_copies(connection: _Plain, limit: float) -> None:
    """Wait for the standby. Asked to end the wait, Postgres shows nothing: the record is not seen by anybody.

    Not asked to, it would go on waiting, and each new try would cost one more of its `max_connections`.
    """
    try:
        await connection.execute(QUERIES["await_copies"], timeout=limit)
    except BaseException as error:
        with suppress(Exception):
            await connection.close(timeout=_ANSWERS)
        if isinstance(error, TimeoutError):
            raise LedgerLostError(_UNCONFIRMED) from None
        raise


async def _first(places: Sequence[str], tried: Callable[[str, float], Coroutine[Any, Any, _Plain]]) -> _Plain:
    """Return the first connection that is made; a host that refuses is tried again while another is silent.

    Raises:
        LedgerLostError: each has refused, or not answered; it says what each met.
    """
    running = {asyncio.ensure_future(tried(place, n * _APART)): place for n, place in enumerate(places)}
    losses = dict.fromkeys(places, "")
    made: _Plain | None = None
    try:
        while True:
            done, _ = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                place = running[task]
                try:
                    made = task.result()
                except LedgerLostError as loss:
                    losses[place] = str(loss)
                    del running[task]
                else:
                    return made
                running[asyncio.ensure_future(tried(place, _AGAIN))] = place
            if all(losses.values()):
                raise LedgerLostError("; ".join(dict.fromkeys(losses.values())))
    finally:
        for task in running:
            task.cancel()
        for end in await asyncio.gather(*running, return_exceptions=True):
            if isinstance(end, asyncpg.Connection) and end is not made:
                end.terminate()


class Ledger:
    """One connection to the ledger.

    Args:
        connection: as asyncpg has it.
        patience: seconds that a commit may take.
    """

    def __init__(self, connection: "asyncpg.Connection[asyncpg.Record]", patience: float = 10.0) -> None:
        self._connection, self._patience = connection, patience

    @classmethod
    async def open(  # noqa: PLR0913 - each has its default but for the first two
        cls,
        dsn: str,
        name: str,
        limit: float = 10.0,
        *,
        rest: float = 0.0,
        patience: float = 30.0,
        copied: bool = False,
    ) -> Self:
        """Connect, within `limit` seconds, to the server that can be written to.

        Args:
            dsn: where Postgres is, and as whom. Of several hosts the next is tried half a second after the
                one before, so that one that is frozen or cut off costs no more; the first that answers is
                taken. `target_session_attrs` chooses another kind of server, such as a standby.
            name: by which Postgres shows the connection.
            limit: seconds.
            rest: seconds that a transaction may rest between two statements before Postgres ends the
                connection, and with it the transaction's locks; 0 is for ever. A process that is frozen in a
                transaction, or whose machine is gone, would else keep its citizens from every other.
            patience: seconds that a statement may take; a commit a third of them.
            copied: pass by a server that confirms no commit, as its standby is gone, or it is a primary of
                the past. What it shows may be on that one machine alone: nobody may act on it.

        Raises:
            LedgerLostError: no Postgres answers, it rejects the login, or a certificate is rejected.
        """
        held = {"idle_in_transaction_session_timeout": str(round(rest * 1000))} if rest else {}

        async def tried(place: str, after: float) -> _Plain:
            await asyncio.sleep(after)
            until = asyncio.get_running_loop().time() + limit
            try:
                connection = await asyncpg.connect(
                    place,
                    timeout=limit,
                    command_timeout=patience,
                    server_settings={"application_name": name, "jit": "off", **held},
                    target_session_attrs=_which(place),
                    connection_class=_Connection,
                )
                if copied:
                    await _await_copies(connection, until - asyncio.get_running_loop().time())
            except (*_LOSSES, ValueError) as error:  # a certificate that is not accepted is a ValueError, too
                raise _lost(error) from None
            return connection

        return cls(await _first(several_hosts.each(dsn), tried), patience / 3)

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
        async with _faults():
            transaction = self._connection.transaction()
            await transaction.start()
            try:
                yield
            except BaseException:
                await self._undone(transaction)
                raise
            await self._confirmed(transaction)

    async def _undone(self, transaction: Transaction) -> None:
        """Roll back, or leave a connection that is lost or silent: Postgres then does the same by itself."""
        try:
            async with asyncio.timeout(_ANSWERS):
                await transaction.rollback()
        except _LOSSES:
            self._connection.terminate()

    async def _confirmed(self, transaction: Transaction) -> None:
        """Commit; whoever waits no longer leaves the connection, and does not ask Postgres to end the wait.

        Asked to, Postgres would show to all what is on this one machine alone: a message that was handled
        there would be taken for handled, and be lost with the machine.
        """
        committing = asyncio.ensure_future(transaction.commit())
        try:
            async with asyncio.timeout(self._patience):
                await asyncio.shield(committing)
        except (TimeoutError, asyncio.CancelledError) as ended:
            self._connection.terminate()
            await asyncio.wait([committing])
            committing.exception()
            if isinstance(ended, TimeoutError):
                raise LedgerLostError(_UNCONFIRMED, blameless=True) from None
            raise

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
            await self._connection.close(timeout=_ANSWERS)
