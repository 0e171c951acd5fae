"""The file of recognitions before the profile existed (R9): read by line, with every fault reported."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from shared.errors import Fault
from shared.italy import codice_fiscale
from shared.italy.dates import day_of

COLUMNS = ("codice_fiscale", "kind", "date")
KINDS = ("de_visu", "signed_request")
_EARLIEST = date(1996, 1, 1)
"""There were no PINs before this day."""
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_AROUND = ' \t\r\n"'


@dataclass(frozen=True, slots=True)
class Recognised:
    """One valid line: which citizen was recognised, how and when."""

    line: int
    codice_fiscale: str
    kind: str
    day: date


@dataclass(frozen=True, slots=True)
class FaultyLine:
    """One rejected line; the faults contain no personal data."""

    line: int
    faults: tuple[Fault, ...]


def lines_of(path: Path, now: datetime) -> Iterator[Recognised | FaultyLine]:
    """Read a CSV with the columns codice fiscale, kind and date, separated by commas or semicolons.

    A header line and empty lines are skipped.

    Args:
        path: a file in UTF-8.
        now: no recognition may be later.

    Raises:
        OSError: the file cannot be read.
    """
    latest = day_of(now)
    with path.open(encoding="utf-8-sig", errors="replace") as file:
        for number, text in enumerate(file, 1):
            # No field can hold a separator, so a stray quotation mark spoils only its own line.
            cells = [cell.strip(_AROUND) for cell in text.split(";" if ";" in text else ",")]
            if any(cells) and not (number == 1 and tuple(cell.lower() for cell in cells) == COLUMNS):
                yield _read(number, cells, latest)


def _read(line: int, cells: list[str], latest: date) -> Recognised | FaultyLine:
    if len(cells) != len(COLUMNS):
        return FaultyLine(line, (Fault("", "wrong_columns", f"Must be {', '.join(COLUMNS)}."),))
    code, kind, day = cells
    canonical, recognised_on = codice_fiscale.canonical(code), _day(day)
    faults = [] if canonical else [Fault("codice_fiscale", *codice_fiscale.why_not(code))]
    if kind not in KINDS:
        faults.append(Fault("kind", "not_one_of", f"Must be {' or '.join(KINDS)}."))
    if recognised_on is None:
        faults.append(Fault("date", "not_a_date", "Must be a date of the form YYYY-MM-DD."))
    elif not _EARLIEST <= recognised_on <= latest:
        faults.append(Fault("date", "implausible_date", "The date is not a plausible one."))
    if faults or canonical is None or recognised_on is None:
        return FaultyLine(line, tuple(faults))
    return Recognised(line, canonical, kind, recognised_on)


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if _DAY.fullmatch(text) else None
    except ValueError:
        return None
