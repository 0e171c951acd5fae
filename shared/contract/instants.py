"""Instants as programs read them; how a citizen reads them is in `dates.py`."""

from datetime import UTC, datetime
from typing import Literal


def rfc3339(moment: datetime, *, to: Literal["auto", "milliseconds", "microseconds"] = "milliseconds") -> str:
    """Return an instant in UTC as RFC 3339 has it: `2026-11-22T13:30:00.000Z`.

    Args:
        moment: with a zone, which need not be UTC.
        to: how far it is told, cut and not rounded; `auto` is microseconds, or none where they are 0.
    """
    return moment.astimezone(UTC).isoformat(timespec=to).replace("+00:00", "Z")
