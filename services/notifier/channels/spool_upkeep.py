"""Letters in the spool end too: those that nobody fetched, and what a kill left half-written."""

import asyncio
import re
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from services.notifier.channels.spool import MANIFEST, UNFINISHED
from shared.ledger import Ledger

_REST = 600.0
"""Seconds between two looks at the spool."""
_MOST = 1_000
"""Documents that one look deletes; the next follows at once."""
_ABANDONED = timedelta(minutes=10)
"""Age of a file that nobody writes any more: writing one takes less than a second."""
_LATE = timedelta(days=3)
"""How long a letter may lie before that is worth a line of the log each time: the provider fetches daily."""
_OURS = re.compile(r"([0-9a-f]{12})\.(json|pdf|pdf\.sealed)")


@dataclass(slots=True)
class Swept:
    """What one look at the spool found.

    Attributes:
        forgotten: how many documents were deleted.
        unfinished: how many half-written files were deleted.
        waiting: how many documents are late.
        oldest: age in seconds of the oldest document that stays.
    """

    forgotten: int = 0
    unfinished: int = 0
    waiting: int = 0
    oldest: float = 0.0


def sweep(folder: Path, retention: timedelta, now: float, tell: Callable[[str], None]) -> Swept:
    """Delete half-written files, and documents that nobody fetched in time, each with its manifest.

    The manifest goes first: a document without one is not printed, and that is all that a kill can leave.
    Files that are not ours stay.

    Args:
        folder: the spool.
        retention: zero deletes no document.
        now: seconds since 1970.
        tell: told the name, without suffix, of each document before it goes.

    Raises:
        OSError: the folder cannot be read or written.
    """
    swept, files = Swept(), defaultdict[str, list[Path]](list)
    newest: dict[str, float] = {}
    for path in folder.iterdir():
        found = _OURS.fullmatch(path.name)
        unfinished = path.name.startswith(".") and path.suffix == UNFINISHED
        written = _written_at(path) if found or unfinished else None
        if written is None:
            continue
        if found:
            files[found[1]].append(path)
            newest[found[1]] = max(written, newest.get(found[1], written))
        elif now - written > _ABANDONED.total_seconds():
            path.unlink(missing_ok=True)
            swept.unfinished += 1
    for stem, paths in files.items():
        age = now - newest[stem]
        if retention and age > retention.total_seconds() and swept.forgotten < _MOST:
            tell(stem)
            for path in sorted(paths, key=lambda one: one.suffix != MANIFEST):
                path.unlink(missing_ok=True)
            swept.forgotten += 1
        else:
            swept.waiting += age > _LATE.total_seconds()
            swept.oldest = max(swept.oldest, age)
    return swept


def _written_at(path: Path) -> float | None:
    """Return when a file was written last; None if the provider has just fetched it."""
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return None


class SpoolUpkeep:
    """Sweeps the spool at start and from time to time."""

    def __init__(
        self,
        folder: Path,
        retention: timedelta,
        log: Any,  # noqa: ANN401 - structlog's
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._folder, self._retention, self._log, self._clock = folder, retention, log, clock
        self._due = 0.0

    async def step(self, _: Ledger) -> float:
        """Sweep if it is time to; return the seconds until the next sweep."""
        now = self._clock()
        if now < self._due:
            return self._due - now
        self._due = now + _REST
        try:
            swept = await asyncio.to_thread(sweep, self._folder, self._retention, time.time(), self._forget)
        except OSError as error:
            self._log.warning("spool.unswept", error=type(error).__name__)
            return _REST
        self._log_swept(swept)
        if swept.forgotten == _MOST:
            self._due = now
        return self._due - now

    def _forget(self, document: str) -> None:
        self._log.warning("letters.forgotten", document=document)

    def _log_swept(self, swept: Swept) -> None:
        if swept.unfinished:
            self._log.info("spool.swept", unfinished=swept.unfinished)
        if swept.waiting:
            self._log.warning("letters.waiting", documents=swept.waiting, oldest_s=round(swept.oldest))
