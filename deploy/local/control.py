"""`up`, `down` and `status`: the stack's commands for the terminal."""

import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from deploy.errors import StackError
from deploy.local.lockfile import LockFile
from deploy.local.processes import CHECKOUT, end_leftovers
from deploy.local.waiting import wait_for

WITH_TLS = "every connection by TLS"
"""What a stack says of itself that was started so."""
_UP_LIMIT = 180.0
_DOWN_LIMIT = 60.0


class Control:
    """The stack whose state is in `<root>/.local`, seen from outside."""

    def __init__(self, root: Path) -> None:
        self._root = root.absolute()
        self._state = self._root / ".local"
        self._supervisor = LockFile(self._state / "supervisor")
        self._turn = LockFile(self._state / "turn")

    def up(self, *, tls: bool = False, pages: bool = False) -> str:
        """Start the stack unless it is up, and return the text to show to the user.

        Args:
            tls: every connection by TLS.
            pages: also portal, console and mailbox page, if it is not up.

        Raises:
            StackError: it does not start, or is up in the other way; the text says what to look at.
        """
        self._turn.acquire(wait=True)  # concurrent calls would start two supervisors
        try:
            return self._up(tls=tls, pages=pages)
        finally:
            self._turn.release()

    def _up(self, *, tls: bool, pages: bool) -> str:
        was_up = self._supervisor.held_by_another()
        if not was_up:
            self._supervisor.forget()
            self._spawn(tls=tls, pages=pages)
        try:
            wait_for(self._settled, _UP_LIMIT, f"the stack; see {self._state}/log/supervisor.log")
        except KeyboardInterrupt:
            self._end()
            raise
        said = self._supervisor.said()
        if said.state != "ready":
            self._end()
            raise StackError(said.text or f"the supervisor ended; see {self._state}/log/supervisor.log")
        if tls != (said.text == WITH_TLS):
            raise StackError(f"it is up {'without' if tls else 'with'} TLS: first take it down")
        return "already up" if was_up else "up"

    def _spawn(self, *, tls: bool, pages: bool) -> None:
        log = self._state / "log/supervisor.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as output:
            self._child = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "deploy.local.supervisor",
                    str(self._root),
                    *(["--tls"] if tls else []),
                    *(["--pages"] if pages else []),
                ],
                cwd=CHECKOUT,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def _settled(self) -> bool:
        state = self._supervisor.said().state
        if state in {"ready", "failed"}:
            return True
        child = getattr(self, "_child", None)
        if child is not None:
            return child.poll() is not None
        return not self._supervisor.held_by_another()

    def down(self) -> str:
        """Stop everything, and return the text to show to the user. The data stays."""
        self._turn.acquire(wait=True)
        try:
            return self._end()
        finally:
            self._turn.release()

    def _end(self) -> str:
        was_up = self._supervisor.held_by_another()
        if was_up:
            self._signal(signal.SIGTERM)
            try:
                wait_for(lambda: not self._supervisor.held_by_another(), _DOWN_LIMIT, "the end", every=0.05)
            except StackError:
                self._signal(signal.SIGKILL)
        ended = end_leftovers(self._state / "run")
        if was_up:
            return "down"
        return f"ended what an earlier run had left: {', '.join(ended)}" if ended else "already down"

    def _signal(self, number: signal.Signals) -> None:
        if pid := self._supervisor.said().pid:
            with suppress(ProcessLookupError):
                os.kill(pid, number)

    def status(self) -> str:
        """Return one line per process, or that the stack is down."""
        if not self._supervisor.held_by_another():
            return "down"
        said = self._supervisor.said()
        pids = (
            path.read_text().split()[0] + "  " + path.stem for path in sorted(self._state.glob("run/*.pid"))
        )
        return "\n".join((said.state, *pids, said.text)).rstrip()

    def is_up(self) -> bool:
        """Return whether the stack runs and is ready."""
        return self._supervisor.held_by_another() and self._supervisor.said().state == "ready"
