"""A ledger of many citizens, as the files in `citizens/` make it."""

import asyncio
from pathlib import Path

from deploy.local.stack import Stack
from tests.bench.counting import Books

_FOLDER = Path(__file__).parent / "citizens"
_BEGIN, _ENTRIES, _OTHERS, _END = (
    (_FOLDER / f"{name}.sql").read_text(encoding="utf-8") for name in ("begin", "entries", "others", "end")
)
# No checks of foreign keys: the rows are right. And each session reads `citizen` from its beginning, which is
# the order of the indexes, while the other reads it too.
_SESSION = "set session_replication_role = replica; set synchronize_seqscans = off;"


def rows(citizens: int) -> str:
    """Return the statements that fill a ledger with citizens, in one session."""
    return "\n".join((_SESSION, _BEGIN.format(citizens=citizens), _ENTRIES, _OTHERS, _END))


async def fill(stack: Stack, citizens: int) -> None:
    """Fill the stack's ledger by two sessions, half by each, and vacuum it as autovacuum would."""
    async with Books(stack) as one, Books(stack) as other:
        await one.ledger.execute(_SESSION + _BEGIN.format(citizens=citizens))
        await asyncio.gather(_entries(one), other.ledger.execute(_SESSION + _OTHERS))
        await one.ledger.execute(_END)
        await one.ledger.execute("vacuum analyze")


async def _entries(books: Books) -> None:
    await books.ledger.execute(_ENTRIES)
    await books.ledger.execute("vacuum analyze entry")
