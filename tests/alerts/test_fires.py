"""Every alert fires when what it is for happens: a fault, its lines, mtail, the rules at their windows."""

from collections.abc import AsyncIterator
from math import inf
from pathlib import Path

import pytest
import pytest_asyncio
import yaml

from deploy.local.stack import Stack
from tests.alerts.faults import FAULTS, Fault
from tests.alerts.lines import WorkersLogs, later
from tests.alerts.replay import MISSING, RULES, SCRAPE, SELDOM, Firing, fires, series
from tests.alerts.scene import Scene, scene_on

pytestmark = pytest.mark.skipif(bool(MISSING), reason=f"not installed: {MISSING}")

BEGAN = 600.0
"""Seconds of a replay before the fault, in which nothing is said."""
HOURS = 2 * 60
"""Minutes of a replay of which a scrape in four minutes shows enough."""
CASES = [
    pytest.param(alert, fault, id=f"{alert}: {fault.happens.__name__.replace('_', ' ')}")
    for alert, faults in FAULTS.items()
    for fault in faults
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def scene(servers: Stack, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Scene]:
    async with scene_on(servers, "alerts", tmp_path_factory.mktemp("alerts")) as scene:
        yield scene


def test_every_alert_has_a_fault_that_it_is_for() -> None:
    groups = yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"]
    assert list(FAULTS) == [rule["alert"] for group in groups for rule in group["rules"]]


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(("alert", "fault"), CASES)
async def test_an_alert_fires_at_its_fault(scene: Scene, tmp_path: Path, alert: str, fault: Fault) -> None:
    if fault.lacking:
        pytest.skip(f"not installed: {fault.lacking}")
    await scene.clear()
    logs = WorkersLogs(scene.stack)
    scene.begin()
    await fault.happens(scene)
    lines = later([*logs.lines(scene.began, fault.speed), *scene.printed], BEGAN)
    until = BEGAN + 60 * fault.lasts
    every = SELDOM if fault.lasts > HOURS else SCRAPE
    away = (BEGAN if fault.blind else inf, inf)
    found = series(lines, tmp_path, until=until, every=every, away=away)
    fires(found, Firing(BEGAN, until, frozenset({alert}), frozenset({alert})), tmp_path, every=every)
