"""Facts beside the account: of a request, messages to its addresses today; of an attempt, counted log-ins."""

from collections.abc import Sequence
from dataclasses import replace

from services.issuer.attempts import Compared
from services.issuer.floods import SentToday, addresses
from shared.config.logs import reason_of
from shared.contract.issuer import PinRequest
from shared.domain.log_ins import NONE
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


class AccessFacts(Facts):
    """Reads how many log-ins were counted of who seems to log in, and notes which attempts close."""

    async def read(self, batch: Sequence[ReceivedMessage], work: UnitOfWork, ledger: Ledger) -> None:
        """Read the counts of every citizen of the batch whose PIN was right."""
        right = set()
        for received in batch:
            if isinstance(compared := received.effect, Compared) and compared.admitted:
                work.opened[received.id] = (received.subjects[0], received.id, received.digest)
                if compared.match == "yes":
                    right.add(received.subjects[0])
        await work.read_log_ins(list(right), ledger)

    def of(self, received: ReceivedMessage, work: UnitOfWork) -> Compared:
        """Return the result of the attempt, with the log-ins counted, those of the batch included."""
        compared: Compared = received.effect
        return replace(compared, log_ins=work.log_ins.get(received.subjects[0], NONE))
