"""The stack that the demonstration runs on: the one that is up, else one of its own that goes with it."""

import json
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from pydantic import TypeAdapter

from deploy.demo.screen import Screen
from deploy.local.lockfile import LockFile
from deploy.local.stack import Stack

DELAY = "PT1S"
_IN_SIGHT = timedelta(seconds=10)
# Apart from the citizens that tests and people make on the same ledger.
_FIRST = 3_000_000


@dataclass(frozen=True)
class DemoStack:
    """A stack that is up.

    Attributes:
        state: its `.local`.
        env: every setting in use.
        first: the number of the first citizen that no demonstration has used yet.
    """

    state: Path
    env: Mapping[str, str]
    first: int

    @property
    def delay(self) -> timedelta:
        """From an approval to its effect (R29)."""
        return TypeAdapter(timedelta).validate_python(self.env["PIN_DISPOSITIVO_DELAY"])

    @property
    def effect_in_sight(self) -> bool:
        """Tell whether the demonstration may wait for it."""
        return self.delay <= _IN_SIGHT


@contextmanager
def demo_stack(root: Path, citizens: int, screen: Screen) -> Iterator[DemoStack]:
    """Give the stack below `root`; one that was down is down again afterwards.

    Raises:
        deploy.local.waiting.StackError: it does not start.
    """
    state = root.absolute() / ".local"
    turn, supervisor = LockFile(state / "turn"), LockFile(state / "supervisor")
    turn.acquire(wait=True)  # somebody may be starting or stopping it
    try:
        ours = supervisor.acquire()
        first = _draw(state / "demo.json", citizens)
    finally:
        turn.release()
    if not ours:
        screen.say("The stack is up already and is used as it is; it stays up.")
        yield DemoStack(state, _read(state / "env"), first)
        return
    # `make down` ends us in order, as Ctrl-C does.
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    stack = Stack(root, {"PIN_DISPOSITIVO_DELAY": DELAY})
    try:
        _start(stack, supervisor, screen)
        yield DemoStack(state, stack.env, first)
    finally:
        with screen.doing("Stopping everything"):
            stack.stop()
        supervisor.release()


def _start(stack: Stack, supervisor: LockFile, screen: Screen) -> None:
    supervisor.say("starting")
    with screen.doing("Postgres, RabbitMQ, the SMS gateway, the SMTP servers and nine workers"):
        stack.start()
    supervisor.say("ready")


def _draw(path: Path, number: int) -> int:
    """Return the first of so many numbers that are drawn here once and never again."""
    drawn = json.loads(path.read_text())["drawn"] if path.exists() else 0
    path.write_text(json.dumps({"drawn": drawn + number}))
    return _FIRST + int(drawn)


def _read(path: Path) -> dict[str, str]:
    return dict(line.partition("=")[::2] for line in path.read_text().splitlines())
