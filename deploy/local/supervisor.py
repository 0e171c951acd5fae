"""The background process of `up`: it owns the stack and restarts processes that exit.

In a cluster Kubernetes does this. It locks `.local/supervisor` while it runs, so that a stale file
never looks like a running stack; the file holds its pid and state.
"""

import signal
import sys
import time
from pathlib import Path
from typing import NoReturn

from deploy.errors import StackError
from deploy.local.control import WITH_TLS
from deploy.local.lockfile import LockFile
from deploy.local.processes import Process
from deploy.local.stack import Stack
from deploy.local.waiting import wait_for

_LONGEST_PAUSE = 30.0
_STEADY_AFTER = 60.0


class Restarts:
    """The restart time of each exited process, with increasing backoff."""

    def __init__(self) -> None:
        self._pause: dict[str, float] = {}
        self._due: dict[str, float] = {}

    def due(self, process: Process, now: float) -> bool:
        """Return whether to restart an exited process now; the first call schedules it."""
        name = process.name
        if name not in self._due:
            before = 0.0 if now - process.started_at > _STEADY_AFTER else self._pause.get(name, 0.0)
            self._pause[name] = min(_LONGEST_PAUSE, 2 * before + 0.2)
            self._due[name] = now + self._pause[name]
        if now < self._due[name]:
            return False
        del self._due[name]
        return True


class _TerminatedError(Exception):
    """SIGTERM was received."""


def _end(*_: object) -> NoReturn:
    raise _TerminatedError


def supervise(stack: Stack) -> NoReturn:
    """Restart processes that exit, for ever."""
    restarts = Restarts()
    while True:
        time.sleep(0.2)
        for process in stack.processes().values():
            if not process.alive() and restarts.due(process, time.monotonic()):
                print(f"{process.name} exited; starting it again", flush=True)
                process.start()


def run(root: Path, *, tls: bool, pages: bool) -> int:
    """Start the stack below `root`, keep it running until SIGTERM, stop it."""
    signal.signal(signal.SIGTERM, _end)
    lock = LockFile(root / ".local/supervisor")
    wait_for(lock.acquire, 2, "the end of another supervisor")  # a check of the lock holds it briefly
    stack = None
    try:
        lock.say("starting")
        stack = Stack(root, tls=tls, pages=pages)
        stack.start()
        lock.say("ready", WITH_TLS if tls else "")
        supervise(stack)
    except StackError as error:
        lock.say("failed", str(error))
        print(error, flush=True)
        return 1
    except _TerminatedError:
        return 0
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # stopping must not be interrupted
        if stack:
            stack.stop()


if __name__ == "__main__":
    folder, *options = sys.argv[1:]
    sys.exit(run(Path(folder), tls="--tls" in options, pages="--pages" in options))
