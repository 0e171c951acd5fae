"""Facts of the decisions beside the account: protocol numbers, order of arrival, what operators see."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from services.dispositivo.operators import Looks, OperatorFacts
from services.dispositivo.seen import SeenSeal
from shared.contract.dispositivo import (
    BranchActivate,
    BranchLookup,
    DispositivoApprove,
    DispositivoCancel,
    IstanzaSubmit,
    ReviewQueue,
    SubmitDocuments,
)
from shared.contract.instants import rfc3339
from shared.ledger import Ledger
from shared.worker.lane import Facts
from shared.worker.reading import ReceivedMessage
from shared.worker.unit_of_work import UnitOfWork

_SPARE = 10
"""How many more than requested are read, as some may be left out."""


class ReviewQueueEffect:
    """The effect of the lane: finds the citizens in the review queue for each query of it."""

    async def __call__(self, batch: Sequence[ReceivedMessage], ledger: Ledger) -> None:
        """Set the citizens that each query shows, so that their accounts are locked and read with it."""
        asked = [
            received
            for received in batch
            if isinstance(received.message, ReviewQueue) and not received.handled
        ]
        if not asked:
            return
        rows = await ledger.rows("review_queue", max(received.message.limit for received in asked) + _SPARE)
        waiting = tuple(bytes(row["subject"]) for row in rows)
        for received in asked:
            received.shown = waiting

    async def close(self) -> None:
        """Do nothing: no resource is held."""


class ProfileFacts(Facts):
    """Provides protocol numbers, the documents' order of arrival, and what operators' commands need.

    Args:
        seal: of what operators are shown.
    """

    def __init__(self, seal: SeenSeal) -> None:
        self._seal = seal

    async def read(self, batch: Sequence[ReceivedMessage], work: UnitOfWork, ledger: Ledger) -> None:
        """Draw the numbers, in order of arrival, and count the looks of operators."""
        istanze = [received for received in batch if isinstance(received.message, IstanzaSubmit)]
        rows = await ledger.rows("draw_protocols", len(istanze)) if istanze else ()
        for received, row in zip(istanze, rows, strict=True):
            received.effect = row[0]
        for place, received in enumerate(batch):
            if isinstance(received.message, SubmitDocuments):
                received.effect = place
        await _count_looks(batch, work, ledger)

    def of(self, received: ReceivedMessage, work: UnitOfWork) -> Any:  # noqa: ANN401 - as the decision takes it
        """Return the number, the position in the batch, or what an operator's command needs."""
        match received.message:
            case ReviewQueue():
                waiting = [account for key in received.shown if (account := work.accounts.get(key))]
                return OperatorFacts(self._seal, received.effect, waiting)
            case BranchLookup():
                return OperatorFacts(self._seal, received.effect)
            case DispositivoApprove() | DispositivoCancel() | BranchActivate():
                return OperatorFacts(self._seal)
        return received.effect


async def _count_looks(batch: Sequence[ReceivedMessage], work: UnitOfWork, ledger: Ledger) -> None:
    """Count the looks of a batch that are not repeated messages, each after those before it."""
    looks = [
        received
        for received in batch
        if isinstance(received.message, ReviewQueue | BranchLookup) and not received.handled
    ]
    if not looks:
        return
    hour = work.now.replace(minute=0, second=0, microsecond=0)
    new = Counter((received.actor, received.message.operator.id) for received in looks)
    columns = ([user for user, _ in new], [operator for _, operator in new], list(new.values()))
    counted = {
        (user, operator): n for user, operator, n in await ledger.rows("count_lookups", *columns, hour)
    }
    before = Counter({person: counted[person] - many for person, many in new.items()})
    for received in looks:
        person = received.actor, received.message.operator.id
        before[person] += 1
        received.effect = Looks(received.actor, rfc3339(hour), before[person])
