"""Hands closed jobs to the print shop: one process at a time, and no transaction rests on an upload."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from threading import Event
from typing import Any
from uuid import UUID

from services.notifier.channels.letter.sound import Typeset
from services.notifier.reports import hand_in, message
from services.notifier.shop import Shop
from services.notifier.shop.making import ClosedJob, KeptLetter, MadeJob, make
from services.notifier.shop.settings import PrintJobSettings
from shared.broker.message import Message
from shared.config.logs import reason_of
from shared.contract.instants import rfc3339
from shared.contract.internal import ProviderReport
from shared.crypto.sealing import BundleOpener
from shared.errors import JobNotMadeError, ShopRefusedError, ShopUnreachableError, TypesettingError
from shared.italy.dates import day_of
from shared.ledger import Ledger
from shared.worker.crash import crash_point
from shared.worker.outbound import ROW_MESSAGES

_FIRST, _LONGEST = timedelta(seconds=5), timedelta(minutes=15)
"""Waits after a first try, and at most: they double."""
_WITH_AN_OPERATOR = timedelta(hours=1)
"""Wait of a job that needs somebody to look at it."""
_UPLOAD_LIMIT = 1_800.0
"""Seconds that one job may take, whatever limits the transport has."""


class Handing:
    """Makes jobs and hands them over."""

    def __init__(
        self,
        shop: Shop,
        opener: BundleOpener,
        typeset: Typeset,
        settings: PrintJobSettings,
        log: Any,  # noqa: ANN401 - structlog's
    ) -> None:
        self._shop, self._opener, self._typeset = shop, opener, typeset
        self._settings, self._log = settings, log

    async def step(self, ledger: Ledger) -> bool:
        """Hand the oldest job over that is due; return whether there may be more to do at once.

        Raises:
            LedgerLostError: Postgres is gone. Whether the shop has the job is found out by the next try.
        """
        if not (rows := await ledger.rows("next_print_job")):
            return False
        row = rows[0]
        job = ClosedJob(
            row["id"], row["day"], row["region"], row["sequence"], bytes(row["digest"]), row["tries"]
        )
        letters = [_kept(one) for one in await ledger.rows("letters_of_job", job.id)]
        try:
            made = await self._make(job, letters)
            crash_point("job.made")
            await self._put(made)
        except (JobNotMadeError, ShopRefusedError) as fault:
            self._stuck(job, fault.reason, letters)
            await ledger.run("postpone_print_jobs", job.id, _WITH_AN_OPERATOR)
            return True
        except (ShopUnreachableError, TypesettingError, TimeoutError) as fault:
            await self._wait(job, fault, ledger)
            return False
        except Exception as error:  # noqa: BLE001 - a defect in one job stops neither the others nor the lane
            self._stuck(job, reason_of(error), letters)
            await ledger.run("postpone_print_jobs", job.id, _WITH_AN_OPERATOR)
            return True
        crash_point("job.put")
        await self._record(job, made, ledger)
        return True

    async def _make(self, job: ClosedJob, letters: Sequence[KeptLetter]) -> MadeJob:
        """Make a job beside the event loop. The end of the process does not wait for the whole of it."""
        pages, left = self._settings.post_document_pages, Event()
        try:
            return await asyncio.to_thread(
                make, job, letters, self._opener, self._typeset, pages, left.is_set
            )
        finally:
            left.set()

    def _stuck(self, job: ClosedJob, reason: str, letters: Sequence[KeptLetter]) -> None:
        self._log.error("job.stuck", job=job.id, letters=len(letters), reason=reason)

    async def _put(self, made: MadeJob) -> None:
        if made.job:
            async with asyncio.timeout(_UPLOAD_LIMIT):
                await self._shop.put(made.job)

    async def _wait(self, job: ClosedJob, fault: Exception, ledger: Ledger) -> None:
        wait = min(_LONGEST, _FIRST * 2 ** min(job.tries, 16))
        reason = fault.reason if isinstance(fault, ShopUnreachableError) else type(fault).__name__.lower()
        wait_s = round(wait.total_seconds())
        self._log.warning("job.postponed", job=job.id, reason=reason, tries=job.tries + 1, wait_s=wait_s)
        # All of them: the shop is the same.
        await ledger.run("postpone_print_jobs", None, wait)

    async def _record(self, job: ClosedJob, made: MadeJob, ledger: Ledger) -> None:
        """Record that the shop has a job; what could not be typeset has failed."""
        async with ledger.transaction():
            if made.failed:
                await ledger.run("fail_letters", list(made.failed))
                for start in range(0, len(made.failed), ROW_MESSAGES):
                    part = made.failed[start : start + ROW_MESSAGES]
                    await hand_in([self._failed(one) for one in part], ledger)
            handed = await ledger.run("print_job_handed", job.id)
        crash_point("job.recorded")
        late = day_of(datetime.now(UTC)) > job.day
        self._log.info(
            "job.handed",
            job=job.id,
            letters=handed,
            late=handed if late else 0,
            failed=len(made.failed),
            tries=job.tries + 1,
        )

    def _failed(self, delivery: UUID) -> Message:
        report = ProviderReport(
            channel="post",
            delivery_id=delivery,
            status="failed",
            evidence="post_typesetting",
            provider=self._shop.name,
            occurred_at=rfc3339(datetime.now(UTC)),
        )
        return message(report, f"post_typesetting/{delivery}")


def _kept(row: Any) -> KeptLetter:  # noqa: ANN401 - a row
    content: Sequence[bytes | None] = [
        None if row[name] is None else bytes(row[name]) for name in ("bundle_key", "seal")
    ]
    return KeptLetter(row["delivery"], row["place"], bytes(row["digest"]), row["key_id"], *content)
