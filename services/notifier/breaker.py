"""Circuit breaker: a lane does not call a provider that is down. Pure: clock and randomness are arguments.

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
        retry_at: end of the open time; None when closed. Half-open, one delivery may try.
    """

    base: timedelta = timedelta(seconds=1)
    cap: timedelta = timedelta(minutes=1)
    failures: int = 0
    retry_at: datetime | None = None

    def state(self, now: datetime) -> State:
        """Return the state."""
        if self.retry_at is None:
            return State.CLOSED
        return State.OPEN if now < self.retry_at else State.HALF_OPEN

    def wait(self, now: datetime) -> timedelta:
        """Return the time until a delivery may be tried; zero if it may now."""
        if self.retry_at is None:
            return timedelta(0)
        return max(timedelta(0), self.retry_at - now)

    def succeeded(self) -> "Breaker":
        """Return the breaker closed, with its failures reset: the provider answered."""
        return Breaker(base=self.base, cap=self.cap)

    def failed(
        self, now: datetime, jitter: float, retry_after: float | None = None, cap: timedelta | None = None
    ) -> "Breaker":
        """Return the breaker open, for twice as long as the time before: the provider was down.

        Args:
            now: the time of the failure.
            jitter: random, from 0 up to 1: spreads the end over the second half of the time, so
                that many workers do not retry together and none retries at once.
            retry_after: seconds the provider asked for; never shortened, even past the cap.
            cap: longest open time this once, where it is shorter.
        """
        cap = min(self.cap, cap or self.cap)
        longest = min(cap, self.base * 2 ** min(self.failures, 30)) if self.base < cap else cap
        open_time = max(longest * (0.5 + jitter / 2), timedelta(seconds=retry_after or 0))
        return replace(self, failures=self.failures + 1, retry_at=now + open_time)
