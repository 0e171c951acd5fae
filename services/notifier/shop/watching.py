"""Looks after letters and jobs by the clock: what is too old goes, what is late is told."""

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from services.notifier.shop.settings import PrintJobSettings
from shared.ledger import Ledger

_REST = 600.0
"""Seconds between two looks at old letters and late jobs."""
_HOUR = 3_600.0
"""Seconds between two lines about letters of which the shop says nothing."""
_LATE = timedelta(hours=1)
"""How long a closed job may wait for the shop before that is worth a line each time."""
_MOST = 1_000
"""Letters whose content is forgotten in one step; the next follows at once."""


class Watching:
    """Forgets contents after `retention`; tells of late jobs and unanswered letters.

    Args:
        settings: when the shop should have answered.
        retention: zero keeps every content until it is printed.
        log: of the worker.
        clock: seconds.
    """

    def __init__(
        self,
        settings: PrintJobSettings,
        retention: timedelta,
        log: Any,  # noqa: ANN401 - structlog's
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings, self._retention, self._log, self._clock = settings, retention, log, clock
        self._due = self._ask_at = 0.0

    async def step(self, ledger: Ledger) -> None:
        """Look, if it is time to.

        Raises:
            LedgerLostError: Postgres is gone.
        """
        now = self._clock()
        if now < self._due:
            return
        self._due = now if self._retention and await self._forget(ledger) else now + _REST
        for row in await ledger.rows("late_jobs", _LATE):
            self._log.warning(
                "job.late", job=row["id"], letters=row["letters"], tries=row["tries"], age_s=round(row["age"])
            )
        if self._ask_at <= now:
            self._ask_at = now + _HOUR
            for row in await ledger.rows("unanswered_jobs", self._settings.post_answer_within):
                self._log.warning(
                    "letters.unanswered", job=row["id"], letters=row["letters"], age_s=round(row["age"])
                )

    async def _forget(self, ledger: Ledger) -> bool:
        """Forget contents that nobody printed in time; return whether there may be more."""
        ((letters, unprinted),) = await ledger.rows("expire_letters", self._retention, _MOST)
        if letters:
            self._log.warning("letters.forgotten", letters=letters, unprinted=unprinted)
        return bool(letters == _MOST)
