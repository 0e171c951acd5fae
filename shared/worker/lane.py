"""What the shell has to know of a lane: the worker's own part, in values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from shared.domain.decision import Decisions
from shared.ledger import Ledger
from shared.worker.reading import Reader, ReceivedMessage
from shared.worker.unit_of_work import UnitOfWork


class Effect(Protocol):
    """What a lane does outside the ledger before it decides; sets `effect` on each message."""

    async def __call__(self, batch: Sequence[ReceivedMessage], ledger: Ledger, /) -> None:
        """Perform the effect for the messages whose `handled` is False; faults of the world are outcomes."""

    async def close(self) -> None:
        """Let go of what the effect holds."""


class Facts:
    """What the decisions of a lane know beside the account: as a rule, what its effect gave."""

    async def read(self, batch: Sequence[ReceivedMessage], work: UnitOfWork, ledger: Ledger) -> None:
        """Read what can be read only in the transaction, once the citizens are locked.

        Raises:
            UnwritableError: because of one message it cannot be known what to read.
        """

    def of(self, received: ReceivedMessage, work: UnitOfWork) -> Any:  # noqa: ANN401, ARG002 - as the decision takes it
        """Return what the decision about a message knows, as of the last decision of the batch."""
        return received.effect


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
