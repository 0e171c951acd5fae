"""Which provider of a channel gets a delivery. Pure: the clock is an argument, chance is the delivery's id.

Every provider has a *standing* from 0 to 1, the part that it keeps of what it was configured to get. Trouble
takes half of it at once, an outage all but a trace; success gives it back slowly, over `recovery`. A provider
is slow only beside a faster one: where all are slow, nothing moves.

The choice follows from the delivery's id and the shares alone (rendezvous hashing). So a bundle that comes
again after a crash goes to the provider that had it, which recognises it, and a change of shares moves only
the deliveries that it has to.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from hashlib import blake2b
from math import ceil, inf, log
from uuid import UUID

from services.notifier.outgoing import Held, Outgoing

TRACE = 0.05
"""The standing of a provider that comes back from an outage: enough to see whether it works."""
_SEVERAL = 3
"""Failures in a batch that count as the provider's; fewer are their recipients'."""
_PART = 0.2
"""The part of a batch that has to fail, besides."""
_FASTER = 2.0
"""How many times faster another provider has to be, before a slow one gives up anything."""
_LEAST_NEWS = 0.3
"""How much of its pace a batch determines, however small; one of twenty deliveries determines all of it."""
_STEPS = 10
"""Successes apart in time that a whole standing takes: one after a quiet day proves little."""
_BURST = 1.0
"""Seconds of its rate that a provider may be sent at once."""
_WORKS = 0.5
"""The standing from which a provider counts as one that works."""
_ROUND_UP = 15.0
"""Deliveries over a rate come back together, at multiples of these seconds."""
_LONGEST_WAIT = 300.0


@dataclass(frozen=True, slots=True)
class Report:
    """What a batch showed of a provider.

    Attributes:
        taken: deliveries that it took.
        failed: deliveries of which it did not say what became of them, or that it failed on.
        throttled: whether it asked for a lower rate.
        down: whether its breaker opened.
        seconds: how long the deliveries took, in all.
        answered: deliveries whose time was taken.
    """

    taken: int = 0
    failed: int = 0
    throttled: bool = False
    down: bool = False
    seconds: float = 0.0
    answered: int = 0

    @property
    def failing(self) -> bool:
        """Whether so much failed that the provider is the cause."""
        return self.failed >= _SEVERAL and self.failed >= _PART * (self.failed + self.taken)


@dataclass(frozen=True, slots=True)
class Route:
    """One provider, as the router sees it.

    Attributes:
        name: in the settings.
        weight: its part, beside those of the others.
        rate: deliveries a second, at most; 0: no limit.
        standing: what it keeps of its part.
        pace: seconds that a delivery takes lately; None if not known.
        seen_at: when a batch last showed something of it, in seconds of any clock.
        tokens: deliveries that it may be sent at once.
        filled_at: when these were counted.
    """

    name: str
    weight: float = 1.0
    rate: float = 0.0
    standing: float = 1.0
    pace: float | None = None
    seen_at: float = -inf
    tokens: float = inf
    filled_at: float = -inf

    def filled(self, now: float) -> "Route":
        """Return the route with the tokens that it has by now."""
        if not self.rate:
            return self
        most = max(1.0, self.rate * _BURST)
        tokens = most if self.filled_at == -inf else self.tokens + self.rate * (now - self.filled_at)
        return replace(self, tokens=min(most, tokens), filled_at=now)


@dataclass(frozen=True, slots=True)
class Plan:
    """Who gets what now.

    Attributes:
        batches: deliveries by provider, none over its rate.
        over_rate: deliveries that no provider may be sent now, by the one that is to get them.
        stuck: deliveries that no usable provider may get: the one that perhaps has each cannot be asked.
    """

    batches: dict[str, list[Outgoing]]
    over_rate: dict[str, list[Outgoing]]
    stuck: list[Outgoing]


@dataclass(frozen=True, slots=True)
class Router:
    """The state of the providers of one channel; each step returns the next one.

    Attributes:
        routes: in the order of the settings.
        ordered: whether the first gets all that it can take, and the next what it gave up; else by weight.
        slow: seconds from which a delivery takes long.
        recovery: in which a provider wins back what it lost, at the soonest.
        hold: how long a delivery stays with the provider that perhaps has it.
    """

    routes: tuple[Route, ...]
    ordered: bool = False
    slow: float = 2.0
    recovery: float = 600.0
    hold: timedelta = field(default=timedelta(minutes=5))

    def shares(self, usable: Collection[str], *, as_configured: bool = False) -> dict[str, float]:
        """Return each usable provider's part of new deliveries; they add up to 1.

        Args:
            usable: the providers that can be asked.
            as_configured: as if nothing had ever failed.
        """
        left, parts = 1.0, dict[str, float]()
        for route in self.routes:
            if route.name in usable:
                standing = 1.0 if as_configured else route.standing
                parts[route.name] = (left if self.ordered else route.weight) * standing
                left -= left * standing
        whole = sum(parts.values()) or 1.0
        return {name: part / whole for name, part in parts.items()}

    def ranking(self, id_: UUID, shares: Mapping[str, float]) -> list[str]:
        """Return the providers in the order in which a delivery is offered to them."""
        return sorted(shares, key=lambda name: _distance(id_, name, shares[name]))

    def keeper(self, held: Held | None, now: datetime) -> str | None:
        """Return the provider that alone may get a delivery now, as it perhaps has it; None for any."""
        if held is None or now - held.since >= self.hold:
            return None
        return held.provider if any(route.name == held.provider for route in self.routes) else None

    def plan(
        self,
        waiting: Sequence[Outgoing],
        usable: Collection[str],
        tried: Mapping[UUID, Collection[str]],
        clock: float,
        now: datetime,
    ) -> tuple["Router", Plan]:
        """Decide who gets what now; return the router with their tokens spent.

        Args:
            waiting: the deliveries.
            usable: the providers that can be asked.
            tried: those that each delivery was offered to in this batch already.
            clock: seconds, as of `Route.seen_at`.
            now: the time, as of `Held.since`.
        """
        shares = {again: self.shares(usable, as_configured=again) for again in (False, True)}
        filled = [route.filled(clock) for route in self.routes]
        tokens = {route.name: route.tokens for route in filled}
        plan = Plan({}, {}, [])
        for one in waiting:
            able = self._able(one, shares[one.redelivered], tried.get(one.id, ()), now)
            if not able:
                plan.stuck.append(one)
            elif name := next((name for name in able if tokens[name] >= 1), None):
                tokens[name] -= 1
                plan.batches.setdefault(name, []).append(one)
            else:
                plan.over_rate.setdefault(able[0], []).append(one)
        spent = tuple(replace(route, tokens=tokens[route.name]) for route in filled)
        return replace(self, routes=spent), plan

    def _able(
        self, one: Outgoing, shares: Mapping[str, float], tried: Collection[str], now: datetime
    ) -> list[str]:
        """Return the providers that may get a delivery now, the best first."""
        if keeper := self.keeper(one.held, now):
            return [keeper] if keeper in shares and keeper not in tried else []
        ranking = self.ranking(one.id, shares)
        if one.held and one.held.provider in ranking:
            # Its time is up there.
            ranking.remove(one.held.provider)
            ranking.append(one.held.provider)
        elif ranking:
            # What one provider does not deliver, such as to a network that it does not serve, the next may.
            turn = (one.attempt - 1) % len(ranking)
            ranking = ranking[turn:] + ranking[:turn]
        return [name for name in ranking if name not in tried]

    def with_one(self, name: str, clock: float) -> "Router | None":
        """Return the router with one delivery more at a provider; None if its rate allows none now."""
        route = self._route(name).filled(clock)
        return self._with(replace(route, tokens=route.tokens - 1)) if route.tokens >= 1 else None

    def alone(self, usable: Collection[str]) -> str | None:
        """Return the provider that works alone, of several: all others are down, or kept less than half."""
        working = [route.name for route in self.routes if route.name in usable and route.standing >= _WORKS]
        return working[0] if len(working) == 1 < len(self.routes) else None

    def until_room(self, name: str, position: int, clock: float) -> float:
        """Return the seconds until a provider's rate lets it be sent its next ones, up to a position."""
        route = self._route(name).filled(clock)
        return max(0.0, (position + 1 - route.tokens) / route.rate) if route.rate else 0.0

    def heard(self, name: str, report: Report, usable: Collection[str], clock: float) -> "Router":
        """Return the router after a batch at a provider.

        Args:
            name: the provider's.
            report: what the batch showed.
            usable: the providers that can be asked: beside them one is slow or not.
            clock: seconds.
        """
        if not (report.answered or report.down):
            return self
        route = self._route(name)
        seen = replace(route, pace=_pace(route.pace, report), seen_at=clock)
        standing = self._standing(seen, route.seen_at, report, usable, clock)
        return self._with(replace(seen, standing=standing))

    def _standing(
        self, route: Route, seen_at: float, report: Report, usable: Collection[str], clock: float
    ) -> float:
        if report.down:
            return TRACE
        if report.throttled or report.failing:
            return max(TRACE, route.standing / 2)
        if (route.pace or 0.0) > self.slow:
            faster = any(
                other.name != route.name and other.name in usable and self._is_faster(other, route, clock)
                for other in self.routes
            )
            return max(TRACE, route.standing / 2) if faster else route.standing
        if not report.taken:
            return route.standing
        gained = min(clock - seen_at, self.recovery / _STEPS) / self.recovery
        return min(1.0, route.standing + gained)

    def _is_faster(self, other: Route, route: Route, clock: float) -> bool:
        """Return whether another is faster by far; a spare one of which nothing is known of late may be."""
        if other.pace is None or clock - other.seen_at > self.recovery:
            return self.ordered
        return other.pace * _FASTER < (route.pace or 0.0)

    def slow_lately(self, name: str, clock: float) -> bool:
        """Return whether a provider is known to be slow now."""
        route = self._route(name)
        return (route.pace or 0.0) > self.slow and clock - route.seen_at <= self.recovery

    def _route(self, name: str) -> Route:
        return next(route for route in self.routes if route.name == name)

    def _with(self, changed: Route) -> "Router":
        routes = tuple(changed if route.name == changed.name else route for route in self.routes)
        return replace(self, routes=routes)


def wait_over_rate(seconds: float) -> float:
    """Return when deliveries over a rate come back: many together, rather than each by itself."""
    return min(_LONGEST_WAIT, ceil(seconds / _ROUND_UP) * _ROUND_UP)


def _pace(before: float | None, report: Report) -> float | None:
    if not report.answered:
        return before
    now = report.seconds / report.answered
    news = 1.0 if before is None else min(1.0, max(_LEAST_NEWS, report.answered / 20))
    return now if before is None else before + (now - before) * news


def _distance(id_: UUID, name: str, share: float) -> float:
    """Return a provider's distance from a delivery: it is the nearest for its share of all deliveries."""
    if not share:
        return inf
    drawn = int.from_bytes(blake2b(id_.bytes + name.encode(), digest_size=8).digest())
    return -log((drawn + 1) / (2**64 + 1)) / share
