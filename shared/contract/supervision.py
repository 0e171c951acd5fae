"""What supervisors ask. It is apart from the receipts, which channels load without the tables of citizens."""

from typing import ClassVar

from shared.contract import topology
from shared.contract.command import SUPERVISOR, Command, Refusals, ReplyData
from shared.contract.fields import Correlation, Instant, Line, Word
from shared.contract.model import Model
from shared.contract.parts import Operator


class Step(Model):
    """One thing that happened, as the ledger has it: which citizen it is about is not told."""

    at: Instant
    what: Word
    """Such as `pin.issued` or `delivery.sent`."""
    by: Line
    """The broker user whose message led to it, or the operator whom a console named: `operator:ID`."""
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
