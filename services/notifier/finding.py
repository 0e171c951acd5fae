"""The effect of the receipts' lane: which deliveries, and so which citizens, receipts are about."""

from collections.abc import Sequence

from services.notifier.receipts import Receipt
from shared.ledger import Ledger
from shared.worker.lane import Taken
from shared.worker.writing import standing


class Finding:
    """The effect of the receipts' lane: finds the deliveries that receipts speak of."""

    async def __call__(self, batch: Sequence[Taken], ledger: Ledger) -> None:
        """Set on each message the row of its delivery, or None while it is not recorded."""
        receipts = [taken for taken in batch if isinstance(taken.message, Receipt)]
        ids = [taken.message.told.delivery_id for taken in receipts]
        rows = {str(row["id"]): row for row in await ledger.rows("read_deliveries", ids)} if ids else {}
        for taken in receipts:
            row = rows.get(str(taken.message.told.delivery_id))
            taken.effect = standing(row) if row else None
            taken.subjects = (taken.effect.subject,) if taken.effect else ()

    async def close(self) -> None:
        """Nothing is held."""
