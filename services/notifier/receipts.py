"""What gateways and the print provider say became of a delivery after it was handed over."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from pydantic import ValidationError

from shared.account import Account
from shared.contract.delivery_events import DELIVERY_EVENTS
from shared.contract.internal import EarlyReceipt, FailedDelivery, ReturnedLetter
from shared.contract.notifier import DeliveryReceipt
from shared.contract.reply import accepted
from shared.contract.unreadable import Unreadable
from shared.decision import (
    DECISIONS,
    Decision,
    DeliveryRecord,
    Entry,
    Event,
    Internal,
    Moment,
    ParkedMessage,
    decides,
)
from shared.ledger import Ledger
from shared.worker.commands import CommandReader
from shared.worker.lane import Parsed, Taken
from shared.worker.writing import standing

_ROUNDS = 10
_ROUND = timedelta(seconds=3)


@dataclass(frozen=True, slots=True)
class Receipt:
    """A receipt, and how often it found no delivery yet."""

    told: DeliveryReceipt
    rounds: int = 0


class ReceiptReader:
    """Reads receipts from gateways, and those that go round."""

    def __init__(self, commands: CommandReader) -> None:
        self._commands = commands

    def __call__(self, type_: str, body: bytes, role: str) -> Parsed:
        """Read one receipt.

        Raises:
            shared.contract.message.Unreadable: it is none, or not from who may send it.
        """
        if type_ == EarlyReceipt.type and role == "worker":
            return Parsed(_again(body), (), DECISIONS[DeliveryReceipt])
        parsed = self._commands(type_, body, role)
        if parsed.refusal:
            return parsed
        return replace(parsed, message=Receipt(parsed.message))


def _again(body: bytes) -> Receipt:
    try:
        early = EarlyReceipt.model_validate_json(body)
    except ValidationError:
        raise Unreadable("not_a_receipt") from None
    return Receipt(early.receipt, early.rounds)


class Finding:
    """The effect of the receipts' lane: finds the deliveries that receipts speak of."""

    async def __call__(self, batch: Sequence[Taken], ledger: Ledger) -> None:
        """Set on each message the row of its delivery, or None while it is not recorded."""
        receipts = [taken for taken in batch if isinstance(taken.message, Receipt)]
        ids = [taken.message.told.delivery_id for taken in receipts]
        rows = {str(row["id"]): row for row in await ledger.rows("read_deliveries", ids)} if ids else {}
        for taken in receipts:
            row = rows.get(str(taken.message.told.delivery_id))
            taken.effect = standing(row) if row else None
            taken.subjects = (taken.effect.subject,) if taken.effect else ()

    async def close(self) -> None:
        """Nothing is held."""


@decides(DeliveryReceipt)
def receipt(_: Account, message: Receipt, at: Moment) -> Decision:
    """Record what became of a delivery; a half that did not arrive is the issuer's to judge."""
    found: DeliveryRecord | None = at.effect
    if found is None:
        return _go_round(message, at)
    record = at.deliveries.get(found.id, found)
    told = message.told
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
            Entry(event.type, {**facts, "provider": told.provider}, correlation_id=record.correlation_id),
        ),
        events=(event,),
        messages=_for_issuer(record, told),
        records=(replace(record, status=told.status),),
    )


def _for_issuer(record: DeliveryRecord, told: DeliveryReceipt) -> tuple[Internal, ...]:
    if told.status == "delivered":
        return ()
    subject = record.subject.hex()
    if told.status == "returned" and record.channel == "post":
        returned = ReturnedLetter(subject=subject, delivery_id=record.id)
        return (Internal(returned, correlation_id=record.correlation_id),)
    failed = FailedDelivery(subject=subject, delivery_id=record.id, reason=f"receipt_{told.status}")
    return (Internal(failed, correlation_id=record.correlation_id),)


def _go_round(message: Receipt, at: Moment) -> Decision:
    """Let a receipt come back: gateways can be quicker than our own commit."""
    told = message.told
    if message.rounds >= _ROUNDS:
        parked = ParkedMessage(
            type=told.type,
            content=told.model_dump_json().encode(),
            reason="unknown_delivery",
            queue=told.lane,
        )
        return Decision(reply=accepted(), messages=(Internal(parked),))
    early = EarlyReceipt(receipt=told, rounds=message.rounds + 1)
    return Decision(reply=accepted(), messages=(Internal(early, due_at=at.now + _ROUND * early.rounds),))
