"""Fixtures of all tests; the servers start when the first test asks for them."""

import itertools
from collections.abc import AsyncIterator, Iterator

import pytest

from deploy.local.stack import Stack
from tests.kit.servers import empty_queues, private_stack

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def servers() -> Iterator[Stack]:
    """Private Postgres, RabbitMQ and far ends for the whole session, as the last test left them."""
    with private_stack() as stack:
        yield stack


@pytest.fixture
async def stack(servers: Stack) -> AsyncIterator[Stack]:
    """The servers with a fresh ledger, empty queues, nothing captured, no faults and no workers."""
    await empty_queues(servers)
    servers.far_ends.behave()
    servers.far_ends.forget()
    servers.use_new_database(f"ledger_{next(_numbers)}")
    yield servers
    servers.stop_workers(limit=5)
    servers.settings.clear()
    servers.drop_database()
