"""A lock file: one live process can hold it, and writes its state into it."""

import fcntl
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import IO


@dataclass(frozen=True)
class Said:
    """The state that the holder wrote last; `state` is `starting`, `ready` or `failed`."""

    pid: int = 0
    state: str = ""
    text: str = ""


class LockFile:
    """A lock that is released when its process ends, however it ends."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._held: IO[str] | None = None

    def acquire(self, *, wait: bool = False) -> bool:
        """Acquire the lock and return whether it succeeded; with `wait`, wait for it."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        file = self._path.open("a+")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            file.close()
            return False
        self._held = file
        return True

    def release(self) -> None:
        """Release the lock, if this process holds it."""
        if self._held:
            self._held.close()
            self._held = None

    def held_by_another(self) -> bool:
        """Return whether another process holds the lock."""
        if self.acquire():
            self.release()
            return False
        return True

    def say(self, state: str, text: str = "") -> None:
        """Write this process's state."""
        self._path.write_text(json.dumps({"pid": os.getpid(), "state": state, "text": text}))

    def said(self) -> Said:
        """Return what the holder wrote; empty until it has written."""
        try:
            return Said(**json.loads(self._path.read_text()))
        except (OSError, ValueError):
            return Said()

    def forget(self) -> None:
        """Erase what an earlier holder wrote."""
        if self._path.exists():
            self._path.write_text("")
