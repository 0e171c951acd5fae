"""The background process that `up` leaves: it holds the stack and restarts what exits.

In a cluster this is Kubernetes's part. It locks `.local/supervisor` as long as it lives, so that no
stale file can pass for a running stack; the file holds its pid and how far it is.
"""

import signal
import sys
import time
from pathlib import Path
from typing import NoReturn

from deploy.errors import StackError
from deploy.local.lockfile import LockFile
from deploy.local.processes import Process
from deploy.local.stack import Stack
from deploy.local.waiting import wait_for

_LONGEST_PAUSE = 30.0
_STEADY_AFTER = 60.0


class Restarts:
    """When each exited process is due to start again: soon at first, then later and later."""

    def __init__(self) -> None:
        self._pause: dict[str, float] = {}
        self._due: dict[str, float] = {}

    def due(self, process: Process, now: float) -> bool:
        """Tell whether to start an exited process now; the first question plans it."""
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
    """SIGTERM came."""


def _end(*_: object) -> NoReturn:
    raise _TerminatedError


def supervise(stack: Stack) -> NoReturn:
    """Restart whatever exits, for ever."""
    restarts = Restarts()
    while True:
        time.sleep(0.2)
        for process in stack.processes().values():
            if not process.alive() and restarts.due(process, time.monotonic()):
                print(f"{process.name} exited; starting it again", flush=True)
                process.start()


def run(root: Path) -> int:
    """Start the stack below `root`, keep it running until SIGTERM, stop it."""
    signal.signal(signal.SIGTERM, _end)
    lock = LockFile(root / ".local/supervisor")
    wait_for(
        lock.acquire, 2, "the end of another supervisor"
    )  # who asks whether it is held, holds it a moment
    stack = None
    try:
        lock.say("starting")
        stack = Stack(root)
        stack.start()
        lock.say("ready")
        supervise(stack)
    except StackError as error:
        lock.say("failed", str(error))
        print(error, flush=True)
        return 1
    except _TerminatedError:
        return 0
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # stopping must not be broken off
        if stack:
            stack.stop()


if __name__ == "__main__":
    sys.exit(run(Path(sys.argv[1])))
