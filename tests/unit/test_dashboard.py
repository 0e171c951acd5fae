"""The dashboard asks for what is counted and recorded, and for nothing else."""

import json
import re

from deploy.monitoring import dashboard, program, promql

COUNTED = re.compile(r"(?:counter|gauge|histogram) (pin_\w+)")
ASKED = re.compile(r"\b(pin_\w+?)(?:_bucket)?\b(?=[\[{)])")


def test_every_panel_asks_for_what_mtail_counts_or_prometheus_records() -> None:
    counted = set(COUNTED.findall(program.text()))
    expressions = [expression for panel in dashboard.PANELS for expression, _ in panel.queries]
    asked = {name for expression in expressions for name in ASKED.findall(expression)}
    assert len(asked) > 8
    assert asked <= counted
    recorded = set(re.findall(r"record: (\S+)", promql.levels()))
    assert {name for one in expressions for name in re.findall(r"slo:errors:rate\w+", one)} <= recorded


def test_no_panel_covers_another() -> None:
    places = [panel["gridPos"] for panel in json.loads(dashboard.text())["panels"]]
    cells = [
        (x, y)
        for place in places
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]
    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) < 24
