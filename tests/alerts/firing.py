"""A fault, its lines, mtail and the rules at their windows: together they make an alert fire."""

from collections import defaultdict
from math import inf
from pathlib import Path

import pytest

from tests.alerts.faults import FAULTS, Fault
from tests.alerts.lines import WorkersLogs, later
from tests.alerts.replay import SCRAPE, SELDOM, Firing, fires, series
from tests.alerts.scene import Scene

BEGAN = 600.0
"""Seconds of a replay before the fault, in which nothing is said."""
HOURS = 2 * 60
"""Minutes of a replay of which a scrape in four minutes shows enough."""
_FAR = {"tests.alerts.faults_of_far_ends", "tests.alerts.faults_of_letters"}


def each_fault(*, far: bool) -> pytest.MarkDecorator:
    """Return a test's parameters: faults of far ends and letters, or all others, with all their alerts."""
    alerts = defaultdict[Fault, list[str]](list)
    for alert, faults in FAULTS.items():
        for fault in faults:
            if (fault.happens.__module__ in _FAR) is far:
                alerts[fault].append(alert)
    return pytest.mark.parametrize(
        ("alerts", "fault"),
        [
            pytest.param(
                frozenset(names), fault, id=f"{', '.join(names)}: {fault.happens.__name__.replace('_', ' ')}"
            )
            for fault, names in alerts.items()
        ],
    )


async def seen_firing(scene: Scene, folder: Path, alerts: frozenset[str], fault: Fault) -> None:
    """Let a fault happen, and see these alerts fire.

    Raises:
        AssertionError: one of them does not.
    """
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
    found = series(lines, folder, until=until, every=every, away=away)
    fires(found, Firing(BEGAN, until, alerts, alerts), folder, every=every)
