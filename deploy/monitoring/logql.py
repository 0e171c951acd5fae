"""The alerts for Loki's ruler, which counts the lines themselves."""

from collections.abc import Iterator

from deploy.monitoring.alert import Alert, duration, label, labelled, rules
from deploy.monitoring.alerts import ALERTS

_HEAD = """\
# Made by `python -m deploy.monitoring` from deploy/monitoring/alerts.py: what deserves a person's attention,
# read from the logs (docs/logs.md). Rules for Loki's ruler; the labels `namespace` and `container` are those
# that its usual agents set. What to do is in docs/operations.md under each name.
"""


def text() -> str:
    """Return the file of rules."""
    return _HEAD + rules([(labelled(alert), expression(alert)) for alert in ALERTS])


def expression(alert: Alert) -> str:
    """Return what an alert asks for, in LogQL."""
    stream = f'{{namespace="pin-online", container="{alert.container}"}}'
    lines = f"{stream} {' '.join(_filters(alert))} [{duration(alert.within)}]"
    if alert.absent:
        return f"absent_over_time({lines})"
    by = f" by ({', '.join(map(label, alert.by))}) " if alert.by else ""
    return f"sum{by}(count_over_time({lines})) > {alert.more_than}"


def _filters(alert: Alert) -> Iterator[str]:
    if alert.says:
        yield f'|~ "^({alert.says})"'
        return
    asked = {"event": alert.events, **alert.where}
    yield "| json" + _named({*asked, *alert.by})
    for field, values in asked.items():
        yield f'| {field}="{values[0]}"' if len(values) == 1 else f'| {field}=~"{"|".join(values)}"'


def _named(fields: set[str]) -> str:
    """Return which fields become labels, where one has another name: an agent's would hide it."""
    if all(label(field) == field for field in fields):
        return ""
    return " " + ", ".join(f'{label(field)}="{field}"' for field in sorted(fields))
