"""What happens to the metric of each alert at and around its limits, and when it has to fire."""

from collections.abc import Callable
from dataclasses import dataclass

from deploy.monitoring.alert import Alert, label

STEP, LONG_STEP = 30, 600
"""Seconds between two looks, and at alerts about more than two hours."""
Firing = list[tuple[dict[str, str], int]]
Series = list[tuple[dict[str, str], Callable[[int], float | None]]]


@dataclass
class Course:
    """What happens to the metric of one alert, and when it fires: seconds, multiples of the step.

    Attributes:
        series: by labels, the value at each moment; None where there is none.
        fires: by moment, the labels of the alerts that fire then, with their value.
        last: the last moment.
    """

    alert: Alert
    series: Series
    fires: dict[int, Firing]
    last: int


def labels_of(alert: Alert, name: str) -> dict[str, str]:
    """Return labels as a line of this name gives them."""
    return {label(field): f"{name}-{field}" for field in alert.by}


def last_of(*lines: int) -> Callable[[int], float | None]:
    """Return a gauge with the time of the last line; there is none before the first."""
    return lambda now: max((line for line in lines if line <= now), default=None)


def seen(alert: Alert) -> Course:
    """The first line there ever was fires it, until that is too long ago, or lines that go on long enough."""
    within, lasting, at = _seconds(alert)
    one, other = labels_of(alert, "one"), labels_of(alert, "other")
    going_on = max(0, lasting - within)
    enough = [*range(at, at + going_on + 1, STEP), *([at + going_on + STEP] if going_on else [])]
    until = enough[-1] + within
    fires: dict[int, Firing] = {
        at - STEP: [],
        at + lasting - STEP: [],
        at + lasting: [(one, 0)],
        until - STEP: [(one, 0)],
        until: [],
    }
    too_few = enough[:-1] if going_on else []

    def begun_anew(now: int) -> float | None:
        # Where it was started again, the gauge is gone; what it was still counts.
        return None if now >= enough[-1] + STEP * 2 else last_of(*enough)(now)

    series: Series = [({**one, "instance": "a"}, begun_anew)]
    if alert.by and too_few:
        series.append(({**other, "instance": "a"}, last_of(*too_few)))
    return Course(alert, series, fires, until)


def counted(alert: Alert) -> Course:
    """More lines than are usual fire it, on two nodes together; not as many, and not those of long ago."""
    within, _, at = _seconds(alert)
    one = labels_of(alert, "one")
    usual, more = at, at + 3 * within
    gap = range(at + 6 * within, at + 7 * within, STEP)
    anew = at + 9 * within

    def node(now: int) -> float | None:
        if now in gap:
            return None
        if now >= anew:
            return alert.more_than + 1.0
        return 1000.0 + alert.more_than * (now >= usual) + alert.more_than * (now >= more)

    def other_node(now: int) -> float | None:
        # It has its first line when it is one too many, and is gone when it no longer counts.
        return 1.0 if more + STEP <= now < more + within + STEP else None

    burst = labels_of(alert, "burst")
    fires: dict[int, Firing] = {
        usual: [],
        more: [],
        more + STEP: [(one, alert.more_than + 1)],
        more + within - STEP: [(one, alert.more_than + 1)],
        more + within: [],
        gap[-1] + STEP: [],
        gap[-1] + within: [],
        gap[-1] + within + STEP: [],
        anew: [(one, alert.more_than + 1)],
        anew + within: [],
    }
    series: Series = [({**one, "instance": "a"}, node), ({**one, "instance": "b"}, other_node)]
    if alert.by:
        first = at + 11 * within
        series.append(
            ({**burst, "instance": "a"}, lambda now: alert.more_than + 1.0 if now >= first else None)
        )
        fires |= {first: [(burst, alert.more_than + 1)], first + within: []}
    return Course(alert, series, fires, max(fires))


def missing(alert: Alert) -> Course:
    """It fires while there was no line yet, and again when the last one is too long ago."""
    within, _, at = _seconds(alert)
    step = step_of(alert)
    again = at + within // 2 // step * step

    def anew(now: int) -> float | None:
        # Started again after the last line it knows of none, which is 0 to mtail.
        return last_of(at, again)(now) if now < again + step * 2 else 0

    fires: dict[int, Firing] = {
        at - step: [({}, 0)],
        at: [],
        again + within - step: [],
        again + within: [({}, 0)],
    }
    return Course(alert, [({"instance": "a"}, anew)], fires, again + within)


def course(alert: Alert) -> Course:
    """Return the course of an alert."""
    return (missing if alert.absent else counted if alert.counts else seen)(alert)


def _seconds(alert: Alert) -> tuple[int, int, int]:
    within = round(alert.within.total_seconds())
    return within, round(alert.lasting.total_seconds()), 2 * within


def step_of(alert: Alert) -> int:
    """Return the seconds between two looks at an alert."""
    return LONG_STEP if alert.within.total_seconds() > 2 * 3600 else STEP
