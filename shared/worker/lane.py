"""What the shell has to know of a lane: the worker's own part, in values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol
from uuid import UUID

from shared.amqp import Arrived
from shared.contract.reply import Reply
from shared.decision import Decisions
from shared.ledger import Ledger
from shared.worker.reading import Reader, Refusal

if TYPE_CHECKING:
    from shared.worker.writing import Writing


@dataclass(slots=True)
class Taken:
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
class Unreadable:
    """A message that cannot be read: it goes to `pin.dead` with the reason."""

    arrived: Arrived
    reason: str


class Guilty(Exception):  # noqa: N818 - what it says of the message
    """What one message leads to cannot be written down: the batch is decided anew, and that message parked.

    Attributes:
        taken: the message.
        reason: under which it is parked.
    """

    def __init__(self, taken: Taken, reason: str) -> None:
        super().__init__(reason)
        self.taken, self.reason = taken, reason


class Effect(Protocol):
    """What a lane does outside the ledger before it decides; sets `effect` on each message."""

    async def __call__(self, batch: Sequence[Taken], ledger: Ledger, /) -> None:
        """Perform the effect for the messages whose `handled` is False; faults of the world are outcomes."""

    async def close(self) -> None:
        """Let go of what the effect holds."""


class Facts:
    """What the decisions of a lane know beside the account: as a rule, what its effect gave."""

    async def read(self, batch: Sequence[Taken], writing: "Writing", ledger: Ledger) -> None:
        """Read what can be read only in the transaction, once the citizens are locked.

        Raises:
            Guilty: because of one message it cannot be known what to read.
        """

    def of(self, taken: Taken, writing: "Writing") -> Any:  # noqa: ANN401, ARG002 - as the decision takes it
        """Return what the decision about a message knows, as of the last decision of the batch."""
        return taken.effect


@dataclass(frozen=True)
class Lane:
    """One queue and all that the shell needs to work it.

    Attributes:
        worker: the role on ledger and broker, such as `issuer`.
        name: what the process is called in logs, such as `issuer-access`.
        queue: where its messages come from.
        read: turns a type and a body into a message.
        batch: messages in one transaction, at most.
        decisions: who decides about each type of message that `read` gives, but for a `Refusal`.
        accounts: whether the lane opens accounts.
        effect: what it does outside the ledger first.
        facts: what its decisions know beside the account.
        channels: the public keys of the channels that it may send deliveries to.
    """

    worker: str
    name: str
    queue: str
    read: Reader
    batch: int
    decisions: Decisions
    accounts: bool = True
    effect: Effect | None = None
    facts: Facts = field(default_factory=Facts)
    channels: Mapping[str, bytes] = field(default_factory=dict)
