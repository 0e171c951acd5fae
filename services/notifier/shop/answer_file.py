"""What the print shop says of letters: CSV files, one line a letter. The form is in `docs/far-ends.md`.

An unreadable line is counted and passed over: the others of the file count.
"""

import csv
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, get_args
from uuid import UUID

from services.notifier.shop import LetterAnswer, Told

MOST_BYTES: Final = 512 * 1024
"""Of one file."""
_COLUMNS: Final = ("job", "letter", "state", "at")
_JOB: Final = re.compile(r"[A-Z0-9][A-Z0-9-]{0,63}")
_LETTER: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_AT: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,6})?)?(?:Z|[+-][0-9]{2}:[0-9]{2})"
)
_STATES: Final[Mapping[str, LetterAnswer]] = {state: state for state in get_args(LetterAnswer)}
_LONGEST: Final = 1_000
"""Characters of a line."""


@dataclass(frozen=True, slots=True)
class Answers:
    """What a file says.

    Attributes:
        told: the lines that were understood, in their order, without repeats.
        unreadable: numbers of the lines that were not, from 1.
    """

    told: tuple[Told, ...]
    unreadable: tuple[int, ...]


def understand(content: bytes) -> Answers | None:
    """Return what a file of answers says; None if it is none: no text, or without its columns."""
    try:
        lines = [line.removesuffix("\r") for line in content.decode("utf-8-sig").split("\n")]
    except UnicodeDecodeError:
        return None
    mark = ";" if ";" in lines[0] else ","
    columns = [name.strip().lower() for name in _fields(lines[0], mark) or ()]
    if not set(_COLUMNS) <= set(columns) or len(set(columns)) != len(columns):
        return None
    told: dict[Told, None] = {}
    unreadable = []
    for number, line in enumerate(lines[1:], 2):
        if line.strip():
            if (one := _told(columns, _fields(line, mark))) is None:
                unreadable.append(number)
            else:
                told[one] = None
    return Answers(tuple(told), tuple(unreadable))


def _fields(line: str, mark: str) -> list[str] | None:
    """Return the fields of one line; a field has no line feed."""
    if len(line) > _LONGEST:
        return None
    try:
        return next(csv.reader([line], delimiter=mark, strict=True), None)
    except csv.Error:
        return None


def _told(columns: list[str], fields: list[str] | None) -> Told | None:
    if fields is None or len(fields) != len(columns):
        return None
    said = dict(zip(columns, (field.strip() for field in fields), strict=True))
    job, letter, status = said["job"], said["letter"].lower(), _STATES.get(said["state"].lower())
    at = _instant(said["at"])
    if status is None or at is None or not (_JOB.fullmatch(job) and _LETTER.fullmatch(letter)):
        return None
    return Told(job, UUID(letter), status, at)


def _instant(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text).astimezone(UTC) if _AT.fullmatch(text) else None
    except (ValueError, OverflowError):
        return None
