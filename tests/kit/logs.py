"""The lines of a log that may still be written to."""

import json
from pathlib import Path
from typing import Any

from deploy.local.stack import Stack


def log_lines(log: Path, start: int = 0) -> list[dict[str, Any]]:
    """Return what was logged in a file, without lines of plain text.

    A line may be read while it is written: one whose end is not there yet is left for the next look.

    Args:
        log: the file; one that does not exist has no lines.
        start: the byte from which to read.
    """
    if not log.exists():
        return []
    with log.open("rb") as file:
        file.seek(start)
        return [json.loads(line) for line in file if line.startswith(b"{") and line.endswith(b"\n")]


class WorkerLog:
    """The log of one worker, from now on."""

    def __init__(self, stack: Stack, worker: str) -> None:
        self._path: Path = stack.state / f"log/{worker}.log"
        self._start = self._path.stat().st_size if self._path.exists() else 0

    def lines(self, event: str) -> list[dict[str, Any]]:
        """Return the lines of one event."""
        return [line for line in log_lines(self._path, self._start) if line["event"] == event]
