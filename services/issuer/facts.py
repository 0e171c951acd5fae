"""What the decision about a request knows beside the account: what went to its addresses today."""

from collections.abc import Sequence

from services.issuer.floods import SentToday, addresses
from shared.contract.issuer import PinRequest
from shared.ledger import Ledger
from shared.logs import reason_of
from shared.pin import Pepper
from shared.worker.lane import Facts, Guilty, Taken
from shared.worker.writing import Writing


class RequestFacts(Facts):
    """Counts what went to the addresses of a batch of requests."""

    def __init__(self, pepper: Pepper) -> None:
        self._pepper = pepper

    async def read(self, batch: Sequence[Taken], writing: Writing, ledger: Ledger) -> None:
        """Read the counts of every place that the batch may send to."""
        places = {place for taken in batch for place in self.places(taken, writing)}
        await writing.count_sent(list(places), ledger)

    def of(self, _: Taken, writing: Writing) -> SentToday:
        """Return the counts, those of the batch with them."""
        return writing.sent_today

    def places(self, taken: Taken, writing: Writing) -> tuple[bytes, ...]:
        """Return where what a request leads to may go, as it is counted.

        Raises:
            Guilty: the account, or the request, has an address that cannot be counted.
        """
        if not isinstance(taken.message, PinRequest) or taken.parked or writing.unfit(taken):
            return ()
        try:
            account = writing.account(taken.subjects[0])
            return tuple(map(self._pepper.place, addresses(account, taken.message)))
        except Exception as error:
            raise Guilty(taken, reason_of(error)) from error
