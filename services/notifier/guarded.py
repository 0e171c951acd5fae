"""A provider behind its breaker and its judge: what it is sent, and when, while it works or fails."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import SystemRandom
from typing import Any, Protocol
from uuid import UUID

from services.notifier.breaker import Breaker, State
from services.notifier.channels import Channel
from services.notifier.channels.concurrency import ProviderChannel
from services.notifier.outcome import Outcome, Unreachable
from services.notifier.outgoing import Outgoing
from services.notifier.settings import NotifierSettings
from services.notifier.suspicion import Down, Hearing, Suspicion, Verdict
from shared.worker.lane import Upkeep

PATIENCE = 5.0
"""Seconds a batch waits for an open breaker before it is postponed: well under the time to stop."""


class Sender(Protocol):
    """What sends the deliveries of a lane: one provider, or several."""

    async def send(self, outgoing: list[Outgoing], /) -> list[Outcome]:
        """Send a batch; return one outcome each, in its order."""

    @property
    def upkeep(self) -> Upkeep | None:
        """Return what the providers do by the clock beside their deliveries, if anything."""

    async def close(self) -> None:
        """Close the connections."""


class GuardedProvider:
    """A channel to one provider, with what is known of that provider's state.

    Args:
        channel: what sends.
        settings: of the breaker.
        log: of the lane.
        provider: its name where the lane has several, else empty.
    """

    def __init__(self, channel: Channel, settings: NotifierSettings, log: Any, provider: str = "") -> None:  # noqa: ANN401
        self.upkeep = channel.upkeep if isinstance(channel, ProviderChannel) else None
        self._channel, self._log = channel, log
        self._said = {"channel": channel.name, **({"provider": provider} if provider else {})}
        self._breaker = Breaker(base=settings.breaker_base, cap=settings.breaker_cap)
        self._answered_cap = settings.breaker_answered_cap
        self._suspicion = Suspicion()
        self._rests_until = datetime.min.replace(tzinfo=UTC)
        self._chance = SystemRandom()

    @property
    def state(self) -> State:
        """The breaker's state."""
        return self._breaker.state(datetime.now(UTC))

    @property
    def wait(self) -> timedelta:
        """The time until it may be asked again; after a throttle it rests."""
        now = datetime.now(UTC)
        return max(self._breaker.wait(now), self._rests_until - now, timedelta(0))

    @property
    def suspicion(self) -> Suspicion:
        """What is known of its recipients' failures, for the hearing of the next batch."""
        return self._suspicion

    def least_suspect(self, waiting: Sequence[Outgoing]) -> Outgoing:
        """Choose the delivery to probe it with."""
        return self._suspicion.least_suspect(waiting)

    async def send(self, outgoing: list[Outgoing], /) -> list[Outcome]:
        """Send a batch, once the breaker lets it: the only provider of a lane is waited for."""
        await self._wait()
        waiting, outcomes = list(outgoing), dict[UUID, Outcome]()
        while waiting and self.state is State.HALF_OPEN:
            probe = self.least_suspect(waiting)
            waiting.remove(probe)
            outcomes |= await self.hand_over([probe], Hearing(self._suspicion, probing=True))
        if self.state is State.CLOSED:
            outcomes |= await self.hand_over(waiting, Hearing(self._suspicion))
        else:
            wait = self.wait.total_seconds()
            outcomes |= {one.id: Unreachable("breaker_open", wait) for one in waiting}
        return [outcomes[one.id] for one in outgoing]

    async def hand_over(self, batch: list[Outgoing], hearing: Hearing) -> dict[UUID, Outcome]:
        """Send a batch whatever the breaker's state, and learn from the answers; one batch at a time."""
        if not batch:
            return {}
        verdict = hearing.verdict(batch, await self._channel.send(batch, hearing))
        self._learn(verdict)
        return {one.id: self._bounded(outcome) for one, outcome in zip(batch, verdict.outcomes, strict=True)}

    async def close(self) -> None:
        """Close the channel's connections."""
        await self._channel.close()

    async def _wait(self) -> None:
        if wait := self.wait:
            await asyncio.sleep(min(wait.total_seconds(), PATIENCE))

    def _bounded(self, outcome: Outcome) -> Outcome:
        """Limit the wait for the provider to the breaker's next try, whatever it asked for."""
        if isinstance(outcome, Unreachable) and outcome.retry_after:
            return replace(outcome, retry_after=min(outcome.retry_after, self._breaker.cap.total_seconds()))
        return outcome

    def _learn(self, verdict: Verdict) -> None:
        self._suspicion = verdict.suspicion
        if verdict.down:
            self._open(verdict.down)
        elif verdict.asked:
            self._breaker = self._breaker.succeeded()
            if verdict.throttled:
                rest = self._breaker.base * (0.5 + self._chance.random() / 2)
                self._rests_until = datetime.now(UTC) + rest

    def _open(self, down: Down) -> None:
        now = datetime.now(UTC)
        # Three numbers over their limit for today must not close the lane for as long.
        asked = min(down.retry_after or 0.0, self._breaker.cap.total_seconds())
        cap = self._answered_cap if down.answered else None
        self._breaker = self._breaker.failed(now, self._chance.random(), asked, cap)
        wait = self._breaker.wait(now) // timedelta(milliseconds=1)
        self._log.warning("provider.down", **self._said, reason=down.reason, wait_ms=wait)
