"""Finds PEC that its provider took by SMTP and never accepted, beside the lane of receipts."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from services.notifier.receipts import NOT_ACCEPTED
from services.notifier.reports import hand_in, message
from shared.contract.instants import rfc3339
from shared.contract.internal import ProviderReport
from shared.ledger import Ledger
from shared.worker.housekeeping import LONG_AGO, due_after

_MANY = 100
"""Deliveries in one step."""
_BY = "PIN online"
"""In the place of a provider: none says so."""
_FIRST = (LONG_AGO, UUID(int=0))
_REST = 60.0
"""Seconds until the next look, once all were found."""


class Unaccepted:
    """Reports PEC whose acceptance was waited for too long as failed, in short steps.

    It reports and does not decide: the lane does, with the citizen locked, and sees a receipt that came
    meanwhile. A report that is made twice, by another process too, is one message.

    That no receipt came says something of a delivery only if receipts are read. So those of one before and
    of one after it must have come, the latter by an hour: mailboxes are read in the order in which they fill.

    Args:
        limit: how long is too long.
        log: of the worker.
        clock: seconds.
    """

    def __init__(
        self,
        limit: timedelta,
        log: Any,  # noqa: ANN401 - structlog's
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._limit, self._log, self._clock = limit, log, clock
        self._after, self._due = _FIRST, 0.0

    async def step(self, ledger: Ledger) -> float:
        """Report some if it is time to; return the seconds until the next step.

        Raises:
            LedgerLostError: Postgres is gone.
        """
        began = self._clock()
        if began < self._due:
            return self._due - began
        since, after = self._after
        rows = await ledger.rows("unaccepted_deliveries", self._limit, since, _MANY, after)
        ids = [UUID(str(row["id"])) for row in rows]
        if ids:
            at = rfc3339(datetime.now(UTC))
            await hand_in([message(_report(one, at), f"{NOT_ACCEPTED} {one}") for one in ids], ledger)
            self._log.warning("deliveries.not_accepted", deliveries=len(ids))
        full = len(rows) == _MANY
        self._after = (rows[-1]["awaits_since"], ids[-1]) if full else _FIRST
        now = self._clock()
        self._due = due_after(began, now, full=full, rest=_REST)
        return self._due - now


def _report(delivery: UUID, at: str) -> ProviderReport:
    return ProviderReport(
        channel="pec",
        delivery_id=delivery,
        status="failed",
        evidence=NOT_ACCEPTED,
        provider=_BY,
        occurred_at=at,
    )
