"""Forgets citizens whose PIN ended long ago, beside the lane of requests."""

import time
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from services.issuer.erasure import EndedLongAgo, forget
from shared.contract import topology
from shared.crypto.keys import Keys
from shared.crypto.sealing import StateSeal
from shared.domain.policy import PinPolicy
from shared.errors import UnreadableMessageError
from shared.ledger import Ledger
from shared.worker.batch import BatchProcessor, WorkerKeys
from shared.worker.housekeeping import LONG_AGO, due_after
from shared.worker.lane import Facts, Lane
from shared.worker.offline_message import offline_message
from shared.worker.reading import Parsed, ReceivedMessage
from shared.worker.settings import WorkerSettings
from shared.worker.unit_of_work import UnitOfWork

CITIZENS = 50
"""Citizens in one step: a transaction of some 20 ms, for which only these citizens wait."""
_REST = 600.0
"""Seconds until the oldest are looked at again, once all whose time is over were."""
_BY = "issuer"


class StillEnded(Facts):
    """Reads whose time is still over, once the citizens are locked: some may have asked anew meanwhile."""

    def __init__(self, retention: timedelta) -> None:
        self._retention = retention
        self._due: Collection[bytes] = frozenset()

    async def read(self, batch: Sequence[ReceivedMessage], work: UnitOfWork, ledger: Ledger) -> None:  # noqa: ARG002 - as declared
        """Read which of the batch's citizens it is over for."""
        subjects = [subject for received in batch for subject in received.subjects]
        rows = await ledger.rows("still_ended", subjects, self._retention)
        self._due = frozenset(bytes(row["subject"]) for row in rows)

    def of(self, received: ReceivedMessage, work: UnitOfWork) -> Collection[bytes]:  # noqa: ARG002 - as declared
        """Return them."""
        return self._due


class Forgetting:
    """Empties accounts in short steps, each one transaction; whatever interrupts it, the next step goes on.

    Each step begins after the last one's citizens, so that an account that cannot be emptied delays no other.

    Args:
        processor: decides and commits, with `StillEnded` as its facts.
        retention: how long ago the PIN must have ended; zero keeps everybody.
        log: of the worker.
        clock: seconds.
    """

    def __init__(
        self,
        processor: BatchProcessor,
        retention: timedelta,
        log: Any,  # noqa: ANN401 - structlog's
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._processor, self._retention, self._log, self._clock = processor, retention, log, clock
        self._after = (LONG_AGO, b"")
        self._due = 0.0

    async def step(self, ledger: Ledger) -> float:
        """Forget some citizens if it is time to; return the seconds until the next step is due.

        Raises:
            LedgerLostError: Postgres is gone.
        """
        began = self._clock()
        if not self._retention or began < self._due:
            return max(0.0, self._due - began) if self._retention else _REST
        rows = await ledger.rows("ended_before", self._retention, *self._after, CITIZENS)
        if rows:
            await self._forget([bytes(row["subject"]) for row in rows], ledger)
        full = len(rows) == CITIZENS
        self._after = (rows[-1]["at"], bytes(rows[-1]["subject"])) if full else (LONG_AGO, b"")
        now = self._clock()
        self._due = due_after(began, now, full=full, rest=_REST)
        return self._due - now

    async def _forget(self, subjects: list[bytes], ledger: Ledger) -> None:
        correlation_id = f"period-{uuid4()}"
        batch = [offline_message(_BY, EndedLongAgo(), subject, correlation_id) for subject in subjects]
        settled = await self._processor.settle(batch, ledger)
        parked = {handled.received.subjects[0] for handled in settled.handled if handled.outcome == "parked"}
        # A crash between the two leaves emptied accounts in the list, and the next step strikes them out.
        await ledger.run("forget_ended", [one for one in subjects if one not in parked], self._retention)
        self._log.info(
            "citizens.forgotten", citizens=len(subjects) - len(parked), correlation_id=correlation_id
        )
        for code, citizens in Counter(h.code for h in settled.handled if h.outcome == "parked").items():
            self._log.error("citizens.not_forgotten", citizens=citizens, code=code)


def forgetting(
    settings: WorkerSettings,
    policy: PinPolicy,
    keys: Keys,
    log: Any,  # noqa: ANN401 - structlog's
) -> Forgetting:
    """Return what the issuer does beside its lane of requests."""
    lane = Lane(
        worker="issuer",
        name="issuer-forgetting",
        queue=topology.ISSUER_REQUESTS,
        read=_no_message,
        batch=CITIZENS,
        decisions={EndedLongAgo: forget},
        facts=StillEnded(policy.ended_retention),
    )
    worker_keys = WorkerKeys(state=StateSeal(keys.symmetric("account")))
    # Nothing publishes these rows from memory, so the relay need not wait.
    at_once = settings.model_copy(update={"outbox_lease": timedelta(0)})
    processor = BatchProcessor(lane, at_once, policy, worker_keys, now=lambda: datetime.now(UTC))
    return Forgetting(processor, policy.ended_retention, log)


def _no_message(type_: str, body: bytes, role: str) -> Parsed:  # noqa: ARG001 - the lane's
    raise UnreadableMessageError("unknown_type")
