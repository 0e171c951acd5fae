"""Facts of the lane's decisions beside the account: protocol numbers, order of arrival, waiting citizens."""

from collections.abc import Sequence
from typing import Any

from shared.contract.dispositivo import IstanzaSubmit, ReviewQueue, SubmitDocuments
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
    """Provides protocol numbers, the documents' order of arrival, and the citizens of the review queue."""

    async def read(self, batch: Sequence[ReceivedMessage], _: UnitOfWork, ledger: Ledger) -> None:
        """Draw the numbers, in order of arrival."""
        istanze = [received for received in batch if isinstance(received.message, IstanzaSubmit)]
        rows = await ledger.rows("draw_protocols", len(istanze)) if istanze else ()
        for received, row in zip(istanze, rows, strict=True):
            received.effect = row[0]
        for place, received in enumerate(batch):
            if isinstance(received.message, SubmitDocuments):
                received.effect = place

    def of(self, received: ReceivedMessage, work: UnitOfWork) -> Any:  # noqa: ANN401 - as the decision takes it
        """Return the number, the position in the batch, or the waiting citizens whose account opens."""
        if isinstance(received.message, ReviewQueue):
            return [account for key in received.shown if (account := work.accounts.get(key))]
        return received.effect
