"""What gateways and the print provider tell the notifier, and what supervisors ask it."""

from typing import ClassVar, Literal

from shared.contract import topology
from shared.contract.command import GATEWAY, SUPERVISOR, Command, Refusals, ReplyData
from shared.contract.fields import Correlation, Identifier, Instant, Line, Note, Word
from shared.contract.model import Model
from shared.contract.parts import Operator


class DeliveryReceipt(Command):
    """What became of a delivery after it was handed over. Published to the exchange of receipts."""

    type: ClassVar[str] = "delivery.receipt"
    lane: ClassVar[str] = topology.RECEIPTS
    senders: ClassVar[frozenset[str]] = frozenset({GATEWAY})

    delivery_id: Identifier
    status: Literal["delivered", "failed", "returned"]
    provider: Line
    detail: Note = ""


class Step(Model):
    """One thing that happened, as the ledger has it: of nobody, as far as it says."""

    at: Instant
    what: Word
    """Such as `pin.issued` or `delivery.sent`."""
    by: Word
    """The broker user whose message led to it."""
    channel: Word | None = None
    """Of a delivery, as are those that follow."""
    attempt: int | None = None
    evidence: Line | None = None
    """By what an end is known."""


class TimelineData(Model):
    """What happened under one correlation id, in order."""

    steps: tuple[Step, ...]


class DeliveryTimeline(Command):
    """A supervisor asks what a command led to, and how its deliveries went; no personal data comes back."""

    type: ClassVar[str] = "delivery.timeline"
    lane: ClassVar[str] = topology.RECEIPTS
    senders: ClassVar[frozenset[str]] = frozenset({SUPERVISOR})
    reply_data: ClassVar[ReplyData] = TimelineData
    refusals: ClassVar[Refusals] = {"unknown_correlation": None}

    operator: Operator
    correlation: Correlation
    """The correlation id of the command: its `message_id`, unless its sender chose another."""
