"""Every alert is documented: what it means and what to do."""

import re
from typing import Any

import yaml

from deploy.local.processes import CHECKOUT
from shared.contract.events import EVENTS

RULES: list[dict[str, Any]] = [
    rule
    for group in yaml.safe_load((CHECKOUT / "deploy/monitoring/rules.yaml").read_text())["groups"]
    for rule in group["rules"]
]


def test_every_alert_has_its_place_in_the_runbook_and_no_other_does() -> None:
    runbook = (CHECKOUT / "docs/operations.md").read_text(encoding="utf-8")
    assert re.findall(r"^### (\w+)$", runbook, re.MULTILINE) == [rule["alert"] for rule in RULES]


def test_alerts_ask_for_events_that_the_workers_write() -> None:
    catalogue = (CHECKOUT / "docs/logs.md").read_text(encoding="utf-8")
    asked = {
        event
        for rule in RULES
        for alternatives in re.findall(r'event=~?"([^"]+)"', rule["expr"])
        for event in alternatives.split("|")
    }
    assert asked
    assert {event for event in asked if f"| `{event}` |" not in catalogue} == set()


def test_every_event_for_the_watchers_has_an_alert_of_its_own() -> None:
    """An event that is an alarm is logged as `alarm.raised`; somebody has to look at it."""
    expressions = " ".join(rule["expr"] for rule in RULES)
    watched = re.findall(r'event="alarm\.raised" \| alarm="([^"]+)"', expressions)
    assert sorted(watched) == sorted(type_ for type_, event in EVENTS.items() if event.alarm)
    labels = {
        name
        for rule in RULES
        for name in re.findall(r"sum by \(([^)]*)\)", rule["expr"])
        if "alarm" in rule["expr"]
    }
    for event in (event for event in EVENTS.values() if event.alarm):
        assert any(set(names.split(", ")) <= event.model_fields.keys() for names in labels)
