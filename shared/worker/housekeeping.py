"""Housekeeping: deletes old rows and adds up counters, in short steps.

Every worker runs it beside its relay, one process at a time: the others find nothing to do. A step handles a
limited number of rows and commits, so that transactions are short. A chore continues while its steps are
full, so that it keeps up with any load.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import MappingProxyType

from shared.errors import LedgerConflictError, LedgerLostError, LedgerRefusedError
from shared.ledger import Ledger

ROWS = 1_000
"""Rows in one step: 1 ms with few citizens; up to 50 ms, for the counts by place, with 200,000."""
_REST = 10.0
"""Seconds until the next step of a chore that had finished."""
_HOUR = 3600.0
"""Seconds between two looks whether the ledger has its months: they are made three ahead."""
_SHARE = 4
"""Pause after a full step, as a multiple of its duration: what is done by the clock takes a fifth at most."""
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
_FORGETTING = ("forget_inbox", "forget_suspects")
_YESTERDAY = timedelta(days=1)
"""Counts of sent messages are kept that long beside today's: clocks differ at midnight."""


@dataclass(slots=True)
class _Chore:
    """One query that is repeated while its steps are full.

    Attributes:
        query: its name.
        retention: age at which rows are deleted; None for the tally, which deletes none.
        begin: where a step begins, so that it does not scan again what the last one removed.
        due: when the next step is due, on the clock of the housekeeping.
    """

    query: str
    retention: timedelta | None
    begin: datetime = LONG_AGO
    due: float = 0.0
    rest: float = _REST

    async def step(self, ledger: Ledger) -> bool:
        """Run one step; return whether there may be more to do."""
        if self.retention is None:
            return int(await ledger.value(self.query, ROWS)) == ROWS
        ((rows, last),) = await ledger.rows(self.query, self.retention, self.begin, ROWS)
        full = bool(rows == ROWS)
        self.begin = last if full else LONG_AGO
        return full


@dataclass(slots=True)
class _Months:
    """Makes the next months of the ledger, long before they begin."""

    due: float = 0.0
    rest: float = _HOUR

    @staticmethod
    async def step(ledger: Ledger) -> bool:
        """Make what is missing, or leave it to the next step, as while somebody reads all months.

        Entries without a month are kept all the same: nothing waits for it.
        """
        try:
            await ledger.value("make_months")
        except (LedgerConflictError, LedgerRefusedError):
            pass
        except LedgerLostError:
            if not ledger.alive:
                raise
        return False


def due_after(began: float, now: float, *, full: bool, rest: float) -> float:
    """Return when the next step is due: soon after one that left more to do, else after `rest` seconds."""
    return now + (_SHARE * (now - began) if full else rest)


class Housekeeping:
    """The chores of one process, each with its own schedule.

    Args:
        retention: how long a repeated message is recognised.
        more: the queries that delete old rows of this worker alone, with their age; zero deletes none.
        clock: seconds.
    """

    def __init__(
        self,
        retention: timedelta,
        more: Mapping[str, timedelta] = MappingProxyType({}),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._clock = clock
        self._chores: list[_Chore | _Months] = [_Chore(query, retention) for query in _FORGETTING]
        self._chores += [_Chore(query, age) for query, age in more.items() if age]
        self._chores += [_Chore(query, _YESTERDAY) for query in ("forget_sent_to", "forget_lookups")]
        self._chores += [_Chore("fold_tally", None), _Months()]

    async def step(self, ledger: Ledger) -> float:
        """Run a step of each chore that is due; return the seconds until the next is due.

        Raises:
            LedgerLostError: Postgres is gone.
        """
        for chore in self._chores:
            began = self._clock()
            if chore.due <= began:
                full = await chore.step(ledger)
                chore.due = due_after(began, self._clock(), full=full, rest=chore.rest)
        return max(0.0, min(chore.due for chore in self._chores) - self._clock())
