"""The days on which people work, and until when on each: not on Saturdays, Sundays and Italy's holidays.

The holidays are those of law 260 of 1949 as it stands: with 4 October from 2026 on (law 151 of 2025). A
place's own, such as a patron's day, are given by whoever asks.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from functools import lru_cache
from typing import Final

from shared.italy.dates import DAY, ROME, day_of

_FIXED: Final = ((1, 1), (1, 6), (4, 25), (5, 1), (6, 2), (8, 15), (11, 1), (12, 8), (12, 25), (12, 26))
_SAINT_FRANCIS: Final = (10, 4)
_SAINT_FRANCIS_SINCE: Final = 2026
_SATURDAY: Final = 5


def easter(year: int) -> date:
    """Return Easter Sunday of a Gregorian year, by the anonymous algorithm («computus»)."""
    century, of_century = divmod(year, 100)
    golden = year % 19
    leaps, rest = divmod(century, 4)
    moon = (century - (century + 8) // 25 + 1) // 3
    epact = (19 * golden + century - leaps - moon + 15) % 30
    weekday = (32 + 2 * rest + 2 * (of_century // 4) - epact - of_century % 4) % 7
    late = (golden + 11 * epact + 22 * weekday) // 451
    month, day = divmod(epact + weekday - 7 * late + 114, 31)
    return date(year, month, day + 1)


@lru_cache(maxsize=8)
def holidays(year: int) -> frozenset[date]:
    """Return Italy's public holidays of a year, Sundays left out but for those that have a date."""
    fixed = (*_FIXED, *([_SAINT_FRANCIS] if year >= _SAINT_FRANCIS_SINCE else []))
    return frozenset({easter(year) + DAY, *(date(year, month, day) for month, day in fixed)})


@dataclass(frozen=True, slots=True)
class WorkingDays:
    """A calendar with a time of day until which each of its days takes work in.

    Attributes:
        cut_off: in Europe/Rome. What comes exactly then belongs to the next day.
        closed: further days without work: `2026-06-24` for one, `06-24` for every year.
    """

    cut_off: time
    closed: Collection[str] = frozenset()

    def is_one(self, day: date) -> bool:
        """Return whether a day is a working day."""
        return (
            day.weekday() < _SATURDAY
            and day not in holidays(day.year)
            and day.isoformat() not in self.closed
            and f"{day:%m-%d}" not in self.closed
        )

    def ends(self, day: date) -> datetime:
        """Return the instant, in UTC, at which a day takes in no more."""
        return datetime.combine(day, self.cut_off, ROME).astimezone(UTC)

    def of(self, instant: datetime) -> date:
        """Return the working day to which belongs what comes at an instant."""
        day = day_of(instant)
        while not (self.is_one(day) and instant < self.ends(day)):
            day += DAY
        return day

    def ended(self, instant: datetime) -> date:
        """Return the latest working day whose time is over at an instant."""
        day = day_of(instant)
        while not (self.is_one(day) and self.ends(day) <= instant):
            day -= DAY
        return day
