"""Where the demonstration plays: the broker, the far ends, and what was said there."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

from aiormq.exceptions import AMQPError

from deploy.demo.captured import Captured
from deploy.demo.events import Events
from deploy.local.client import Body, Client
from shared.sealing import Keys, seal_to
from shared.secret import Secret


class Unexpected(Exception):  # noqa: N818 - reads as what it says
    """The workers answered otherwise than the rules say."""


WENT_WRONG = (Unexpected, TimeoutError, LookupError, OSError, AMQPError)
"""What ends one citizen's part and not the play: no answer, a wrong one, or the broker is gone."""


@dataclass
class Scene:
    """Where it all plays.

    Attributes:
        state: the stack's `.local`.
        clients: by broker user.
        effect_in_sight: whether an approval takes effect while we look on (R29).
        replies: how often which command was answered how.
    """

    state: Path
    clients: Mapping[str, Client]
    events: Events
    captured: Captured
    effect_in_sight: bool
    replies: Counter[tuple[str, str]] = field(default_factory=Counter)

    @property
    def forms(self) -> Path:
        """Where the forms to sign are put (R23)."""
        return self.state / "captured/forms"

    async def ask(
        self, type_: str, body: Body, *, by: str = "portal", expected: str = "accepted"
    ) -> tuple[str, dict[str, Any]]:
        """Send a command as a broker user; return its id and what the reply says.

        Raises:
            Unexpected: the reply has another code than `expected`.
        """
        message_id = str(uuid4())
        reply = await self.clients[by].ask(type_, body, message_id)
        self.replies[type_, reply.code] += 1
        if reply.code != expected:
            faults = ", ".join(f"{fault.field}: {fault.code}" for fault in reply.errors)
            raise Unexpected(f"{type_} was answered {reply.code}, not {expected} {faults}".rstrip())
        return message_id, reply.data

    def sealed(self, to: str, text: str) -> str:
        """Seal a text to a service's public key."""
        return seal_to(Keys(self.state / "keys").public(to), Secret(text))
