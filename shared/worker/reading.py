"""What a lane's reader returns for the body of a message."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from shared.broker.message import Arrived
from shared.contract.reply import Reply
from shared.domain.decision import Event
from shared.worker.span import Span


@dataclass(frozen=True, slots=True)
class Refusal:
    """A message that breaks rules of the contract: its reply and events, in every lane."""

    reply: Reply
    events: tuple[Event, ...] = ()


@dataclass(frozen=True, slots=True)
class Parsed:
    """A parsed body: the message and the citizens whose accounts it touches."""

    message: Any
    subjects: tuple[bytes, ...]
    blind: bool = False


@dataclass(slots=True)
class ReceivedMessage:
    """A message that was read: its citizens, and the result of the lane's effect."""

    arrived: Arrived
    id: UUID
    digest: bytes
    actor: str
    correlation_id: str
    message: Any
    subjects: tuple[bytes, ...]
    blind: bool = False
    effect: Any = None
    shown: tuple[bytes, ...] = ()
    """Further citizens that a query reads: one whose account does not open is omitted from the reply."""
    handled: bool = False
    """Whether the inbox already has it, so that its effect must not be repeated."""
    alarms: tuple[Event, ...] = ()
    """Events that go with it whatever is decided about it: of who sends it, not of whom it is about."""
    parked: str = ""
    """Why the lane's effect rejected it: it is parked undecided."""
    span: Span | None = None
    """What records how it is handled, where that is traced."""
    measured: Mapping[str, int] | None = None
    """What the line of the log says of it besides: counts, by their names."""
    traces: Mapping[str, str] | None = None
    """By correlation id the `traceparent` of what follows, where one message has several traces in it."""

    @property
    def operator(self) -> tuple[str, str] | None:
        """The operator whom the sender declares, as id and office; None for a message of no operator."""
        return getattr(self.message, "declared", None)

    def traceparent(self, correlation_id: str = "") -> str:
        """Return the trace context of what it leads to, under this correlation id; empty for none."""
        if self.span is None:
            return self.arrived.traceparent
        return (self.traces or {}).get(correlation_id) or self.span.traceparent

    @property
    def refusal(self) -> Reply | None:
        """The reply to a message that breaks rules of the contract; None for any other."""
        return self.message.reply if isinstance(self.message, Refusal) else None


@dataclass(frozen=True, slots=True)
class Rejected:
    """A message that cannot be read: it goes to `pin.dead` with the reason."""

    arrived: Arrived
    reason: str


Reader = Callable[[str, bytes, str], Parsed]
"""From type, body and role to a message. Raises `shared.errors.UnreadableMessageError`."""
