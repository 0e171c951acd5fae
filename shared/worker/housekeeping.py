"""Housekeeping: forgets what is old and adds up what is counted, in steps that end soon.

Every worker does it beside its relay, one process at a time: whoever comes meanwhile finds nothing to do.
A step takes so many rows and no more, and commits: no transaction is long, and however much comes in, it is
kept up with, for a chore goes on while its steps are full.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from shared.ledger import Ledger

ROWS = 1_000
"""In one step: some ten milliseconds."""
_REST = 10.0
"""Seconds until a chore that found its end is looked at again."""
_SHARE = 4
"""So many times what a full step took is left to the others before the next."""
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
_FORGETTING = ("forget_inbox", "forget_suspects")
_YESTERDAY = timedelta(days=1)
"""What was sent to whom is kept that long beside today's: clocks differ at midnight."""


@dataclass(slots=True)
class _Chore:
    """One query that is run again while its steps are full.

    Attributes:
        query: its name.
        retention: how old is old; None for the tally, which forgets nothing.
        begin: where a step begins, so that it does not pass again over what the one before removed.
        due: when the next step is due, on the clock of the housekeeping.
    """

    query: str
    retention: timedelta | None
    begin: datetime = _LONG_AGO
    due: float = 0.0

    async def step(self, ledger: Ledger) -> bool:
        """Do one step; returns whether there may be more to do."""
        if self.retention is None:
            return int(await ledger.value(self.query, ROWS)) == ROWS
        ((rows, last),) = await ledger.rows(self.query, self.retention, self.begin, ROWS)
        full = bool(rows == ROWS)
        self.begin = last if full else _LONG_AGO
        return full


class Housekeeping:
    """The chores of one process, each with its own time.

    Args:
        retention: how long a repeated message is recognised.
        clock: seconds.
    """

    def __init__(self, retention: timedelta, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._chores = [_Chore(query, retention) for query in _FORGETTING]
        self._chores += [_Chore("forget_sent_to", _YESTERDAY), _Chore("fold_tally", None)]

    async def step(self, ledger: Ledger) -> float:
        """Do a step of each chore that is due; returns the seconds until the next one is.

        Raises:
            LedgerLostError: as it says.
        """
        for chore in self._chores:
            began = self._clock()
            if chore.due <= began:
                full = await chore.step(ledger)
                now = self._clock()
                chore.due = now + (_SHARE * (now - began) if full else _REST)
        return max(0.0, min(chore.due for chore in self._chores) - self._clock())
