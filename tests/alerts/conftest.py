"""The scene of the faults, one for each file of tests."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from deploy.local.stack import Stack
from tests.alerts.scene import Scene, scene_on


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def scene(servers: Stack, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Scene]:
    async with scene_on(servers, "alerts", tmp_path_factory.mktemp("alerts")) as scene:
        yield scene
