"""Every alert fires when what it is for happens. Here: to servers, workers, the ledger, and by senders."""

from pathlib import Path

import pytest
import yaml

from tests.alerts.faults import FAULTS, Fault
from tests.alerts.firing import each_fault, seen_firing
from tests.alerts.replay import MISSING, RULES
from tests.alerts.scene import Scene

pytestmark = pytest.mark.skipif(bool(MISSING), reason=f"not installed: {MISSING}")


def test_every_alert_has_a_fault_that_it_is_for() -> None:
    groups = yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"]
    rules = [rule for group in groups for rule in group["rules"] if "alert" in rule]
    assert list(FAULTS) == list(dict.fromkeys(rule["alert"] for rule in rules))


@pytest.mark.asyncio(loop_scope="module")
@each_fault(far=False)
async def test_an_alert_fires_at_its_fault(
    scene: Scene, tmp_path: Path, alerts: frozenset[str], fault: Fault
) -> None:
    await seen_firing(scene, tmp_path, alerts, fault)
