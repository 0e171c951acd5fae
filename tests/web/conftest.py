"""Fixtures of the pages' tests: applications with fake workers, and Chromium."""

from collections.abc import AsyncIterator, Iterator
from inspect import iscoroutinefunction as _is_async
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from tests.web.kit.applications import KINDS, Application, application
from tests.web.kit.chromium import chromium

_HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run these tests in one loop, as the browser lives in it from test to test."""
    for item in items:
        if isinstance(item, pytest.Function) and _HERE in item.path.parents and _is_async(item.obj):
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest.fixture(params=KINDS)
def either(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Application]:
    """Each application in turn."""
    yield from _watched(request.param, tmp_path)


@pytest.fixture
def portal(tmp_path: Path) -> Iterator[Application]:
    """The portal."""
    yield from _watched("portal", tmp_path)


@pytest.fixture
def console(tmp_path: Path) -> Iterator[Application]:
    """The console."""
    yield from _watched("console", tmp_path)


def _watched(kind: str, folder: Path) -> Iterator[Application]:
    made = application(kind, folder)
    yield made
    assert not made.workers.dead, made.workers.dead


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """Chromium; without it the test is skipped."""
    async with chromium() as running:
        yield running
