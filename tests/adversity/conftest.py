"""Servers and workers shared by the tests of a file: starting them costs more than most of the tests."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from deploy.local.stack import Stack
from tests.kit.servers import fresh_ledger


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running(servers: Stack, request: pytest.FixtureRequest) -> AsyncIterator[Stack]:
    """The servers with a fresh ledger, empty queues and the `WORKERS` of the file, with its `SETTINGS`."""
    name = f"ledger_{request.module.__name__.rpartition('.')[2]}"
    async with fresh_ledger(servers, name, request.module.SETTINGS) as stack:
        stack.start_workers(request.module.WORKERS)
        yield stack
