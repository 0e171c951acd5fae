"""Facts of the decision about a receipt: the status of its delivery."""

from collections.abc import Sequence
from uuid import UUID

from services.notifier.receipts import Receipt, Recorded
from shared.ledger import Ledger
from shared.worker.lane import Facts
from shared.worker.reading import ReceivedMessage
from shared.worker.unit_of_work import UnitOfWork


class FindDeliveryEffect:
    """The effect of the receipts' lane: finds the deliveries of receipts, and so their citizens."""

    async def __call__(self, batch: Sequence[ReceivedMessage], ledger: Ledger) -> None:
        """Set the id of its delivery, and its citizen, on each message; neither while it is not recorded."""
        receipts = [received for received in batch if isinstance(received.message, Receipt)]
        ids = [told.delivery_id for told in (r.message.told for r in receipts) if told.delivery_id]
        rows = {str(row["id"]): row for row in await ledger.rows("read_deliveries", ids)} if ids else {}
        for received in receipts:
            row = rows.get(str(received.message.told.delivery_id))
            received.effect = UUID(str(row["id"])) if row else None
            received.subjects = (bytes(row["subject"]),) if row else ()

    async def close(self) -> None:
        """Do nothing: no resource is held."""


class ReceiptFacts(Facts):
    """Reads the deliveries of a batch of receipts again, after their citizens are locked."""

    async def read(self, batch: Sequence[ReceivedMessage], work: UnitOfWork, ledger: Ledger) -> None:
        """Read the deliveries that were found."""
        found = {received.effect for received in batch if isinstance(received.effect, UUID)}
        await work.read_deliveries(list(found), ledger)

    def of(self, received: ReceivedMessage, work: UnitOfWork) -> Recorded:
        """Return how the delivery of one receipt stands."""
        return work.deliveries.get(received.effect) if isinstance(received.effect, UUID) else None
