"""Facts of the decision about a request beside the account: messages to its addresses today."""

from collections.abc import Sequence

from services.issuer.floods import SentToday, addresses
from shared.config.logs import reason_of
from shared.contract.issuer import PinRequest
from shared.domain.pin import Pepper
from shared.errors import UnwritableError
from shared.ledger import Ledger
from shared.worker.lane import Facts
from shared.worker.reading import ReceivedMessage
from shared.worker.unit_of_work import UnitOfWork


class RequestFacts(Facts):
    """Counts the messages sent to the addresses of a batch of requests."""

    def __init__(self, pepper: Pepper) -> None:
        self._pepper = pepper

    async def read(self, batch: Sequence[ReceivedMessage], work: UnitOfWork, ledger: Ledger) -> None:
        """Read the counts of every address that the batch may send to."""
        places = {place for received in batch for place in self.places(received, work)}
        await work.count_sent(list(places), ledger)

    def of(self, _: ReceivedMessage, work: UnitOfWork) -> SentToday:
        """Return the counts, including those of the batch."""
        return work.sent_today

    def places(self, received: ReceivedMessage, work: UnitOfWork) -> tuple[bytes, ...]:
        """Return the digests of the addresses that a request may send to.

        Raises:
            UnwritableError: the account, or the request, has an address that cannot be counted.
        """
        if not isinstance(received.message, PinRequest) or received.parked or work.unfit(received):
            return ()
        try:
            account = work.account(received.subjects[0])
            return tuple(
                place
                for address in addresses(account, received.message)
                for place in self._pepper.places(address)
            )
        except Exception as error:
            raise UnwritableError(received, reason_of(error)) from error
