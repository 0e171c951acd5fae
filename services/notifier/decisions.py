"""Decisions on the outcome of a bundle: records, entries, events, and retries."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from math import ceil
from typing import Any

from services.notifier.backoff import exhausted, next_delay
from services.notifier.bundle import Bundle, ReturningBundle, Sealed
from services.notifier.outcome import Postponed, Refused, Result, Sent, Unopenable, Unreachable
from services.notifier.outgoing import Held
from services.notifier.settings import NotifierSettings
from shared.contract import topology
from shared.contract.delivery import BUNDLE
from shared.contract.delivery_events import DELIVERY_EVENTS
from shared.contract.internal import FailedDelivery
from shared.domain.account import Account
from shared.domain.decision import (
    ContextWith,
    Decision,
    DecisionContext,
    DeliveryRecord,
    Event,
    LedgerEntry,
    ParkedMessage,
    WorkerMessage,
)


@dataclass(slots=True)
class BundleResult:
    """The result of a bundle, collected delivery by delivery."""

    channel: str
    entries: list[LedgerEntry] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    messages: list[WorkerMessage] = field(default_factory=list)
    records: list[DeliveryRecord] = field(default_factory=list)
    postponed: list[tuple[Sealed, float]] = field(default_factory=list)
    unreachable: list[tuple[Sealed, float]] = field(default_factory=list)

    def record(
        self,
        sealed: Sealed,
        status: str,
        reference: str = "",
        awaits_since: datetime | None = None,
        **more: str,
    ) -> None:
        """Record a delivery's status; a final one is published as an event, too."""
        facts: dict[str, Any] = {
            "delivery_id": sealed.id,
            "channel": self.channel,
            "attempt": sealed.attempt,
        }
        self.entries.append(
            LedgerEntry(f"delivery.{status}", {**facts, **more}, sealed.subject, sealed.correlation_id)
        )
        if told := DELIVERY_EVENTS.get(status):
            self.events.append(Event(told(**facts), sealed.subject, sealed.correlation_id))
        self.records.append(
            DeliveryRecord(
                id=sealed.id,
                subject=sealed.subject,
                channel=self.channel,
                status=status,
                attempts=sealed.attempt,
                reference=reference,
                correlation_id=sealed.correlation_id,
                awaits_since=awaits_since,
            )
        )

    def fail(self, sealed: Sealed, reason: str) -> None:
        """Fail a delivery permanently, and notify the issuer, which knows what it carried."""
        self.record(sealed, "failed", reason=reason)
        failed = FailedDelivery(subject=sealed.subject.hex(), delivery_id=sealed.id, reason=reason)
        self.messages.append(WorkerMessage(failed, correlation_id=sealed.correlation_id))


class BundleDecision:
    """Decides about the bundles of one channel.

    Args:
        channel: its name.
        settings: of the notifier.
        awaits: whether what is sent waits for a receipt that the provider accepted it.
    """

    def __init__(self, channel: str, settings: NotifierSettings, *, awaits: bool = False) -> None:
        self._channel, self._settings, self._awaits = channel, settings, awaits

    def __call__(self, _: Account, bundle: Bundle, ctx: ContextWith[Sequence[Result]]) -> Decision:
        """Record each delivery's outcome; temporary failures are retried as a smaller bundle."""
        course = BundleResult(self._channel)
        for sealed, result in zip(bundle.deliveries, ctx.known, strict=True):
            self._follow(course, bundle, sealed, result, ctx.now)
        messages = [*course.messages, *self._retry(bundle, course, ctx)]
        return Decision(
            entries=tuple(course.entries),
            events=tuple(course.events),
            messages=tuple(messages),
            records=tuple(course.records),
        )

    def _follow(
        self, course: BundleResult, bundle: Bundle, sealed: Sealed, result: Result, now: datetime
    ) -> None:
        match result:
            case Sent(reference):
                course.record(sealed, "sent", reference, now if self._awaits else None)
            case Refused(reason):
                course.fail(sealed, reason)
            case Postponed(reason) if exhausted(sealed.attempt, self._settings.retry_limit):
                course.fail(sealed, reason)
            case Postponed(reason, retry_after):
                course.record(sealed, "postponed", reason=reason)
                again = replace(sealed, attempt=sealed.attempt + 1, held=_held(sealed, result.held_by, now))
                course.postponed.append((again, retry_after or 0.0))
            case Unreachable(_, retry_after):
                again = replace(sealed, held=_held(sealed, result.held_by, now))
                course.unreachable.append((again, retry_after or 0.0))
            case Unopenable(reason):
                self._park(course, bundle, sealed, reason)

    def _park(self, course: BundleResult, bundle: Bundle, sealed: Sealed, reason: str) -> None:
        facts = {"delivery_id": str(sealed.id), "channel": self._channel, "reason": reason}
        course.entries.append(LedgerEntry("delivery.parked", facts, sealed.subject, sealed.correlation_id))
        parked = ParkedMessage(
            type=BUNDLE,
            content=bundle.only([sealed]),
            reason=reason,
            queue=topology.queue_of(self._channel),
            routing_key=self._channel,
        )
        course.messages.append(WorkerMessage(parked, correlation_id=sealed.correlation_id))

    def _retry(self, bundle: Bundle, course: BundleResult, ctx: DecisionContext) -> list[WorkerMessage]:
        """Return the retries of temporary failures, grouped by wait: none delays another."""
        again = []
        for (attempt, asked), group in _alike(course.postponed):
            wait = next_delay(attempt - 1, _chance(ctx), self._settings.retry_base, self._settings.retry_cap)
            again.append(self._requeue(bundle, group, ctx.now + max(wait, asked)))
        for (_, asked), group in _alike(course.unreachable):
            wait = self._settings.breaker_base * (1 + _chance(ctx))
            again.append(self._requeue(bundle, group, ctx.now + max(wait, asked)))
        return again

    def _requeue(self, bundle: Bundle, waiting: list[Sealed], due_at: datetime) -> WorkerMessage:
        returning = ReturningBundle(self._channel, bundle, tuple(waiting))
        return WorkerMessage(returning, due_at, waiting[0].correlation_id)


def _held(sealed: Sealed, provider: str, now: datetime) -> Held | None:
    """Return the provider that perhaps has a delivery, since the first time that it perhaps took it."""
    if sealed.held and sealed.held.provider == provider:
        return sealed.held
    return Held(provider, now) if provider else None


def _alike(waiting: list[tuple[Sealed, float]]) -> Iterable[tuple[tuple[int, timedelta], list[Sealed]]]:
    """Group deliveries by attempt and the wait that the provider asked for, in whole seconds."""
    groups: dict[tuple[int, timedelta], list[Sealed]] = {}
    for sealed, asked in waiting:
        groups.setdefault((sealed.attempt, timedelta(seconds=ceil(asked))), []).append(sealed)
    return groups.items()


def _chance(ctx: DecisionContext) -> float:
    return int.from_bytes(ctx.random(4)) / 2**32
