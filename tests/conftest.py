"""Fixtures of all tests; the servers start when the first test asks for them."""

import itertools
import logging
import sys
from collections.abc import AsyncIterator, Iterator

import pytest
import structlog
from hypothesis import settings

from deploy.local.stack import Stack
from tests.kit.forked import StackOfForks
from tests.kit.servers import fresh_ledger, private_stack

pytest_plugins = ["tests.kit.leftovers"]
settings.register_profile("untimed", deadline=None)  # a busy machine is no fault of what is tested
settings.load_profile("untimed")
_numbers = itertools.count(1)
_FIRST = (
    "tests/upgrade/",
    "tests/chaos/",
    "tests/web/",
    "tests/alerts/",
    "tests/far_ends/",
    "tests/adversity/",
    "tests/integration/",
)
"""What takes minutes begins first; what takes a moment fills the gaps at the end: two files run at a time."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the files in that order; each stays as it is."""
    ranks = {folder: rank for rank, folder in enumerate(_FIRST)}

    def rank(item: pytest.Item) -> int:
        return next((ranks[folder] for folder in ranks if item.nodeid.startswith(folder)), len(ranks))

    items.sort(key=rank)


@pytest.fixture(autouse=True)
def logs_as_they_were() -> Iterator[None]:
    """Undo what a test called in this process set for logs: the next would log to where nobody reads."""
    hook, handlers = sys.excepthook, logging.getLogger().handlers[:]
    configured, was = structlog.is_configured(), structlog.get_config()
    yield
    sys.excepthook = hook
    logging.getLogger().handlers[:] = handlers
    structlog.configure(**was) if configured else structlog.reset_defaults()


@pytest.fixture(scope="session")
def servers() -> Iterator[Stack]:
    """Private Postgres, RabbitMQ and fake providers for the whole session, not reset between tests."""
    with private_stack(kind=StackOfForks) as stack:
        yield stack


@pytest.fixture
async def stack(servers: Stack) -> AsyncIterator[Stack]:
    """The servers with a fresh ledger, empty queues, nothing captured, no faults and no workers."""
    async with fresh_ledger(servers, f"ledger_{next(_numbers)}") as stack:
        yield stack
