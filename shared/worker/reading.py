"""What a lane's reader makes of the body of a message."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from shared.broker.message import Arrived
from shared.contract.reply import Reply
from shared.domain.decision import Event


@dataclass(frozen=True, slots=True)
class Refusal:
    """A message that breaks rules of the contract: what is said of it, in every lane."""

    reply: Reply
    events: tuple[Event, ...] = ()


@dataclass(frozen=True, slots=True)
class Parsed:
    """What is made of a readable body: the message and whose accounts it touches."""

    message: Any
    subjects: tuple[bytes, ...]
    blind: bool = False


@dataclass(slots=True)
class ReceivedMessage:
    """A message that was read: whom it is about, and what the lane's effect gave."""

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
    """Citizens whom a question looks at beside: one whose account does not open is left out of the answer."""
    handled: bool = False
    """Whether the inbox was found to have it already, so that its effect must not be repeated."""
    parked: str = ""
    """Why the lane's effect gave it up: it is parked undecided."""

    @property
    def refusal(self) -> Reply | None:
        """What is answered to a message that breaks rules of the contract; None to any other."""
        return self.message.reply if isinstance(self.message, Refusal) else None


@dataclass(frozen=True, slots=True)
class Rejected:
    """A message that cannot be read: it goes to `pin.dead` with the reason."""

    arrived: Arrived
    reason: str


Reader = Callable[[str, bytes, str], Parsed]
"""From type, body and role to a message. Raises `shared.errors.UnreadableMessageError`."""
