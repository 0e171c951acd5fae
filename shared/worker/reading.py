"""What a lane's reader makes of the body of a message."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from shared.contract.reply import Reply
from shared.decision import Event


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


Reader = Callable[[str, bytes, str], Parsed]
"""From type, body and role to a message. Raises `shared.contract.Unreadable`."""
