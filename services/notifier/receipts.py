"""Receipts: reports of gateways and the print provider on deliveries handed over."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from pydantic import ValidationError

from shared.contract.delivery_events import DELIVERY_EVENTS
from shared.contract.internal import EarlyReceipt, FailedDelivery, ReturnedLetter
from shared.contract.notifier import DeliveryReceipt
from shared.contract.reply import accepted
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
from shared.errors import UnreadableMessageError
from shared.worker.command_reader import CommandReader
from shared.worker.reading import Parsed, Refusal

_ROUNDS = 10
_ROUND = timedelta(seconds=3)
_WITH_TIME = 7
"""The version of a UUID that begins with the time."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Recorded = Mapping[UUID, DeliveryRecord]
"""The status of the receipts' deliveries, as of the last decision; only those recorded."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """A receipt, and how often its delivery was not found yet."""

    told: DeliveryReceipt
    rounds: int = 0


class ReceiptReader:
    """Reads receipts from gateways, and retried ones."""

    def __init__(self, commands: CommandReader) -> None:
        self._commands = commands

    def __call__(self, type_: str, body: bytes, role: str) -> Parsed:
        """Read one receipt.

        Raises:
            shared.errors.UnreadableMessageError: it is no receipt, or its sender is not permitted.
        """
        if type_ == EarlyReceipt.type:
            if role not in EarlyReceipt.senders:
                raise UnreadableMessageError("forbidden_sender")
            return Parsed(_retry(body), ())
        parsed = self._commands(type_, body, role)
        if isinstance(parsed.message, Refusal):
            return parsed
        return replace(parsed, message=Receipt(parsed.message))


def _retry(body: bytes) -> Receipt:
    try:
        early = EarlyReceipt.model_validate_json(body)
    except ValidationError:
        raise UnreadableMessageError("not_a_receipt") from None
    return Receipt(early.receipt, early.rounds)


def receipt(_: Account, message: Receipt, at: ContextWith[Recorded]) -> Decision:
    """Record the receipt of a delivery; the issuer decides about a half that did not arrive."""
    told = message.told
    record = at.known.get(told.delivery_id)
    if record is None:
        return _go_round(message, at)
    if record.status in {"failed", "returned", told.status}:
        return Decision(reply=accepted())
    facts: dict[str, Any] = {
        "delivery_id": record.id,
        "channel": record.channel,
        "attempt": record.attempts,
    }
    event = Event(DELIVERY_EVENTS[told.status](**facts), correlation_id=record.correlation_id)
    return Decision(
        reply=accepted(),
        entries=(
            LedgerEntry(
                event.type, {**facts, "provider": told.provider}, correlation_id=record.correlation_id
            ),
        ),
        events=(event,),
        messages=_for_issuer(record, told),
        records=(replace(record, status=told.status),),
    )


def _for_issuer(record: DeliveryRecord, told: DeliveryReceipt) -> tuple[WorkerMessage, ...]:
    if told.status == "delivered":
        return ()
    subject = record.subject.hex()
    if told.status == "returned" and record.channel == "post":
        returned = ReturnedLetter(subject=subject, delivery_id=record.id)
        return (WorkerMessage(returned, correlation_id=record.correlation_id),)
    failed = FailedDelivery(subject=subject, delivery_id=record.id, reason=f"receipt_{told.status}")
    return (WorkerMessage(failed, correlation_id=record.correlation_id),)


def _go_round(message: Receipt, ctx: DecisionContext) -> Decision:
    """Retry a receipt later: gateways can be faster than our own commit.

    One for a delivery that was forgotten says nothing any more: its PIN was used or has expired.
    """
    told = message.told
    if _forgotten(told.delivery_id, ctx):
        return Decision(reply=accepted())
    if message.rounds >= _ROUNDS:
        parked = ParkedMessage(
            type=told.type,
            content=told.model_dump_json().encode(),
            reason="unknown_delivery",
            queue=told.lane,
        )
        return Decision(reply=accepted(), messages=(WorkerMessage(parked),))
    early = EarlyReceipt(receipt=told, rounds=message.rounds + 1)
    return Decision(
        reply=accepted(), messages=(WorkerMessage(early, due_at=ctx.now + _ROUND * early.rounds),)
    )


def _forgotten(delivery_id: UUID, ctx: DecisionContext) -> bool:
    """Return whether a delivery is so old, by the time in its id, that the ledger has forgotten it.

    Ids of earlier releases have no time in them.
    """
    if delivery_id.version != _WITH_TIME or not ctx.policy.delivery_retention:
        return False
    made_at = timedelta(milliseconds=delivery_id.int >> 80) + _EPOCH
    return ctx.now - made_at > ctx.policy.delivery_retention
