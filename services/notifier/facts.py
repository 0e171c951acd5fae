"""Facts of the decision about a receipt: the status of its delivery."""

from collections.abc import Sequence

from services.notifier.receipts import Receipt, Recorded
from shared.ledger import Ledger
from shared.worker.lane import Facts
from shared.worker.reading import ReceivedMessage
from shared.worker.unit_of_work import UnitOfWork


class FindDeliveryEffect:
    """The effect of the receipts' lane: finds the citizens of receipts."""

    async def __call__(self, batch: Sequence[ReceivedMessage], ledger: Ledger) -> None:
        """Set the citizen of its delivery on each message, or none while it is not recorded."""
        receipts = [received for received in batch if isinstance(received.message, Receipt)]
        ids = [received.message.told.delivery_id for received in receipts]
        rows = {str(row["id"]): row for row in await ledger.rows("read_deliveries", ids)} if ids else {}
        for received in receipts:
            row = rows.get(str(received.message.told.delivery_id))
            received.subjects = (bytes(row["subject"]),) if row else ()

    async def close(self) -> None:
        """Do nothing: no resource is held."""


class ReceiptFacts(Facts):
    """Reads the deliveries of a batch of receipts again, after their citizens are locked."""

    async def read(self, batch: Sequence[ReceivedMessage], work: UnitOfWork, ledger: Ledger) -> None:
        """Read the deliveries whose citizens were found."""
        found = [received.message.told.delivery_id for received in batch if received.subjects]
        await work.read_deliveries(found, ledger)

    def of(self, _: ReceivedMessage, work: UnitOfWork) -> Recorded:
        """Return the status of the deliveries."""
        return work.deliveries
