"""A ledger of many citizens, as the files in `citizens/` make it."""

import asyncio
from pathlib import Path

from deploy.local.stack import Stack
from tests.bench.counting import Books

_FOLDER = Path(__file__).parent / "citizens"
_BEGIN, _ENTRIES, _ACCOUNTS, _OTHERS, _END = (
    (_FOLDER / f"{name}.sql").read_text(encoding="utf-8")
    for name in ("begin", "entries", "accounts", "others", "end")
)
# No checks of foreign keys: the rows are right. And each session reads `citizen` from its beginning, which is
# the order of the indexes, while the other reads it too.
_SESSION = "set session_replication_role = replica; set synchronize_seqscans = off;"
_AT_ONCE = 500_000
"""Citizens in one statement: its triggers, though they are off, have what it inserts kept beside it."""


def rows(citizens: int) -> str:
    """Return the statements that fill a ledger with citizens, in one session."""
    parts = (part.format(first=0, last=citizens) for part in (_ENTRIES, _ACCOUNTS))
    return "\n".join((_SESSION, _BEGIN.format(citizens=citizens), *parts, _OTHERS, _END))


async def fill(stack: Stack, citizens: int) -> None:
    """Fill the stack's ledger by two sessions, half by each, and vacuum it as autovacuum would."""
    async with Books(stack) as one, Books(stack) as other:
        await one.ledger.execute(_SESSION + _BEGIN.format(citizens=citizens))
        await other.ledger.execute(_SESSION)
        await asyncio.gather(_entries(one, citizens), _all_else(other, citizens))
        await one.ledger.execute(_END)
        await one.ledger.execute("vacuum analyze")


async def _entries(books: Books, citizens: int) -> None:
    await _in_parts(books, _ENTRIES, citizens)
    await books.ledger.execute("vacuum analyze entry")


async def _all_else(books: Books, citizens: int) -> None:
    await _in_parts(books, _ACCOUNTS, citizens)
    await books.ledger.execute(_OTHERS)


async def _in_parts(books: Books, statements: str, citizens: int) -> None:
    for first in range(0, citizens, _AT_ONCE):
        await books.ledger.execute(statements.format(first=first, last=first + _AT_ONCE))
