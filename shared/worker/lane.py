"""What the shell needs from a lane: the worker's own part, as values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Protocol

from shared.contract import topology
from shared.domain.decision import Decisions
from shared.ledger import Ledger
from shared.worker.reading import Reader, ReceivedMessage
from shared.worker.unit_of_work import UnitOfWork


class Effect(Protocol):
    """The I/O of a lane outside the ledger, before it decides; sets `effect` on each message."""

    async def __call__(self, batch: Sequence[ReceivedMessage], ledger: Ledger, /) -> None:
        """Perform the effect for the messages whose `handled` is False; external failures are results."""

    async def close(self) -> None:
        """Release the resources of the effect."""


class Upkeep(Protocol):
    """What a lane does by the clock beside its messages, in short steps."""

    async def step(self, ledger: Ledger, /) -> float:
        """Do a step if one is due; return the seconds until the next is.

        Raises:
            LedgerLostError: Postgres is gone.
        """


class Together:
    """Several upkeeps of one lane, one after the other."""

    def __init__(self, *upkeeps: Upkeep) -> None:
        self._upkeeps = upkeeps

    async def step(self, ledger: Ledger) -> float:
        """Make a step of each; return the seconds until the next is due.

        Raises:
            LedgerLostError: Postgres is gone.
        """
        return min([await upkeep.step(ledger) for upkeep in self._upkeeps])


class Facts:
    """What the decisions of a lane know beside the account: by default the result of its effect."""

    async def read(self, batch: Sequence[ReceivedMessage], work: UnitOfWork, ledger: Ledger) -> None:
        """Read what can be read only in the transaction, once the citizens are locked.

        Raises:
            UnwritableError: one message makes the read impossible.
        """

    def of(self, received: ReceivedMessage, work: UnitOfWork) -> Any:  # noqa: ANN401, ARG002 - as the decision takes it
        """Return the facts for the decision about a message, as of the last decision of the batch."""
        return received.effect


@dataclass(frozen=True)
class Lane:
    """One queue and all that the shell needs to process it.

    Attributes:
        worker: the role on ledger and broker, such as `issuer`.
        name: what the process is called in logs, such as `issuer-access`.
        queue: where its messages come from.
        read: turns a type and a body into a message.
        batch: messages in one transaction, at most.
        decisions: the decision for each type of message that `read` returns, except a `Refusal`.
        exchanges: by which its messages come, beside the default one; those of any other are parked.
        accounts: whether the lane opens accounts.
        effect: its I/O outside the ledger, done first.
        facts: what its decisions know beside the account.
        channels: the public keys of the channels that it may send deliveries to.
        forgets: the queries that delete old rows of this worker, each with their age; see `housekeeping`.
        upkeep: what else it does by the clock.
    """

    worker: str
    name: str
    queue: str
    read: Reader
    batch: int
    decisions: Decisions
    exchanges: frozenset[str] = frozenset({topology.COMMANDS})
    accounts: bool = True
    effect: Effect | None = None
    facts: Facts = field(default_factory=Facts)
    channels: Mapping[str, bytes] = field(default_factory=dict)
    forgets: Mapping[str, timedelta] = field(default_factory=dict)
    upkeep: Upkeep | None = None
