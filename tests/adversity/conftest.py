"""Servers and workers that the tests of one file share: to start them costs more than most of these tests."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from deploy.local.stack import Stack
from tests.kit.servers import empty_queues


@pytest.fixture(scope="module")
def running(servers: Stack, request: pytest.FixtureRequest) -> Iterator[Stack]:
    """The servers with a fresh ledger, empty queues and the `WORKERS` of the file, with its `SETTINGS`."""
    with ThreadPoolExecutor(1) as aside:  # the tests have a loop of their own
        aside.submit(asyncio.run, empty_queues(servers)).result()
    servers.far_ends.behave()
    servers.far_ends.forget()
    for letters in (servers.state / "spool/post").iterdir():
        letters.unlink()
    servers.use_new_database(f"ledger_{request.module.__name__.rpartition('.')[2]}")
    servers.settings.update(request.module.SETTINGS)
    servers.start_workers(request.module.WORKERS)
    yield servers
    servers.stop_workers(limit=5)
    servers.far_ends.behave()
    servers.settings.clear()
    servers.drop_database()
