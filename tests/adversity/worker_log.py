"""The log lines of a worker since a test began."""

import json
from pathlib import Path
from typing import Any

from deploy.local.stack import Stack


class WorkerLog:
    """The log of one worker, from now on."""

    def __init__(self, stack: Stack, worker: str) -> None:
        self._path: Path = stack.state / f"log/{worker}.log"
        self._start = self._path.stat().st_size if self._path.exists() else 0

    def lines(self, event: str) -> list[dict[str, Any]]:
        """Return the lines of one event."""
        with self._path.open("rb") as log:
            log.seek(self._start)
            written = [json.loads(line) for line in log if line.startswith(b"{")]
        return [line for line in written if line["event"] == event]
