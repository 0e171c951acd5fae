"""Fixtures of all tests; the servers start when the first test asks for them."""

import itertools
from collections.abc import AsyncIterator, Iterator

import pytest
from hypothesis import settings

from deploy.local.stack import Stack
from tests.kit.servers import fresh_ledger, private_stack

settings.register_profile("untimed", deadline=None)  # a busy machine is no fault of what is tested
settings.load_profile("untimed")
_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def servers() -> Iterator[Stack]:
    """Private Postgres, RabbitMQ and fake providers for the whole session, not reset between tests."""
    with private_stack() as stack:
        yield stack


@pytest.fixture
async def stack(servers: Stack) -> AsyncIterator[Stack]:
    """The servers with a fresh ledger, empty queues, nothing captured, no faults and no workers."""
    async with fresh_ledger(servers, f"ledger_{next(_numbers)}") as stack:
        yield stack
