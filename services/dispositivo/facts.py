"""What decisions of the lane know beside the account: protocol numbers, order of arrival, who waits."""

from collections.abc import Sequence
from typing import Any

from shared.contract.dispositivo import IstanzaSubmit, ReviewQueue, SubmitDocuments
from shared.ledger import Ledger
from shared.worker.lane import Facts, Taken
from shared.worker.writing import Writing

_SPARE = 10
"""How many more than asked for are looked at, for those that may have to be left out."""


class Waiting:
    """The effect of the lane: finds the citizens whose requests a question about the queue is about."""

    async def __call__(self, batch: Sequence[Taken], ledger: Ledger) -> None:
        """Set whom every such question shows, so that their accounts are locked and read with it."""
        asked = [taken for taken in batch if isinstance(taken.message, ReviewQueue) and not taken.handled]
        if not asked:
            return
        rows = await ledger.rows("review_queue", max(taken.message.limit for taken in asked) + _SPARE)
        waiting = tuple(bytes(row["subject"]) for row in rows)
        for taken in asked:
            taken.shown = waiting

    async def close(self) -> None:
        """Nothing is held."""


class ProfileFacts(Facts):
    """Gives istanze their numbers, documents their order of arrival, and the review queue its citizens."""

    async def read(self, batch: Sequence[Taken], _: Writing, ledger: Ledger) -> None:
        """Draw the numbers, in order of arrival."""
        istanze = [taken for taken in batch if isinstance(taken.message, IstanzaSubmit)]
        rows = await ledger.rows("draw_protocols", len(istanze)) if istanze else ()
        for taken, row in zip(istanze, rows, strict=True):
            taken.effect = row[0]
        for place, taken in enumerate(batch):
            if isinstance(taken.message, SubmitDocuments):
                taken.effect = place

    def of(self, taken: Taken, writing: Writing) -> Any:  # noqa: ANN401 - as the decision takes it
        """Return the number, the place in the batch, or who waits; of these, those whose account opens."""
        if isinstance(taken.message, ReviewQueue):
            return [account for key in taken.shown if (account := writing.accounts.get(key))]
        return taken.effect
