"""Child processes that never outlive their parent."""

import os
import signal
import subprocess
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from deploy.errors import StackError
from deploy.local.os_user import OsUser
from deploy.local.waiting import wait_for

CHECKOUT = Path(__file__).parents[2]
_TAIL_BYTES = 2000

# The kernel signals a child when the *thread* that started it ends. This one thread
# starts all children and lives as long as the program.
_spawner = ThreadPoolExecutor(max_workers=1, thread_name_prefix="spawner")


@dataclass(frozen=True)
class Program:
    """A program to run.

    Attributes:
        name: the name of its pid file and its log.
        death_signal: the signal that the kernel sends it when this process ends, however it ends.
        home: a directory that its user must be able to reach.
    """

    name: str
    argv: list[str]
    log: Path
    env: Mapping[str, str] = field(default_factory=dict)
    cwd: Path = CHECKOUT
    os_user: OsUser = field(default_factory=OsUser)
    home: Path = CHECKOUT
    death_signal: str = "KILL"
    within: tuple[str, ...] = ()
    """The words before the command: it is begun as the current user, and becomes its own below them."""

    def command(self) -> list[str]:
        """Return the command line that runs it as its user and ends it with this process."""
        # `ip netns exec` replaces itself by what it runs, so the signal finds its way.
        tie = ["setpriv", "--pdeathsig", self.death_signal, *self.os_user.switches(self.home), "--"]
        return [*self.within, *tie, *self.argv]


class Process:
    """A running program, across restarts."""

    def __init__(self, program: Program, runs: Path) -> None:
        self.program = program
        self._record = runs / f"{program.name}.pid"
        self._popen: subprocess.Popen[bytes] | None = None
        self._asked_to_end = False
        self.started_at = 0.0
        """On the monotonic clock."""

    @property
    def name(self) -> str:
        """The program's name."""
        return self.program.name

    @property
    def pid(self) -> int:
        """The process id of the current or last run; 0 before the first."""
        return self._popen.pid if self._popen else 0

    def start(self) -> None:
        """Start the program, unless it runs."""
        if not self.alive():
            self.started_at = time.monotonic()
            self._asked_to_end = False
            self._popen = _spawner.submit(self._spawn).result()
            self._record.write_text(f"{self.pid} {_birth(self.pid)}")

    def _spawn(self) -> subprocess.Popen[bytes]:
        self.program.log.parent.mkdir(parents=True, exist_ok=True)
        with self.program.log.open("ab") as log:
            return subprocess.Popen(
                self.program.command(),
                env=environment(self.program.env),
                cwd=self.program.cwd,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C goes to this process only, which stops them in order
            )

    def alive(self) -> bool:
        """Return whether it runs."""
        return self._popen is not None and self._popen.poll() is None

    def send(self, number: signal.Signals) -> None:
        """Send the process a signal, if it runs."""
        if self._popen and self.alive():
            with suppress(ProcessLookupError):
                self._popen.send_signal(number)

    def ask_to_end(self) -> None:
        """Send SIGTERM and do not wait."""
        self._asked_to_end = True
        self.send(signal.SIGTERM)

    def stop(self, number: signal.Signals = signal.SIGTERM, limit: float = 12) -> None:
        """Ask it to end, and kill it if it has not ended within `limit` seconds."""
        if not self._asked_to_end:  # again, just as it ends of itself, would kill it
            self.send(number)
        if self._popen:
            with suppress(subprocess.TimeoutExpired):
                self._popen.wait(limit)
        self.kill()

    def kill(self) -> None:
        """Kill it and its children; return when it is gone."""
        if self._popen:
            _kill_group(self._popen.pid)
            self._popen.wait()
            self._record.unlink(missing_ok=True)

    def must_live(self) -> bool:
        """Return True.

        Raises:
            StackError: with the end of its log, when it has exited.
        """
        if not self.alive():
            code = self._popen.returncode if self._popen else None
            raise StackError(f"{self.name} exited with {code}\n{self.tail()}")
        return True

    def tail(self) -> str:
        """Return the end of its log."""
        if not self.program.log.exists():
            return ""
        text = self.program.log.read_bytes()[-_TAIL_BYTES:].decode(errors="replace")
        return f"--- end of {self.program.log}\n{text}"


def environment(extra: Mapping[str, str]) -> dict[str, str]:
    """Return a small clean environment with `extra`: exported variables cannot leak into a server."""
    kept = {
        name: text
        for name, text in os.environ.items()
        if name in {"PATH", "HOME", "TZ"} or name.startswith(("PYTHON", "COVERAGE"))
    }
    return {"LANG": "C.UTF-8", **kept, **extra}


def end_leftovers(runs: Path) -> list[str]:
    """Kill processes left by an earlier run that was killed; return their names."""
    ended = []
    for record in sorted(runs.glob("*.pid")):
        pid, _, birth = record.read_text().partition(" ")
        if birth and _birth(int(pid)) == birth:
            _kill_group(int(pid))
            wait_for(partial(_gone, int(pid), birth), 10, f"the end of {record.stem}")
            ended.append(record.stem)
        record.unlink(missing_ok=True)
    return ended


def _gone(pid: int, birth: str) -> bool:
    return _birth(pid) != birth


def _kill_group(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)


def _birth(pid: int) -> str:
    """Return when the process started, in clock ticks; empty when it is gone or a zombie."""
    try:
        state, *fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if state == "Z" else fields[18]
