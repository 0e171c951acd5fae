"""The effect of a channel's lane: opens what is sealed to the channel, sends it, forgets it."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import SystemRandom
from typing import Any

from services.notifier.breaker import Breaker
from services.notifier.bundle import Bundle
from services.notifier.channels import Channel
from services.notifier.outcome import Outcome, Sent, Unreachable
from services.notifier.outgoing import Outgoing
from services.notifier.settings import NotifierSettings
from shared.delivery import UnreadableDelivery, from_bytes
from shared.ledger import Ledger
from shared.sealing import BundleOpener, Unsealable
from shared.worker.lane import Taken

_PATIENCE = 5.0
"""Seconds a batch waits for an open breaker before it is put off: well under the time to stop."""


@dataclass(frozen=True, slots=True)
class Unopenable:
    """What is not sealed to this channel, or not a delivery: parked alone."""

    reason: str


Result = Outcome | Unopenable


class Sending:
    """Sends the deliveries of a batch of bundles, all at once."""

    def __init__(self, channel: Channel, opener: BundleOpener, settings: NotifierSettings, log: Any) -> None:  # noqa: ANN401
        self._channel, self._opener, self._log = channel, opener, log
        self._breaker = Breaker(base=settings.breaker_base, cap=settings.breaker_cap)
        self._chance = SystemRandom()

    async def __call__(self, batch: Sequence[Taken], _: Ledger) -> None:
        """Send; sets on each message a list with what became of each of its deliveries."""
        waiting = [taken for taken in batch if not taken.handled]
        for taken in waiting:
            taken.effect = self._opened(taken.message)
        outgoing = [one for taken in waiting for one in taken.effect if isinstance(one, Outgoing)]
        outcomes = iter(await self._send(outgoing) if outgoing else [])
        for taken in waiting:
            taken.effect = [next(outcomes) if isinstance(one, Outgoing) else one for one in taken.effect]

    def _opened(self, bundle: Bundle) -> list[Outgoing | Unopenable]:
        try:
            open_one = self._opener.open(bundle.key)
        except Unsealable:
            return [Unopenable("bundle_not_sealed_to_channel")] * len(bundle.deliveries)
        opened: list[Outgoing | Unopenable] = []
        for sealed in bundle.deliveries:
            try:
                content = from_bytes(open_one(sealed.seal, sealed.id.bytes))
                opened.append(Outgoing(sealed.id, sealed.decided_at, sealed.attempt, content))
            except (Unsealable, UnreadableDelivery) as error:
                opened.append(Unopenable(type(error).__name__.lower()))
        return opened

    async def _send(self, outgoing: list[Outgoing]) -> list[Outcome]:
        if wait := self._breaker.wait(datetime.now(UTC)).total_seconds():
            await asyncio.sleep(min(wait, _PATIENCE))
        now = datetime.now(UTC)
        if not self._breaker.allows(now):
            return [Unreachable("breaker_open", self._breaker.wait(now).total_seconds())] * len(outgoing)
        self._breaker = self._breaker.tried(now)
        outcomes = await self._channel.send(outgoing)
        self._learn(outcomes)
        return outcomes

    def _learn(self, outcomes: Sequence[Outcome]) -> None:
        down = [outcome for outcome in outcomes if isinstance(outcome, Unreachable)]
        # Who takes one delivery is not down: the odd one out comes back, the lane is not slowed.
        if not down or any(isinstance(outcome, Sent) for outcome in outcomes):
            self._breaker = self._breaker.succeeded()
            return
        asked = max(outcome.retry_after or 0.0 for outcome in down)
        self._breaker = self._breaker.failed(datetime.now(UTC), self._chance.random(), asked)
        wait = self._breaker.wait(datetime.now(UTC)) // timedelta(milliseconds=1)
        self._log.warning("provider.down", channel=self._channel.name, reason=down[0].reason, wait_ms=wait)

    async def close(self) -> None:
        """Give back the channel's connections."""
        await self._channel.close()
