"""Dates and instants as a citizen reads them: in Italy's time, in the citizen's language (R33)."""

from datetime import date, datetime
from typing import Final
from zoneinfo import ZoneInfo

ROME: Final = ZoneInfo("Europe/Rome")
_DAY: Final = {"it": "%d/%m/%Y", "de": "%d.%m.%Y"}
_INSTANT: Final = {"it": "%d/%m/%Y, ore %H:%M", "de": "%d.%m.%Y, %H:%M Uhr"}


def day(when: date, language: str) -> str:
    """A calendar day: `22/11/2026` in Italian (`it`), `22.11.2026` in German (`de`).

    Raises:
        TypeError: for an instant, whose day depends on the zone: give that to `instant`.
    """
    if isinstance(when, datetime):
        raise TypeError("an instant has no day of its own; use instant()")
    return when.strftime(_DAY[language])


def instant(when: datetime, language: str) -> str:
    """An instant in Italy's time: `22/11/2026, ore 14:30` or `22.11.2026, 14:30 Uhr`.

    Minutes are cut, not rounded: a time limit is never told later than it is.

    Raises:
        ValueError: for an instant without a zone, whose meaning would depend on the machine.
    """
    if when.utcoffset() is None:
        raise ValueError("an instant needs a zone")
    return when.astimezone(ROME).strftime(_INSTANT[language])
