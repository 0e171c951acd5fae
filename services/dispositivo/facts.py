"""What decisions of the lane know beside the account: protocol numbers, order of arrival, who waits."""

from collections.abc import Sequence
from typing import Any

from shared.contract.dispositivo import IstanzaSubmit, ReviewQueue, SubmitDocuments
from shared.ledger import Ledger
from shared.worker.lane import Facts
from shared.worker.reading import ReceivedMessage
from shared.worker.unit_of_work import UnitOfWork

_SPARE = 10
"""How many more than asked for are looked at, for those that may have to be left out."""


class ReviewQueueEffect:
    """The effect of the lane: finds the citizens whose requests a question about the queue is about."""

    async def __call__(self, batch: Sequence[ReceivedMessage], ledger: Ledger) -> None:
        """Set whom every such question shows, so that their accounts are locked and read with it."""
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
        """Nothing is held."""


class ProfileFacts(Facts):
    """Gives istanze their numbers, documents their order of arrival, and the review queue its citizens."""

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
        """Return the number, the place in the batch, or who waits; of these, those whose account opens."""
        if isinstance(received.message, ReviewQueue):
            return [account for key in received.shown if (account := work.accounts.get(key))]
        return received.effect
