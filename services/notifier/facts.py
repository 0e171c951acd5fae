"""What the decision about a receipt knows: how its delivery stands."""

from collections.abc import Sequence

from services.notifier.receipts import Receipt, Recorded
from shared.ledger import Ledger
from shared.worker.lane import Facts, Taken
from shared.worker.writing import Writing


class Finding:
    """The effect of the receipts' lane: finds whom receipts are about."""

    async def __call__(self, batch: Sequence[Taken], ledger: Ledger) -> None:
        """Set on each message the citizen of its delivery, or nobody while that is not recorded."""
        receipts = [taken for taken in batch if isinstance(taken.message, Receipt)]
        ids = [taken.message.told.delivery_id for taken in receipts]
        rows = {str(row["id"]): row for row in await ledger.rows("read_deliveries", ids)} if ids else {}
        for taken in receipts:
            row = rows.get(str(taken.message.told.delivery_id))
            taken.subjects = (bytes(row["subject"]),) if row else ()

    async def close(self) -> None:
        """Nothing is held."""


class ReceiptFacts(Facts):
    """Reads the deliveries of a batch of receipts again, once their citizens are locked."""

    async def read(self, batch: Sequence[Taken], writing: Writing, ledger: Ledger) -> None:
        """Read those whose citizens were found."""
        found = [taken.message.told.delivery_id for taken in batch if taken.subjects]
        await writing.read_deliveries(found, ledger)

    def of(self, _: Taken, writing: Writing) -> Recorded:
        """Return how they stand."""
        return writing.deliveries
