"""Receipts: what gateways, and other evidence of providers, report of deliveries handed over.

Each pair of reports, in either order, is decided on purpose: the table is in `docs/deliveries.md`.
"""

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from pydantic import ValidationError

from shared.contract.delivery_events import DELIVERY_EVENTS
from shared.contract.internal import (
    EarlyReceipt,
    FailedDelivery,
    ProviderReport,
    ReturnedLetter,
    UnsuitableAddress,
)
from shared.contract.notifier import DeliveryReceipt
from shared.contract.reply import accepted
from shared.contract.supervision import DeliveryTimeline
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
    made_at,
)
from shared.errors import UnreadableMessageError
from shared.worker.command_reader import CommandReader
from shared.worker.reading import Parsed, Refusal

NOT_ACCEPTED = "pec_not_accepted"
"""The evidence that is none: no receipt says that a PEC was accepted, within the time that is set."""
_BY_GATEWAY = "gateway_receipt"
"""The evidence of a receipt that a gateway, or the print provider, publishes itself."""
_ROUNDS = 10
_ROUND = timedelta(seconds=3)
_ON_THE_WAY = frozenset({"accepted", "posted", "delayed"})
"""What ends nothing."""
_BADLY = frozenset({"failed", "returned"})
"""The ends that stand: the issuer was notified, and the citizen may have another PIN by now."""
_ENDED = _BADLY | {"delivered"}
_MOST_REPORTED = 1500
"""Characters of what is kept of reports; evidence that says more than some forty things is not kept."""

