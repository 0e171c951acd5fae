"""The effect of a channel's lane: opens the sealed deliveries, sends them, and keeps no copy."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import SystemRandom
from typing import Any
from uuid import UUID

from services.notifier.breaker import Breaker, State
from services.notifier.bundle import Bundle
from services.notifier.channels import Channel
from services.notifier.outcome import Outcome, Unopenable, Unreachable
from services.notifier.outgoing import Outgoing
from services.notifier.settings import NotifierSettings
from services.notifier.suspicion import Down, Hearing, Suspicion, Verdict
from shared.contract.delivery import from_bytes
from shared.crypto.sealing import BundleOpener
from shared.errors import UnreadableDeliveryError, UnsealableError
from shared.ledger import Ledger
from shared.worker.reading import ReceivedMessage

_PATIENCE = 5.0
"""Seconds a batch waits for an open breaker before it is postponed: well under the time to stop."""


class SendEffect:
    """Sends the deliveries of a batch of bundles, concurrently."""

    def __init__(self, channel: Channel, opener: BundleOpener, settings: NotifierSettings, log: Any) -> None:  # noqa: ANN401
        self._channel, self._opener, self._log = channel, opener, log
        self._breaker = Breaker(base=settings.breaker_base, cap=settings.breaker_cap)
        self._answered_cap = settings.breaker_answered_cap
        self._suspicion = Suspicion()
        self._rest = timedelta(0)
        self._chance = SystemRandom()

    async def __call__(self, batch: Sequence[ReceivedMessage], _: Ledger) -> None:
        """Send, and set the results of its deliveries on each message, as a list."""
        waiting = [received for received in batch if not received.handled]
        for received in waiting:
            received.effect = self._opened(received.message)
        outgoing = [one for received in waiting for one in received.effect if isinstance(one, Outgoing)]
        outcomes = iter(await self._send(outgoing) if outgoing else [])
        for received in waiting:
            received.effect = [
                next(outcomes) if isinstance(one, Outgoing) else one for one in received.effect
            ]

    def _opened(self, bundle: Bundle) -> list[Outgoing | Unopenable]:
        try:
            open_one = self._opener.open(bundle.key, bundle.key_id)
        except UnsealableError:
            return [Unopenable("bundle_not_sealed_to_channel")] * len(bundle.deliveries)
        opened: list[Outgoing | Unopenable] = []
        for sealed in bundle.deliveries:
            try:
                content = from_bytes(open_one(sealed.seal, sealed.id.bytes))
                opened.append(Outgoing(sealed.id, sealed.decided_at, sealed.attempt, content))
            except (UnsealableError, UnreadableDeliveryError) as error:
                opened.append(Unopenable(type(error).__name__.lower()))
        return opened

    async def _send(self, outgoing: list[Outgoing]) -> list[Outcome]:
        await self._wait()
        waiting, outcomes = list(outgoing), dict[UUID, Outcome]()
        while waiting and self._breaker.state(datetime.now(UTC)) is State.HALF_OPEN:
            probe = self._suspicion.least_suspect(waiting)
            waiting.remove(probe)
            outcomes |= await self._hand_over([probe], probing=True)
        if self._breaker.state(datetime.now(UTC)) is State.CLOSED:
            outcomes |= await self._hand_over(waiting)
        else:
            wait = self._breaker.wait(datetime.now(UTC)).total_seconds()
            outcomes |= {one.id: Unreachable("breaker_open", wait) for one in waiting}
        return [outcomes[one.id] for one in outgoing]

    async def _wait(self) -> None:
        wait, self._rest = max(self._breaker.wait(datetime.now(UTC)), self._rest), timedelta(0)
        if wait:
            await asyncio.sleep(min(wait.total_seconds(), _PATIENCE))

    async def _hand_over(self, batch: list[Outgoing], *, probing: bool = False) -> dict[UUID, Outcome]:
        if not batch:
            return {}
        hearing = Hearing(self._suspicion, probing=probing)
        verdict = hearing.verdict(batch, await self._channel.send(batch, hearing))
        self._learn(verdict)
        return {one.id: self._bounded(outcome) for one, outcome in zip(batch, verdict.outcomes, strict=True)}

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
                self._rest = self._breaker.base * (0.5 + self._chance.random() / 2)

    def _open(self, down: Down) -> None:
        now = datetime.now(UTC)
        # Three numbers over their limit for today must not close the lane for as long.
        asked = min(down.retry_after or 0.0, self._breaker.cap.total_seconds())
        cap = self._answered_cap if down.answered else None
        self._breaker = self._breaker.failed(now, self._chance.random(), asked, cap)
        wait = self._breaker.wait(now) // timedelta(milliseconds=1)
        self._log.warning("provider.down", channel=self._channel.name, reason=down.reason, wait_ms=wait)

    async def close(self) -> None:
        """Close the channel's connections."""
        await self._channel.close()
