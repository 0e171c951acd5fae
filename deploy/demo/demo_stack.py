"""The stack of the demonstration: the running one, else a temporary one that is stopped at the end."""

import json
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from pydantic import TypeAdapter

from deploy.demo.far_ends import FarEnds
from deploy.demo.screen import Screen
from deploy.local.lockfile import LockFile
from deploy.local.stack import Stack

DELAY = "PT1S"
_IN_SIGHT = timedelta(seconds=10)
# Distinct from the citizens that tests and people create on the same ledger.
_FIRST = 3_000_000


@dataclass(frozen=True)
class DemoStack:
    """A running stack.

    Attributes:
        state: its `.local`.
        env: every setting in use.
        first: the number of the first citizen not used by any demonstration yet.
        far_ends: what this demonstration added to it; None to one that was up.
        ours: whether this demonstration started it, and stops it.
    """

    state: Path
    env: Mapping[str, str]
    first: int
    far_ends: FarEnds | None = None
    ours: bool = False

    @property
    def delay(self) -> timedelta:
        """The delay from an approval to its effect (R29)."""
        return TypeAdapter(timedelta).validate_python(self.env["PIN_DISPOSITIVO_DELAY"])

    @property
    def effect_in_sight(self) -> bool:
        """Return whether this delay is short enough for the demonstration to wait."""
        return self.delay <= _IN_SIGHT


@contextmanager
def demo_stack(root: Path, citizens: int, screen: Screen, *, tls: bool = False) -> Iterator[DemoStack]:
    """Yield the stack below `root`; one that was down is started, by choice with TLS, and stopped again.

    Raises:
        deploy.local.waiting.StackError: it does not start.
    """
    state = root.absolute() / ".local"
    turn, supervisor = LockFile(state / "turn"), LockFile(state / "supervisor")
    turn.acquire(wait=True)  # another process may be starting or stopping it
    try:
        ours = supervisor.acquire()
        first = _draw(state / "demo.json", citizens)
    finally:
        turn.release()
    if not ours:
        screen.say("The stack is up already and is used as it is; it stays up.")
        yield DemoStack(state, _read(state / "env"), first)
        return
    # `make down` ends this process gracefully, as Ctrl-C does.
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    stack = Stack(root, {"PIN_DISPOSITIVO_DELAY": DELAY}, tls=tls, pages=True)
    far_ends = FarEnds(stack)
    try:
        _start(stack, far_ends, supervisor, screen)
        yield DemoStack(state, stack.env, first, far_ends, ours=True)
    finally:
        with screen.doing("Stopping everything"):
            stack.stop_workers()
            far_ends.ask_to_end()
            stack.stop()
            far_ends.stop()
        supervisor.release()


def _start(stack: Stack, far_ends: FarEnds, supervisor: LockFile, screen: Screen) -> None:
    supervisor.say("starting")
    with screen.doing("Postgres, RabbitMQ, two SMS gateways, mail servers, the workers and the pages"):
        far_ends.start()
        stack.start()
        far_ends.wait_ready()
    supervisor.say("ready")


def _draw(path: Path, number: int) -> int:
    """Reserve a range of `number` numbers that is never reused; return its first."""
    drawn = json.loads(path.read_text())["drawn"] if path.exists() else 0
    path.write_text(json.dumps({"drawn": drawn + number}))
    return _FIRST + int(drawn)


def _read(path: Path) -> dict[str, str]:
    return dict(line.partition("=")[::2] for line in path.read_text().splitlines())
