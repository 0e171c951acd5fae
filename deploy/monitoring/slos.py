"""The service levels (docs/slo.md), and the alerts on how fast their budget of errors burns.

For Prometheus alone: they need the counts of days, which Loki would read anew from the lines at each turn.
The windows and factors are those of the SRE workbook's chapter «Alerting on SLOs»: at 14.4 times the allowed
rate a budget of thirty days lasts two days, at 6 times five days. A short window beside each long one ends
the alert soon after the errors end.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from deploy.monitoring.alert import Alert


@dataclass(frozen=True, slots=True, kw_only=True)
class Slo:
    """One service level.

    Attributes:
        name: in the label `slo`.
        alert: the name of its alert.
        good: the counter of good events.
        total: the counter of all.
        only: which of them, as a selector in braces; empty for all.
        objective: the share that has to be good.
        least: events in a long window without which nothing is said: two late ones of five are no trend.
        daily: events come once a day, so that only days are looked at.
        promise: for the dashboard and the alert.
    """

    name: str
    alert: str
    good: str
    total: str
    only: str = ""
    objective: float
    least: int
    daily: bool = False
    promise: str

    @property
    def budget(self) -> float:
        """The share of events that may be bad."""
        return round(1 - self.objective, 6)

    def errors(self, window: str) -> str:
        """Return the share of bad events in a window, in PromQL; nothing where there were no events."""
        good, total = (f"sum(rate({name}{self.only}[{window}]))" for name in (self.good, self.total))
        return f"1 - ({good} or vector(0)) / ({total} > 0)"

    def recorded(self, window: str) -> str:
        """Return the series in which that is recorded."""
        return f'slo:errors:rate{window}{{slo="{self.name}"}}'


SLOS = (
    Slo(
        name="handover",
        alert="HandOverLate",
        good="pin_prompt_total",
        total="pin_handed_total",
        only='{worker=~"notifier-(sms|email|pec)"}',
        objective=0.99,
        least=100,
        promise="a message is at its provider within 10 s of the command",
    ),
    Slo(
        name="replies",
        alert="RepliesLate",
        good="pin_replies_prompt_total",
        total="pin_replies_total",
        objective=0.99,
        least=100,
        promise="a command is answered within 1 s",
    ),
    Slo(
        name="outcomes",
        alert="OutcomesUnknown",
        good="pin_settled_total",
        total="pin_tried_total",
        only='{worker=~"notifier-(sms|email|pec)"}',
        objective=0.99,
        least=100,
        promise="a provider says at the first try whether it takes a message",
    ),
    Slo(
        name="letters",
        alert="LettersLate",
        good="pin_letters_punctual_total",
        total="pin_letters_total",
        objective=0.99,
        least=1,
        daily=True,
        promise="a letter is at the print shop on its day",
    ),
)
WINDOWS = ("5m", "30m", "1h", "2h", "6h", "1d", "3d")
"""What is recorded."""
Burn = tuple[float, str, str]
"""How many times faster than allowed, in a long window and in a short one."""
PAGES: tuple[Burn, ...] = ((14.4, "1h", "5m"), (6, "6h", "30m"))
TICKETS: tuple[Burn, ...] = ((3, "1d", "2h"), (1, "3d", "6h"))
OF_DAYS: tuple[Burn, ...] = ((1, "3d", "1d"),)


def recordings() -> Iterator[tuple[str, str, str]]:
    """Yield name, level and expression of each series that is recorded."""
    for slo in SLOS:
        for window in WINDOWS:
            yield f"slo:errors:rate{window}", slo.name, slo.errors(window)


def alerts() -> Iterator[tuple[Alert, str]]:
    """Yield the alerts, each with its expression."""
    for slo in SLOS:
        if not slo.daily:
            yield _alert(slo, "page"), " or ".join(_burning(slo, burn) for burn in PAGES)
        burns = OF_DAYS if slo.daily else TICKETS
        yield _alert(slo, "ticket"), " or ".join(_burning(slo, burn) for burn in burns)


def _alert(slo: Slo, severity: Literal["page", "ticket"]) -> Alert:
    return Alert(
        name=slo.alert,
        severity=severity,
        summary=f"too often for {slo.objective:.0%} it does not hold that {slo.promise}",
        within=timedelta(days=3),
    )


def _burning(slo: Slo, burn: Burn) -> str:
    factor, long, short = burn
    limit = f"{factor * slo.budget:.6g}"
    events = f"sum(increase({slo.total}{slo.only}[{long}])) >= {slo.least}"
    return f"({slo.recorded(long)} > {limit} and {slo.recorded(short)} > {limit} and on() {events})"
