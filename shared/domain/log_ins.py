"""Log-ins that the ledger counts, in place of an entry for each."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class LogIns:
    """How often a citizen logged in since the last entry of a log-in, which is not counted.

    Attributes:
        times: how often.
        last: when last, that of the entry included; None before the first.
    """

    times: int = 0
    last: datetime | None = None

    def due(self, now: datetime) -> bool:
        """Return whether a log-in is the first of its month (UTC, as the entries' are): it gets an entry."""
        return self.last is None or _month(self.last) != _month(now)

    def counted(self, now: datetime) -> Self:
        """Return the count with one more."""
        return type(self)(self.times + 1, now)

    def told(self) -> Mapping[str, Any]:
        """Return what the next entry says of them, so that the chain vouches for how many there were."""
        return {"counted": self.times, "last": self.last} if self.times else {}


NONE = LogIns()
"""Of a citizen who never logged in."""


def _month(at: datetime) -> tuple[int, int]:
    in_utc = at.astimezone(UTC)
    return in_utc.year, in_utc.month
