"""What gateways and the print provider say became of a delivery after it was handed over."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from uuid import UUID

import orjson

from services.notifier.decisions import FAILED
from shared.account import Account
from shared.contract.message import Invalid, Unreadable, read
from shared.contract.notifier import DeliveryReceipt
from shared.contract.reply import accepted
from shared.decision import ContextWith, Decision, DeliveryRecord, Entry, Event, Internal, Moment
from shared.worker.commands import CommandReader
from shared.worker.reading import Parsed, Refusal

EARLY = "internal.notifier.receipt"
"""A receipt that came before its delivery was recorded, on its way round."""
_ROUNDS = 10
_ROUND = timedelta(seconds=3)
RETURNED = "internal.issuer.letter_returned"

Recorded = Mapping[UUID, DeliveryRecord]
"""How the deliveries stand that receipts speak of, as of the last decision; none that is not recorded yet."""


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
        if type_ == EARLY and role == "worker":
            return Parsed(_again(body), ())
        parsed = self._commands(type_, body, role)
        if isinstance(parsed.message, Refusal):
            return parsed
        return replace(parsed, message=Receipt(parsed.message))


def _again(body: bytes) -> Receipt:
    try:
        fields = orjson.loads(body)
        told = read(DeliveryReceipt.type, orjson.dumps(fields["receipt"]))
        rounds = int(fields["rounds"])
    except (ValueError, TypeError, KeyError, Invalid, Unreadable):
        raise Unreadable("not_a_receipt") from None
    if not isinstance(told, DeliveryReceipt):
        raise Unreadable("not_a_receipt")
    return Receipt(told, rounds)


def receipt(_: Account, message: Receipt, at: ContextWith[Recorded]) -> Decision:
    """Record what became of a delivery; a half that did not arrive is the issuer's to judge."""
    told = message.told
    record = at.known.get(told.delivery_id)
    if record is None:
        return _go_round(message, at)
    if record.status in {"failed", "returned", told.status}:
        return Decision(reply=accepted())
    facts = {"delivery_id": str(record.id), "channel": record.channel, "attempt": record.attempts}
    kind = f"delivery.{told.status}"
    return Decision(
        reply=accepted(),
        entries=(Entry(kind, {**facts, "provider": told.provider}, correlation_id=record.correlation_id),),
        events=(Event(kind, facts, correlation_id=record.correlation_id),),
        messages=_for_issuer(record, told),
        records=(replace(record, status=told.status),),
    )


def _for_issuer(record: DeliveryRecord, told: DeliveryReceipt) -> tuple[Internal, ...]:
    body = {"subject": record.subject.hex(), "delivery_id": str(record.id)}
    if told.status == "delivered":
        return ()
    if told.status == "returned" and record.channel == "post":
        return (_command(RETURNED, body, record),)
    return (_command(FAILED, {**body, "reason": f"receipt_{told.status}"}, record),)


def _command(kind: str, body: dict[str, str], record: DeliveryRecord) -> Internal:
    return Internal("pin.commands", kind, kind, orjson.dumps(body), correlation_id=record.correlation_id)


def _go_round(message: Receipt, at: Moment) -> Decision:
    """Let a receipt come back: gateways can be quicker than our own commit."""
    told = message.told.model_dump(mode="json")
    if message.rounds >= _ROUNDS:
        headers = {"x-reason": "unknown_delivery", "x-queue": DeliveryReceipt.lane}
        dead = Internal("pin.dead", "", DeliveryReceipt.type, orjson.dumps(told), headers=headers)
        return Decision(reply=accepted(), messages=(dead,))
    body = orjson.dumps({"receipt": told, "rounds": message.rounds + 1})
    due_at = at.now + _ROUND * (message.rounds + 1)
    return Decision(reply=accepted(), messages=(Internal("pin.commands", EARLY, EARLY, body, due_at),))
