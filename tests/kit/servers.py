"""Private servers for a test session, always cleaned up; a fresh ledger on them for each test."""

import contextlib
import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path

import aio_pika

from deploy.broker import render
from deploy.local.rabbitmq import ADMIN
from deploy.local.stack import Stack

TLS = os.environ.get("PIN_TEST_TLS") == "1"
"""Whether the tests run on stacks whose every connection is by TLS."""
_PREFIX = "pin-test-"
_HELD = "held"
_LOCKED_WITHIN = 10.0
"""Seconds from a directory's making to its lock, at the very most."""


@contextlib.contextmanager
def private_directory() -> Iterator[Path]:
    """Yield a stack's directory, removed after the test or else by the next session."""
    _sweep()
    root = Path(tempfile.mkdtemp(prefix=_PREFIX))
    root.chmod(0o711)  # the servers' users must reach their directories
    with (root / _HELD).open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        try:
            yield root
        finally:
            shutil.rmtree(root, ignore_errors=True)


@contextlib.contextmanager
def private_stack(
    settings: dict[str, str] | None = None, *, tls: bool | None = None, kind: type[Stack] = Stack
) -> Iterator[Stack]:
    """Yield a stack with running servers, in its own directory; `tls` as for `Stack`, by default `TLS`."""
    with private_directory() as root:
        stack = kind(root, settings, tls=TLS if tls is None else tls)
        try:
            stack.start_servers()
            yield stack
        finally:
            stack.kill()


@contextlib.asynccontextmanager
async def fresh_ledger(
    servers: Stack, name: str, settings: Mapping[str, str] | None = None
) -> AsyncIterator[Stack]:
    """Yield servers with a ledger of this name, empty queues, nothing captured, no faults and no workers.

    Args:
        servers: shared by all tests of a session.
        name: of the ledger, dropped after the test.
        settings: of the workers that the test starts; reset after it.
    """
    servers.stop_workers(limit=5)
    await empty_queues(servers)
    servers.fake_providers.behave()
    servers.fake_providers.forget()
    servers.use_new_database(name)
    servers.settings.update(settings or {})
    try:
        yield servers
    finally:
        servers.stop_workers(limit=5)
        servers.fake_providers.behave()
        servers.settings.clear()
        servers.drop_database()


def _sweep() -> None:
    """Remove directories of killed sessions; a live one holds its lock."""
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
