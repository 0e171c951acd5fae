"""The effect of the lane: what a question about the review queue is about."""

from collections.abc import Sequence

from shared.contract.dispositivo import ReviewQueue
from shared.ledger import Ledger
from shared.worker.lane import Taken

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
            taken.shown = taken.effect = waiting

    async def close(self) -> None:
        """Nothing is held."""
