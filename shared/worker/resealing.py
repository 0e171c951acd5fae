"""Seals accounts anew once their key has changed, in short transactions beside the relay.

Whoever writes an account seals it with the current key. This does so for those that nobody writes, so that
the earlier key can go. It walks over all accounts in the order of their keys, and again after a while: a
worker that was not restarted yet seals with the earlier key. One process does so at a time.
"""

import time
from collections.abc import Callable, Sequence
from typing import Any

from shared.domain.decision import Decision
from shared.ledger import Ledger
from shared.worker.batch import BatchAttempt, BatchProcessor
from shared.worker.contention import in_parts
from shared.worker.housekeeping import due_after
from shared.worker.offline_message import offline_message
from shared.worker.reading import ReceivedMessage

ROWS = 200
"""Accounts in one step: its transaction locks them for 40 ms if all have to be sealed."""
_BY = "resealing"


class Resealing:
    """The walk of one process over the accounts.

    Args:
        processor: whose keys and lane these are.
        log: where failures and the end of a walk are told.
        clock: seconds.
    """

    def __init__(
        self,
        processor: BatchProcessor,
        log: Any,  # noqa: ANN401 - structlog's
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._processor, self._log, self._clock = processor, log, clock
        self._rest = processor.settings.resealing_interval.total_seconds()
        self._seal = processor.worker_keys.state if processor.lane.accounts else None
        self._ours = False
        self._after = b""
        self._anew = 0
        self._due = 0.0

    async def step(self, ledger: Ledger) -> float:
        """Look at the next accounts if that is due; return the seconds until the next step.

        Raises:
            LedgerLostError: Postgres is gone.
        """
        if self._seal is None or not self._seal.outdated:
            return self._rest
        if (began := self._clock()) >= self._due:
            more = await self._next(ledger)
            self._due = due_after(began, self._clock(), full=more, rest=self._rest)
        return max(0.0, self._due - self._clock())

    async def _next(self, ledger: Ledger) -> bool:
        self._ours = self._ours or await ledger.value("seal_turn")
        if not self._ours or self._seal is None:
            return False
        rows = await ledger.rows("accounts_to_seal", self._after, self._seal.up_to_date, ROWS)
        outdated = [bytes(row["subject"]) for row in rows if row["outdated"]]
        if outdated:
            walk = f"{_BY}-{self._processor.now():%Y%m%d}"
            batch = [offline_message(_BY, None, subject, walk) for subject in outdated]
            self._anew += sum(await in_parts(batch, lambda part: self._write(part, ledger), self._given_up))
        more = len(rows) == ROWS
        self._after = bytes(rows[-1]["subject"]) if more else b""
        if not more and self._anew:
            self._log.info("accounts.resealed", accounts=self._anew)
            self._anew = 0
        return more

    async def _write(self, batch: Sequence[ReceivedMessage], ledger: Ledger) -> int:
        """Write accounts as they are, in one transaction; return how many. One that does not open is left."""
        work = BatchAttempt(self._processor, self._processor.now()).work
        async with ledger.transaction():
            await work.read([received.subjects[0] for received in batch], ledger, self._seal)
            # Those that open and are still there: one that was deleted meanwhile must not come back.
            there = [received for received in batch if received.subjects[0] in work.accounts]
            for received in there:
                work.add(received, Decision(account=work.account(received.subjects[0])))
            await work.write(ledger, self._seal)
        return len(there)

    def _given_up(self, received: ReceivedMessage, reason: str) -> int:
        self._log.warning("account.not_resealed", subject=received.subjects[0].hex(), reason=reason)
        return 0
