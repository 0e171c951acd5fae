"""Lines of logs, with the second of a replay at which each was written."""

import json
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from deploy.local.stack import Stack
from deploy.local.workers import ALL

PINCTL = "pinctl"
"""The log of what `pinctl` prints."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line.

    Attributes:
        at: seconds since the replay began.
        log: whose it is: a worker's name, or `PINCTL`.
        text: without its end.
    """

    at: float
    log: str
    text: str

    @property
    def event(self) -> str:
        """The name of its event; empty in plain text."""
        with suppress(ValueError):
            return str(json.loads(self.text).get("event", ""))
        return ""


def later(lines: Iterable[Line], seconds: float) -> list[Line]:
    """Return lines as if they had been written later."""
    return [replace(line, at=line.at + seconds) for line in lines]


class WorkersLogs:
    """What the workers of a stack write from now on."""

    def __init__(self, stack: Stack) -> None:
        self._folder = stack.state / "log"
        self._seen = {path: path.stat().st_size for path in self._paths()}

    def _paths(self) -> Iterator[Path]:
        return (path for path in self._folder.glob("*.log") if path.name.partition(".")[0] in ALL)

    def lines(self, began: datetime, speed: float = 1.0) -> list[Line]:
        """Return what was written from a moment on.

        Args:
            began: when the replay's first second was.
            speed: seconds of the replay in one of the clock.
        """
        found = []
        for path in self._paths():
            at = -1.0  # what nobody dated was written before
            for text in path.read_bytes()[self._seen.get(path, 0) :].decode().splitlines():
                with suppress(ValueError):  # a line of plain text comes with the one before it
                    written = datetime.fromisoformat(json.loads(text)["timestamp"])
                    at = (written - began).total_seconds() * speed
                found.append(Line(at, path.stem.partition(".")[0], text))
        return [line for line in found if line.at >= 0]
