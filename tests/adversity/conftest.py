"""Servers and workers shared by the tests of a file: starting them costs more than most of the tests."""

from collections.abc import AsyncIterator
from contextlib import ExitStack

import pytest
import pytest_asyncio

from deploy.local.stack import Stack
from tests.kit.collector import collecting
from tests.kit.servers import fresh_ledger


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running(servers: Stack, request: pytest.FixtureRequest) -> AsyncIterator[Stack]:
    """The servers with a fresh ledger, empty queues and the `WORKERS` of the file, with its `SETTINGS`.

    Where the file is `TRACED`, all spans are among what the stack has written.
    """
    name = f"ledger_{request.module.__name__.rpartition('.')[2]}"
    with ExitStack() as also:
        settings = dict(request.module.SETTINGS)
        if getattr(request.module, "TRACED", False):
            settings["PIN_TRACES_URL"] = also.enter_context(collecting(servers.state / "spans.otlp")).url
        async with fresh_ledger(servers, name, settings) as stack:
            stack.start_workers(request.module.WORKERS)
            yield stack
