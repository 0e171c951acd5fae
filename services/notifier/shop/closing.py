"""Closes a day at its cut-off: what waits goes into jobs, at once and once, whichever process does it."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from services.notifier.shop.planning import PlannedJob, WaitingLetter, plan
from services.notifier.shop.settings import PrintJobSettings
from shared.errors import LedgerConflictError
from shared.italy.working_days import WorkingDays
from shared.ledger import Ledger
from shared.worker.crash import crash_point


class Closing:
    """Closes days.

    Args:
        days: the shop's.
        settings: how many letters go into a day, and into a job.
        log: of the worker.
    """

    def __init__(self, days: WorkingDays, settings: PrintJobSettings, log: Any) -> None:  # noqa: ANN401 - structlog's
        self._days, self._settings, self._log = days, settings, log
        self._closed: date | None = None

    async def step(self, now: datetime, ledger: Ledger) -> None:
        """Close the latest day that is over, unless it is closed or another process is closing it.

        After an outage of some days that is one day: it takes what waited for the others, too.

        Raises:
            LedgerLostError: Postgres is gone. The day is closed whole, or not at all.
        """
        day = self._days.ended(now)
        if day == self._closed or await ledger.value("print_day_closed", day):
            self._closed = day
            return
        try:
            async with ledger.transaction():
                if not await ledger.value("take_print_turn") or await ledger.value("print_day_closed", day):
                    return
                jobs = await self._close(day, ledger)
                left = await ledger.value("count_waiting_letters", day)
        except LedgerConflictError:
            return  # an erasure was in the way: the next step closes it
        crash_point("day.closed")
        self._log_closed(day, jobs, left)

    async def _close(self, day: date, ledger: Ledger) -> Sequence[PlannedJob]:
        rows = await ledger.rows("waiting_letters", day, self._settings.post_daily_cap)
        waiting = (WaitingLetter(row["delivery"], row["region"], bytes(row["digest"])) for row in rows)
        jobs = plan(day, waiting, self._settings.post_job_letters)
        await ledger.run("close_print_day", day, len(rows))
        await ledger.run(
            "add_print_jobs",
            [job.id for job in jobs],
            [job.day for job in jobs],
            [job.region for job in jobs],
            [job.sequence for job in jobs],
            [len(job.letters) for job in jobs],
            [job.digest for job in jobs],
        )
        crash_point("day.closing")
        placed = [(letter, job.id, place) for job in jobs for place, letter in enumerate(job.letters, 1)]
        await ledger.run(
            "put_letters_in_jobs", *map(list, zip(*placed, strict=True) if placed else ([],) * 3)
        )
        return jobs

    def _log_closed(self, day: date, jobs: Sequence[PlannedJob], left: int) -> None:
        letters = sum(len(job.letters) for job in jobs)
        self._log.info("day.closed", day=day.isoformat(), jobs=len(jobs), letters=letters)
        if left:
            self._log.warning("letters.over_cap", day=day.isoformat(), taken=letters, waiting=left)
