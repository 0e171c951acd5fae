"""The arithmetic of the benchmark: medians, spreads, percentiles, shares. Pure functions."""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any


@dataclass(frozen=True)
class Spread:
    """The results of several runs of one measure.

    Attributes:
        median: the figure to quote.
        low: the lowest.
        high: the highest.
        runs: how many there were.
    """

    median: float
    low: float
    high: float
    runs: int

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread":
        """Return the spread of one or more figures."""
        return cls(median(values), min(values), max(values), len(values))

    def told(self, unit: str, digits: int = 0) -> str:
        """Return the spread as a line to print."""
        runs = f"{self.runs} run{'s' if self.runs > 1 else ''}"
        return (
            f"median {self.median:.{digits}f} {unit}"
            f"   (min {self.low:.{digits}f}, max {self.high:.{digits}f}, {runs})"
        )

    def as_json(self) -> dict[str, Any]:
        """Return the spread as plain values."""
        return asdict(self)


def percentile(values: Sequence[float], share: float) -> float:
    """Return the smallest value that at least this share of the values does not exceed (nearest rank).

    Args:
        values: one or more, in any order.
        share: over 0, at most 1.
    """
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def fair_share(own: float, other: float, cores: float) -> float:
    """Return the fair part of a job's own CPU demand beside another job (max-min fairness).

    A job may use what the other leaves; if both need more than half, each gets half.

    Args:
        own: the cores that the job uses alone.
        other: the cores that the other uses alone.
        cores: how many there are.
    """
    due = max(cores / 2, cores - other)
    return min(1.0, due / own)


def verdict(value: float, target: float, *, at_least: bool) -> str:
    """Return a text that says whether a figure meets its target."""
    met = value >= target if at_least else value <= target
    return f"target {'at least' if at_least else 'at most'} {target:g}: {'met' if met else 'MISSED'}"
