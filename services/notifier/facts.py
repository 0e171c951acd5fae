"""Facts of the decision about a receipt, the status of its delivery; and of what a supervisor asks."""

from collections.abc import Sequence
from uuid import UUID

from services.notifier.receipts import Receipt, Recorded
from services.notifier.timeline import MOST, Steps, step
from shared.contract.internal import ProviderReport
from shared.contract.supervision import DeliveryTimeline
from shared.ledger import Ledger
from shared.worker.lane import Facts
from shared.worker.reading import ReceivedMessage
from shared.worker.unit_of_work import UnitOfWork


class FindDeliveryEffect:
    """The effect of the receipts' lane: finds the deliveries of receipts, and so their citizens.

    And it reads what happened, where a supervisor asks.
    """

    async def __call__(self, batch: Sequence[ReceivedMessage], ledger: Ledger) -> None:
        """Set the id of its delivery, and its citizen, on each message; neither while it is not recorded."""
        for asked in (received for received in batch if isinstance(received.message, DeliveryTimeline)):
            asked.effect = await _steps(asked.message.correlation, ledger)
        receipts = [received for received in batch if isinstance(received.message, Receipt)]
        ids = [report.delivery_id for report in (r.message.report for r in receipts) if report.delivery_id]
        references = [named for received in receipts if (named := _reference(received))]
        rows = {str(row["id"]): row for row in await ledger.rows("read_deliveries", ids)} if ids else {}
        if references:
            rows |= {row["reference"]: row for row in await ledger.rows("find_references", references)}
        for received in receipts:
            row = rows.get(_reference(received) or str(received.message.report.delivery_id))
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

    def of(self, received: ReceivedMessage, work: UnitOfWork) -> Recorded | Steps:
        """Return how the delivery of one receipt stands, or what happened."""
        if isinstance(received.message, DeliveryTimeline):
            steps: Steps = received.effect
            return steps
        return work.deliveries.get(received.effect) if isinstance(received.effect, UUID) else None


async def _steps(correlation: str, ledger: Ledger) -> Steps:
    return tuple(step(row) for row in await ledger.rows("timeline", correlation, MOST))


def _reference(received: ReceivedMessage) -> str:
    """Return the reference by which alone a report names its delivery; only an SMSC's does."""
    report = received.message.report
    by_reference = (
        isinstance(report, ProviderReport) and report.delivery_id is None and report.channel == "sms"
    )
    return report.reference if by_reference else ""
