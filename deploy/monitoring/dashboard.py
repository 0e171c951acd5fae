"""The dashboard for Grafana (10 or later), as its JSON model, from a list of panels.

`python -m deploy.monitoring` writes it. Its data source, a Prometheus that records the rules beside it, is
chosen in Grafana.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from deploy.monitoring.slos import SLOS

_SOURCE = {"type": "prometheus", "uid": "${source}"}
_COLUMNS, _HEIGHT = 24, 7


@dataclass(frozen=True, slots=True)
class Panel:
    """One panel.

    Attributes:
        title: above it.
        queries: each an expression and the legend of its series.
        unit: as Grafana names it.
        width: of 24 columns.
        kind: how it is drawn.
        limit: where the value turns bad, if anywhere.
        note: shown at the title.
    """

    title: str
    queries: Sequence[tuple[str, str]]
    unit: str = "short"
    width: int = 8
    kind: Literal["timeseries", "stat", "table"] = "timeseries"
    limit: float | None = None
    note: str = ""


def _quantiles(histogram: str) -> list[tuple[str, str]]:
    return [
        (
            f"histogram_quantile({share}, sum by (worker, le) (rate({histogram}_bucket[$__rate_interval])))",
            f"{{{{worker}}}} p{share * 100:.0f}",
        )
        for share in (0.5, 0.99)
    ]


def _less(every: str, good: str) -> str:
    rates = (f"sum by (worker) (rate({one}[$__rate_interval]))" for one in (every, good))
    return " - ".join(rates)


PANELS = (
    Panel(
        "Service levels, three days",
        [('1 - slo:errors:rate3d{slo!=""}', "{{slo}}")],
        unit="percentunit",
        kind="stat",
        limit=0.99,
        note="The share of good events (docs/slo.md); letters only with a print shop.",
    ),
    Panel(
        "How fast the budget burns, one hour",
        [
            (f'slo:errors:rate1h{{slo="{slo.name}"}} / {slo.budget}', "{{slo}}")
            for slo in SLOS
            if not slo.daily
        ],
        limit=14.4,
        note="1 uses up the errors of thirty days in thirty days; from 14.4 on somebody is woken.",
    ),
    Panel(
        "Alerts",
        [('count by (alertname, severity) (ALERTS{alertstate="firing"})', "{{alertname}} {{severity}}")],
        kind="table",
    ),
    Panel(
        "Handled, by outcome",
        [("sum by (outcome) (rate(pin_handled_total[$__rate_interval]))", "{{outcome}}")],
        unit="ops",
    ),
    Panel(
        "Handled, by lane",
        [("sum by (worker) (rate(pin_handled_total[$__rate_interval]))", "{{worker}}")],
        unit="ops",
    ),
    Panel(
        "Handled, by type",
        [("topk(10, sum by (type) (rate(pin_handled_total[$__rate_interval])))", "{{type}}")],
        unit="ops",
    ),
    Panel(
        "From the queue to the end",
        _quantiles("pin_waited_seconds"),
        unit="s",
        width=12,
        note="waited_ms: of what its sender, or a worker, stamped.",
    ),
    Panel("From a worker's hand to the end", _quantiles("pin_took_seconds"), unit="s", width=12),
    Panel(
        "Taken by providers",
        [("sum by (worker) (rate(pin_handed_total[$__rate_interval]))", "{{worker}}")],
        unit="ops",
    ),
    Panel(
        "Tries without a clear answer",
        [
            (
                _less("pin_tried_total", "pin_settled_total"),
                "{{worker}}",
            )
        ],
        unit="ops",
    ),
    Panel(
        "Late at the provider",
        [
            (
                _less("pin_handed_total", "pin_prompt_total"),
                "{{worker}}",
            )
        ],
        unit="ops",
    ),
    Panel(
        "Letters, today",
        [
            ("increase(pin_letters_total[24h])", "at the shop, or waiting"),
            ("increase(pin_letters_punctual_total[24h])", "on their day"),
            ('sum(increase(pin_handed_total{worker="notifier-post"}[24h]))', "taken in"),
        ],
        kind="stat",
        width=12,
    ),
    Panel(
        "Since a provider was last down",
        [("time() - max by (channel, reason) (pin_provider_down_last_seconds)", "{{channel}} {{reason}}")],
        unit="s",
        kind="table",
        width=12,
    ),
)


def text() -> str:
    """Return the dashboard."""
    panels, x, y = [], 0, 0
    for number, panel in enumerate(PANELS, 1):
        if x + panel.width > _COLUMNS:
            x, y = 0, y + _HEIGHT
        panels.append(_model(number, panel, x, y))
        x += panel.width
    source = {"name": "source", "label": "Prometheus", "type": "datasource", "query": "prometheus"}
    board = {
        "title": "PIN online",
        "uid": "pin-online",
        "tags": ["pin-online"],
        "schemaVersion": 39,
        "editable": True,
        "time": {"from": "now-6h", "to": "now"},
        "refresh": "1m",
        "timezone": "browser",
        "templating": {"list": [source]},
        "panels": panels,
    }
    return json.dumps(board, indent=1) + "\n"


def _model(number: int, panel: Panel, x: int, y: int) -> dict[str, Any]:
    steps: list[dict[str, Any]] = [{"color": "green", "value": None}]
    if panel.limit is not None:
        good = panel.unit == "percentunit"  # of which more is better
        steps = [
            {"color": "red" if good else "green", "value": None},
            {"color": "green" if good else "red", "value": panel.limit},
        ]
    return {
        "id": number,
        "title": panel.title,
        "description": panel.note,
        "type": panel.kind,
        "datasource": _SOURCE,
        "gridPos": {"x": x, "y": y, "w": panel.width, "h": _HEIGHT},
        "fieldConfig": {
            "defaults": {"unit": panel.unit, "min": 0, "thresholds": {"mode": "absolute", "steps": steps}},
            "overrides": [],
        },
        "options": {"reduceOptions": {"calcs": ["lastNotNull"]}} if panel.kind == "stat" else {},
        "targets": [
            {
                "refId": chr(ord("A") + place),
                "datasource": _SOURCE,
                "expr": expression,
                "legendFormat": legend,
                "instant": panel.kind == "table",
                "range": panel.kind != "table",
                "format": "table" if panel.kind == "table" else "time_series",
            }
            for place, (expression, legend) in enumerate(panel.queries)
        ],
    }
