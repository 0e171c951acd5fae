"""Formats tables and figures for the terminal."""

from collections.abc import Sequence
from datetime import datetime

from shared.contract.instants import rfc3339

_GAP = "  "
_UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"))


def table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Return rows under their column names; figures aligned right, everything else left."""
    if not rows:
        return f"{_GAP}none"
    cells = [[plain(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(columns, *cells, strict=True)]
    right = [all(isinstance(row[i], int | float | None) for row in rows) for i in range(len(columns))]
    return "\n".join(_line(row, widths, right) for row in (columns, *cells))


def _line(cells: Sequence[str], widths: Sequence[int], right: Sequence[bool]) -> str:
    aligned = (
        cell.rjust(width) if to_right else cell.ljust(width)
        for cell, width, to_right in zip(cells, widths, right, strict=True)
    )
    return (_GAP + _GAP.join(aligned)).rstrip()


def plain(cell: object, limit: int = 500) -> str:
    """Return a cell on one line; control characters, which could upset a terminal, become dots."""
    match cell:
        case None:
            return "-"
        case bytes():
            text = cell.hex()
        case datetime():
            text = instant(cell)
        case _:
            text = str(cell)
    shown = "".join(char if char.isprintable() else "·" for char in text[:limit])
    return shown + "…" if len(text) > limit else shown


def instant(moment: datetime) -> str:
    """Return an instant as `2026-11-22 14:30:05.123Z`."""
    return rfc3339(moment).replace("T", " ")


def age(seconds: float) -> str:
    """Return a duration in its largest unit: `3.2 s`, `4 min`, `2 h`, `5 d`."""
    for size, unit in _UNITS:
        if seconds >= size:
            return f"{int(seconds // size)} {unit}"
    return f"{seconds:.1f} s"


def count(number: int, one: str, many: str = "") -> str:
    """Return `1 entry` or `2 entries`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"
