"""Dates and instants as a citizen reads them: in Italy's time, in the citizen's language (R33).

Every date stated to a citizen includes the whole of that day in Italy: `end_of` is the first instant after
it.
"""

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

ROME: Final = ZoneInfo("Europe/Rome")
DAY: Final = timedelta(days=1)
_DAY: Final = {"it": "%d/%m/%Y", "de": "%d.%m.%Y"}
_INSTANT: Final = {"it": "%d/%m/%Y, ore %H:%M", "de": "%d.%m.%Y, %H:%M Uhr"}
_SUMMER: Final = {"it": " (ora legale)", "de": " (Sommerzeit)"}
_WINTER: Final = {"it": " (ora solare)", "de": " (Normalzeit)"}

_remembered = lru_cache(maxsize=64)
"""A batch is decided at one instant, so its days are computed once."""


@_remembered
def day(when: date, language: str) -> str:
    """A calendar day: `22/11/2026` in Italian (`it`), `22.11.2026` in German (`de`).

    Raises:
        TypeError: for an instant, whose day depends on the zone: give that to `instant`, or to `day_of`.
    """
    if isinstance(when, datetime):
        raise TypeError("an instant has no day of its own; use instant() or day_of()")
    return when.strftime(_DAY[language])


def instant(when: datetime, language: str) -> str:
    """An instant in Italy's time: `22/11/2026, ore 14:30` or `22.11.2026, 14:30 Uhr`.

    In the repeated hour at the end of summer time, it says which: `25/10/2026, ore 02:30 (ora solare)`.
    Minutes are truncated, not rounded: a time limit is never stated later than it is.

    Raises:
        ValueError: for an instant without a zone, whose meaning would depend on the machine.
    """
    here = _in_italy(when)
    return here.strftime(_INSTANT[language]) + _which_hour(here, language)


def _which_hour(here: datetime, language: str) -> str:
    if here.replace(fold=0).utcoffset() == here.replace(fold=1).utcoffset():
        return ""
    return (_SUMMER if here.dst() else _WINTER)[language]


@_remembered
def day_of(when: datetime) -> date:
    """The day that an instant falls on in Italy: in summer it begins at 22:00 UTC, in winter at 23:00.

    Raises:
        ValueError: for an instant without a zone.
    """
    return _in_italy(when).date()


@_remembered
def end_of(last: date) -> datetime:
    """The instant (UTC) at which a day has ended in Italy: exclusive for what is valid until that day."""
    return datetime.combine(last + DAY, time(), ROME).astimezone(UTC)


@_remembered
def last_day(ended_at: datetime) -> date:
    """The last day in Italy of what has ended at an instant; `last_day(end_of(day)) == day`.

    Raises:
        ValueError: for an instant without a zone.
    """
    return day_of(ended_at - datetime.resolution)


@_remembered
def in_days(when: datetime, period: timedelta) -> date:
    """The day on which a period from an instant ends by Italy's calendar and clocks.

    Sixty days from half past midnight are sixty days later, also across a change of the clocks.

    Raises:
        ValueError: for an instant without a zone.
    """
    return (_in_italy(when) + period).date()


def _in_italy(when: datetime) -> datetime:
    if when.utcoffset() is None:
        raise ValueError("an instant needs a zone")
    return when.astimezone(ROME)