Report = DeliveryReceipt | ProviderReport
"""What a gateway, or other evidence of a provider, says of a delivery."""
Recorded = DeliveryRecord | None
"""How the delivery of a receipt stands as of the last decision; None while it is not recorded."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """A receipt of a gateway or another report, and how often its delivery was not found yet."""

    report: Report
    rounds: int = 0


class ReceiptReader:
    """Reads receipts from gateways, retried ones, reports on other evidence, and what supervisors ask."""

    def __init__(self, commands: CommandReader) -> None:
        self._commands = commands

    def __call__(self, type_: str, body: bytes, role: str) -> Parsed:
        """Read one message.

        Raises:
            shared.errors.UnreadableMessageError: it is none of these, or its sender is not permitted.
        """
        ours = _OURS.get(type_)
        if ours is not None:
            if role not in ours.senders:
                raise UnreadableMessageError("forbidden_sender")
            return Parsed(_receipt(ours, body), ())
        parsed = self._commands(type_, body, role)
        if isinstance(parsed.message, Refusal | DeliveryTimeline):
            return parsed
        return replace(parsed, message=Receipt(parsed.message))


_OURS: dict[str, type[EarlyReceipt | ProviderReport]] = {
    EarlyReceipt.type: EarlyReceipt,
    ProviderReport.type: ProviderReport,
}


def _receipt(kind: type[EarlyReceipt | ProviderReport], body: bytes) -> Receipt:
    try:
        said = kind.model_validate_json(body)
    except ValidationError:
        raise UnreadableMessageError("not_a_receipt") from None
    return (
        Receipt(said, said.rounds) if isinstance(said, ProviderReport) else Receipt(said.receipt, said.rounds)
    )


def receipt(_: Account, message: Receipt, ctx: ContextWith[Recorded]) -> Decision:
    """Record what is reported of a delivery; the issuer decides about a half that did not arrive.

    A report ends a delivery, tells of its way, or of its address.
    """
    report, record = message.report, ctx.known
    if record is None:
        return _go_round(message, ctx)
    if isinstance(report, ProviderReport) and report.channel != record.channel:
        return _nothing("other_channel")
    if report.status == "unsuitable":
        return _unsuitable(report, record)
    return _on_the_way(report, record) if report.status in _ON_THE_WAY else _ended(report, record)


def _nothing(reason: str) -> Decision:
    return Decision(reply=accepted(), reason=reason)


def _ended(report: Report, record: DeliveryRecord) -> Decision:
    """End a delivery. That it failed or came back stands; that it arrived, until one of these is."""
    if record.status in _BADLY or record.status == report.status:
        return _nothing("ended_before")
    if _forgeable(report) and record.status != "sent":
        return _nothing("known_better")
    if _evidence(report) == NOT_ACCEPTED and (record.status != "sent" or record.awaits_since is None):
        return _nothing("heard_meanwhile")
    return _recorded(
        report,
        replace(record, status=report.status, awaits_since=None),
        messages=_for_issuer(record, report),
        published=True,
    )


def _on_the_way(report: Report, record: DeliveryRecord) -> Decision:
    """Enter, once, what ends nothing: the provider took it in charge, posted it, or still tries."""
    if record.status in _ENDED:
        return _nothing("ended_before")
    noted = _noted(report, record)
    return _recorded(report, noted) if noted else _nothing("reported_before")


def _unsuitable(report: Report, record: DeliveryRecord) -> Decision:
    """Publish, once, that the address cannot receive by this channel, whatever became of the delivery."""
    noted = _noted(report, record)
    if noted is None:
        return _nothing("reported_before")
    address = UnsuitableAddress(subject=record.subject.hex(), delivery_id=record.id)
    return _recorded(
        report,
        noted,
        messages=(WorkerMessage(address, correlation_id=record.correlation_id),),
        published=True,
    )


def _noted(report: Report, record: DeliveryRecord) -> DeliveryRecord | None:
    """Return the record with a report on it; None if it is on it already, or the record is full."""
    word = f"{report.status}/{_evidence(report)}".replace(" ", "_")
    known = record.reported.split()
    reported = " ".join((*known, word))
    if word in known or len(reported) > _MOST_REPORTED:
        return None
    return replace(record, reported=reported, awaits_since=None)


def _recorded(
    report: Report,
    record: DeliveryRecord,
    *,
    messages: tuple[WorkerMessage, ...] = (),
    published: bool = False,
) -> Decision:
    facts: dict[str, Any] = {
        "delivery_id": record.id,
        "channel": record.channel,
        "attempt": record.attempts,
        "evidence": _evidence(report),
    }
    entry = LedgerEntry(
        f"delivery.{report.status}",
        {**facts, "provider": report.provider},
        correlation_id=record.correlation_id,
    )
    kind = DELIVERY_EVENTS[report.status] if published else None
    return Decision(
        reply=accepted(),
        entries=(entry,),
        events=(Event(kind(**facts), correlation_id=record.correlation_id),) if kind else (),
        messages=messages,
        records=(record,),
    )


def _evidence(report: Report) -> str:
    return report.evidence if isinstance(report, ProviderReport) else _BY_GATEWAY


def _forgeable(report: Report) -> bool:
    return isinstance(report, ProviderReport) and report.forgeable


def _for_issuer(record: DeliveryRecord, report: Report) -> tuple[WorkerMessage, ...]:
    if report.status == "delivered":
        return ()
    subject = record.subject.hex()
    if report.status == "returned" and record.channel == "post":
        returned = ReturnedLetter(subject=subject, delivery_id=record.id)
        return (WorkerMessage(returned, correlation_id=record.correlation_id),)
    reason = report.evidence if isinstance(report, ProviderReport) else f"receipt_{report.status}"
    failed = FailedDelivery(subject=subject, delivery_id=record.id, reason=reason)
    return (WorkerMessage(failed, correlation_id=record.correlation_id),)


def _go_round(message: Receipt, ctx: DecisionContext) -> Decision:
    """Retry a receipt later: providers can be faster than our own commit.

    One for a delivery that was forgotten says nothing any more: its PIN was used or has expired.
    """
    report = message.report
    if _forgotten(report.delivery_id, ctx):
        return Decision(reply=accepted())
    if message.rounds >= _ROUNDS and _forgeable(report):
        return _nothing("names_no_delivery")
    if message.rounds >= _ROUNDS:
        parked = ParkedMessage(
            type=report.type, content=_body(report), reason="unknown_delivery", queue=report.lane
        )
        return Decision(reply=accepted(), messages=(WorkerMessage(parked),))
    rounds = message.rounds + 1
    again = _again(report, rounds)
    return Decision(reply=accepted(), messages=(WorkerMessage(again, due_at=ctx.now + _ROUND * rounds),))


def _again(report: Report, rounds: int) -> EarlyReceipt | ProviderReport:
    if isinstance(report, ProviderReport):
        return report.model_copy(update={"rounds": rounds})
    return EarlyReceipt(receipt=report, rounds=rounds)


def _body(report: Report) -> bytes:
    """Return what is parked: replayed, it goes all its rounds again."""
    if isinstance(report, ProviderReport):
        return report.model_copy(update={"rounds": 0}).body()
    return report.model_dump_json().encode()


def _forgotten(delivery_id: UUID | None, ctx: DecisionContext) -> bool:
    """Return whether a delivery is so old, by the time in its id, that the ledger has forgotten it.

    Ids of earlier releases have no time in them.
    """
    made = made_at(delivery_id) if delivery_id and ctx.policy.delivery_retention else None
    return made is not None and ctx.now - made > ctx.policy.delivery_retention
