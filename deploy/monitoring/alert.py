"""What an alert is: which lines of the log it asks for, how many within what time, and whom it calls."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One alert. It fires while more than so many lines of one kind were written within a time, or none.

    Attributes:
        name: as docs/operations.md has it.
        severity: `page` wakes somebody, `ticket` waits for the morning.
        summary: for whoever is called; `{{ $labels.NAME }}` is a field of `by`, `{{ $value }}` the lines.
        within: how far back lines count.
        events: the names of events, one of which a line has.
        where: values of further fields, one of which a line has in each.
        says: in place of events, a regular expression (RE2) for a line of plain text, from its beginning.
        by: the fields by which lines are told apart: one alert for each of their values.
        more_than: how many lines are still usual.
        absent: fires when there was no line.
        lasting: how long it must be so.
        container: whose log it is.
        because: why the figures are such, for the reader of the rules.
    """

    name: str
    severity: Literal["page", "ticket"]
    summary: str
    within: timedelta
    events: tuple[str, ...] = ()
    where: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    says: str = ""
    by: tuple[str, ...] = ()
    more_than: int = 0
    absent: bool = False
    lasting: timedelta = timedelta()
    container: Literal["worker", "pinctl"] = "worker"
    because: str = ""

    @property
    def counts(self) -> bool:
        """Whether the number of lines matters, and not only when the last one was."""
        return self.more_than > 0

    @property
    def metric(self) -> str:
        """The name of what mtail makes of its lines: their number, or when the last one was written."""
        words = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", self.name).lower()
        return f"pin_{words}_total" if self.counts else f"pin_{words}_last_seconds"


def duration(span: timedelta) -> str:
    """Return a time as Loki and Prometheus write it, such as `90s`, `15m` or `26h`."""
    seconds = round(span.total_seconds())
    for unit, length in (("h", 3600), ("m", 60)):
        if seconds % length == 0 and seconds >= length:
            return f"{seconds // length}{unit}"
    return f"{seconds}s"


def label(name: str) -> str:
    """Return the label of a field: Prometheus and Loki's agents have a `job` of their own."""
    return "print_job" if name == "job" else name


def labelled(alert: Alert) -> Alert:
    """Return an alert whose summary names the labels as they are called."""
    summary = alert.summary
    for name in alert.by:
        summary = summary.replace(f"$labels.{name} ", f"$labels.{label(name)} ")
    return replace(alert, summary=summary)


def rules(alerts: Sequence[tuple[Alert, str]], group: str = "pin-online") -> str:
    """Return a group of rules with their expressions, in the form that Loki's ruler and Prometheus share."""
    return f"groups:\n  - name: {group}\n    rules:\n" + "\n".join(_rule(*one) for one in alerts)


def _rule(alert: Alert, expression: str) -> str:
    because = "".join(f"      # {line}\n" for line in alert.because.splitlines())
    lasting = f"        for: {duration(alert.lasting)}\n" if alert.lasting else ""
    return (
        f"{because}      - alert: {alert.name}\n"
        f"        expr: '{expression}'\n"
        f"{lasting}"
        f"        labels: {{severity: {alert.severity}}}\n"
        f'        annotations: {{summary: "{alert.summary}"}}\n'
    )
