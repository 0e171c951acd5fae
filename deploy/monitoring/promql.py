"""The alerts for Prometheus, from what mtail makes of the lines.

Three forms, each of which sees the first line that there ever is, and goes on where mtail was started again:

- whether there was a line: the time of the last one, which a gauge has, is recent enough;
- how many there were: a counter less what it was, or all of it, where there was none or it began anew;
- that there was none: the last one is too old, or unknown.
"""

from datetime import timedelta

from deploy.monitoring.alert import Alert, duration, label, labelled, rules
from deploy.monitoring.alerts import ALERTS
from deploy.monitoring.slos import alerts as burning
from deploy.monitoring.slos import recordings

_HEAD = """\
# Made by `python -m deploy.monitoring` from deploy/monitoring/alerts.py: what deserves a person's attention.
# Rules for Prometheus, about the metrics of mtail/pin.mtail. What to do is in docs/operations.md under each
# name.
"""
_KNOWN = "1d"
"""How long a counter may have been out of sight for what it was before still to count."""
BLIND = Alert(
    name="LogsUnwatched",
    severity="page",
    summary="mtail does not answer: no other alert can fire",
    within=timedelta(minutes=5),
    lasting=timedelta(minutes=5),
)
"""What only this form needs."""
_BLIND = 'up{job="mtail"} == 0 or absent(up{job="mtail"})'


def text() -> str:
    """Return the file of rules."""
    every = [*((labelled(alert), expression(alert)) for alert in ALERTS), (BLIND, _BLIND)]
    return _HEAD + rules(every) + "\n" + levels().partition("\n")[2]


def levels() -> str:
    """Return the group of the service levels: what is recorded, then the alerts on it."""
    head, _, alerts = rules([*burning()], "pin-online-slo").partition("    rules:\n")
    recorded = "\n".join(_recorded(*one) for one in recordings())
    return f"{head}    rules:\n{recorded}\n{alerts}"


def _recorded(name: str, slo: str, expression: str) -> str:
    return f"      - record: {name}\n        expr: '{expression}'\n        labels: {{slo: {slo}}}\n"


def expression(alert: Alert) -> str:
    """Return what an alert asks for, in PromQL."""
    metric, within, seconds = alert.metric, duration(alert.within), round(alert.within.total_seconds())
    by = f" by ({', '.join(map(label, alert.by))}) " if alert.by else ""
    if alert.absent:
        return f"(max(max_over_time({metric}[{within}])) or vector(0)) <= time() - {seconds}"
    if alert.counts:
        before = f"last_over_time({metric}[{_KNOWN}] offset {within})"
        return f"sum{by}({metric} - {before} >= 0 or {metric}) > {alert.more_than}"
    return f"max{by}(max_over_time({metric}[{within}])) > time() - {seconds}"
