"""Private servers for a test session, that nothing can leave behind."""

import contextlib
import fcntl
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import aio_pika

from deploy.broker import render
from deploy.local.rabbitmq import ADMIN
from deploy.local.stack import Stack

_PREFIX = "pin-test-"
_HELD = "held"
_LOCKED_WITHIN = 10.0
"""Seconds from a directory's making to its lock, at the very most."""


@contextlib.contextmanager
def private_directory() -> Iterator[Path]:
    """Give a directory for a stack that goes when the test does, or else with the next session."""
    _sweep()
    root = Path(tempfile.mkdtemp(prefix=_PREFIX))
    root.chmod(0o711)  # the servers' own users pass through
    with (root / _HELD).open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        try:
            yield root
        finally:
            shutil.rmtree(root, ignore_errors=True)


@contextlib.contextmanager
def private_stack(settings: dict[str, str] | None = None) -> Iterator[Stack]:
    """Give a stack with its servers started, in a directory of its own."""
    with private_directory() as root:
        stack = Stack(root, settings)
        try:
            stack.start_servers()
            yield stack
        finally:
            stack.kill()


def _sweep() -> None:
    """Remove what sessions left that were killed; a living one holds its lock."""
    for held in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*/{_HELD}"):
        with contextlib.suppress(OSError):
            if time.time() - held.stat().st_mtime > _LOCKED_WITHIN:
                with held.open() as file:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    shutil.rmtree(held.parent)


async def empty_queues(stack: Stack) -> None:
    """Purge every queue of the project."""
    connection = await aio_pika.connect(stack.rabbitmq.url(ADMIN))
    async with connection:
        channel = await connection.channel()
        for name in render.queues():
            await (await channel.get_queue(name, ensure=True)).purge()
