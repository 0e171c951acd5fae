"""The interface of a world: what citizen, portal, operator and gateway can do and see."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, NamedTuple, Protocol
from uuid import UUID

from deploy.local.captured import PageCopy
from shared.domain.account import Level, Status
from shared.domain.policy import PinPolicy

Body = dict[str, Any]


class Answer(NamedTuple):
    """The reply to a sender."""

    code: str
    data: Body


class Standing(NamedTuple):
    """The plain columns of a citizen's row."""

    status: Status
    level: Level | None


class World(Protocol):
    """The pure decisions, or the whole stack; one citizen of it.

    Attributes:
        number: makes the citizen's addresses different from those of every other life.
        person: the citizen's `pin.request`, without contacts.
        policy: the settings in force.
        reply_key: what a first access gives as `reply_key`.
    """

    number: int
    person: Body
    policy: PinPolicy
    reply_key: str

    @property
    def now(self) -> datetime:
        """The time."""

    def ask(self, user: str, type_: str, body: Body, *, times: int = 1) -> Answer:
        """Send one command as a user of the broker, several times under one message id."""

    def seal(self, worker: str, text: str) -> str:
        """Seal a PIN or a token to a worker."""

    def open(self, sealed: str) -> str:
        """Open what was sealed to `reply_key`."""

    def copies(self) -> Sequence[PageCopy]:
        """Return all that came to the citizen in this life."""

    def report(self, copy: UUID, status: str) -> None:
        """Report that a copy has not arrived: `failed` or `returned`."""

    def standing(self) -> Standing:
        """Return how the citizen stands in the ledger."""

    def until(self, condition: Callable[[], bool], what: str) -> None:
        """Wait until a condition holds; where nothing happens by itself it holds now or never."""
