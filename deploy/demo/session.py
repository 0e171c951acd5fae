"""The session of a demonstration: its broker clients, and the replies and messages received."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiormq.exceptions import AMQPError

from deploy.demo.events import Events
from deploy.errors import UnexpectedAnswerError
from deploy.local.captured import Captured
from deploy.local.client import Client
from deploy.local.inbox import Body
from shared.contract.ids import new_message_id

_LIMIT = 120.0
"""Seconds that a reply may take: everybody asks at once."""


WENT_WRONG = (UnexpectedAnswerError, TimeoutError, LookupError, OSError, AMQPError)
"""What ends one citizen's part and not the demonstration: no answer, a wrong one, or the broker is gone."""


@dataclass
class Session:
    """The shared state of the demonstration.

    Attributes:
        state: the stack's `.local`.
        clients: the clients, by broker user.
        effect_in_sight: whether an approval takes effect during the demonstration (R29).
        replies: the number of replies by command and code.
    """

    state: Path
    clients: Mapping[str, Client]
    events: Events
    captured: Captured
    effect_in_sight: bool
    replies: Counter[tuple[str, str]] = field(default_factory=Counter)

    @property
    def forms(self) -> Path:
        """The folder of the forms to sign (R23)."""
        return self.state / "captured/forms"

    async def ask(
        self,
        type_: str,
        body: Body,
        *,
        by: str = "portal",
        expected: str = "accepted",
        message_id: str | None = None,
    ) -> tuple[str, dict[str, Any]]:
        """Send a command as a broker user; return its id, new unless given, and the reply's data.

        Raises:
            UnexpectedAnswerError: the reply has another code than `expected`.
        """
        message_id = message_id or new_message_id()
        reply = await self.clients[by].ask(type_, body, message_id=message_id, limit=_LIMIT)
        code, data = str(reply["code"]), dict(reply["data"])
        self.replies[type_, code] += 1
        if code != expected:
            faults = ", ".join(f"{fault['field']}: {fault['code']}" for fault in reply["errors"])
            raise UnexpectedAnswerError(f"{type_} was answered {code}, not {expected} {faults}".rstrip())
        return message_id, data
