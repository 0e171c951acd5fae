"""A console for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.web.console.browser import Browser, console


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Browser]:
    """A console whose file has one person of each role, and one of all."""
    with console(tmp_path) as browser:
        yield browser
