"""Keeps a lane from knocking at a provider that is down. Pure: clock and chance come in.

closed --failed--> open --time passes--> half-open --succeeded--> closed
                     ^                       |
                     +--------failed---------+   (open for twice as long)
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum


class State(Enum):
    """How a lane may treat its provider."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


@dataclass(frozen=True, slots=True)
class Breaker:
    """The state of one lane's breaker; each step returns the next one.

    Attributes:
        base: open time after the first failure; doubles with each in a row.
        cap: longest open time.
        failures: failures in a row.
        retry_at: end of the open time; None when closed.
        probing: half-open, and the one batch that may try is on its way.
    """

    base: timedelta = timedelta(seconds=1)
    cap: timedelta = timedelta(minutes=1)
    failures: int = 0
    retry_at: datetime | None = None
    probing: bool = False

    def state(self, now: datetime) -> State:
        """Return how things stand."""
        if self.retry_at is None:
            return State.CLOSED
        return State.OPEN if now < self.retry_at else State.HALF_OPEN

    def allows(self, now: datetime) -> bool:
        """Tell whether a batch may be sent now: when half-open, one at a time."""
        return self.state(now) is not State.OPEN and not self.probing

    def wait(self, now: datetime) -> timedelta:
        """Return how long until a batch may be tried; zero when there is nothing to wait for."""
        if self.retry_at is None:
            return timedelta(0)
        return max(timedelta(0), self.retry_at - now)

    def tried(self, now: datetime) -> "Breaker":
        """A batch is being sent: if it is the probe of a half-open breaker, no other may follow yet."""
        return replace(self, probing=self.state(now) is State.HALF_OPEN)

    def succeeded(self) -> "Breaker":
        """The provider answered: closed, and the failures forgotten."""
        return Breaker(base=self.base, cap=self.cap)

    def failed(self, now: datetime, jitter: float, retry_after: float | None = None) -> "Breaker":
        """The provider was unreachable: open, for twice as long as the time before.

        Args:
            now: the moment of the failure.
            jitter: chance, from 0 up to 1: spreads the end over the second half of the time, so
                that many workers do not knock together and none knocks at once.
            retry_after: seconds the provider asked for; never shortened, even past the cap.
        """
        longest = min(self.cap, self.base * 2 ** min(self.failures, 30)) if self.base < self.cap else self.cap
        open_time = max(longest * (0.5 + jitter / 2), timedelta(seconds=retry_after or 0))
        return replace(self, failures=self.failures + 1, retry_at=now + open_time, probing=False)
