"""Every alert fires when what it is for happens. Here: to far ends and letters."""

from pathlib import Path

import pytest

from tests.alerts.faults import Fault
from tests.alerts.firing import each_fault, seen_firing
from tests.alerts.replay import MISSING
from tests.alerts.scene import Scene

pytestmark = pytest.mark.skipif(bool(MISSING), reason=f"not installed: {MISSING}")


@pytest.mark.asyncio(loop_scope="module")
@each_fault(far=True)
async def test_an_alert_fires_at_its_fault(
    scene: Scene, tmp_path: Path, alerts: frozenset[str], fault: Fault
) -> None:
    await seen_firing(scene, tmp_path, alerts, fault)
