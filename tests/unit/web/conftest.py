from pathlib import Path

import pytest

from tests.unit.web.browsing import Broker, Browser, Portal, portal_in


@pytest.fixture
def at_portal(tmp_path: Path) -> Portal:
    """A portal of two processes."""
    return portal_in(tmp_path)


@pytest.fixture
def broker(at_portal: Portal) -> Broker:
    """What answers its commands."""
    return at_portal.broker


@pytest.fixture
def browser(at_portal: Portal) -> Browser:
    """A browser in front of the first process."""
    return Browser(at_portal.app)
