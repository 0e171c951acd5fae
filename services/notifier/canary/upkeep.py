"""Makes canaries, once a slot however many processes there are, and logs what becomes of them."""

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from services.notifier.canary.course import CANARY, Course, Line, Plan, content, go_on
from services.notifier.reports import hand_in
from shared.broker.message import Message
from shared.contract.ids import timed_id
from shared.contract.workers import NOTIFIER
from shared.domain.decision import Delivery
from shared.ledger import Ledger
from shared.worker.outbound import Outbound

CANARY_RETENTION: Final = timedelta(days=30)
"""After which its row is forgotten, whatever became of it."""
_REST: Final = 10.0
"""Seconds between two looks."""
_MOST: Final = 100
"""Canaries that one look is about."""
_BAD: Final = frozenset({"failed", "overdue"})
_POSTED: Final = "posted/"
"""How a report that a letter was posted begins, in its delivery's row."""


class Canaries:
    """The canaries of a deployment, beside the lane of receipts.

    Args:
        plans: those that are wanted.
        keys: the public key of each channel, by its name.
        log: of the worker.
        clock: seconds.
    """

    def __init__(
        self,
        plans: Sequence[Plan],
        keys: Mapping[str, bytes],
        log: Any,  # noqa: ANN401 - structlog's
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._plans = {plan.channel: plan for plan in plans}
        self._keys, self._log, self._clock, self._due = keys, log, clock, 0.0

    async def step(self, ledger: Ledger) -> float:
        """Make those that are due and look after the others; return the seconds until the next look.

        Raises:
            LedgerLostError: Postgres is gone.
        """
        now = self._clock()
        if now < self._due:
            return self._due - now
        for plan in self._plans.values():
            await self._make(plan, ledger)
        await self._look(ledger)
        self._due = self._clock() + _REST
        return _REST

    async def _make(self, plan: Plan, ledger: Ledger) -> None:
        """Make the canary of the present slot, unless it is made."""
        now = datetime.now(UTC)
        delivery = Delivery(timed_id(now), plan.channel, content(plan, now))
        async with ledger.transaction():
            if await ledger.value("add_canary", plan.channel, plan.interval, delivery.id):
                await hand_in([self._sealed(delivery, now)], ledger)

    def _sealed(self, delivery: Delivery, now: datetime) -> Message:
        outbound = Outbound(now, NOTIFIER)
        return outbound.alone(delivery, self._keys[delivery.channel], CANARY, str(delivery.id))

    async def _look(self, ledger: Ledger) -> None:
        """Write what is new of each to the log: rather twice than never, if this process dies at it."""
        async with ledger.transaction():
            for row in await ledger.rows("open_canaries", list(self._plans), _MOST):
                before = Course(
                    age=row["age"],
                    took=row["took"] or row["age"],
                    status=row["status"] or "",
                    posted=_POSTED in (row["reported"] or ""),
                    told=row["told"],
                    late=row["late"],
                )
                course, lines = go_on(before, self._plans[row["channel"]])
                for line in lines:
                    self._log_line(row["channel"], row["delivery"], line)
                if course != before:
                    await ledger.run(
                        "move_canary", row["channel"], row["slot"], course.told, course.late, course.ended
                    )

    def _log_line(self, channel: str, delivery: UUID, line: Line) -> None:
        missing = {"missing": line.missing} if line.missing else {}
        facts = {"channel": channel, "delivery_id": str(delivery), "seconds": line.seconds, **missing}
        if line.outcome in _BAD:
            self._log.warning(f"canary.{line.outcome}", **facts)
        else:
            self._log.info(f"canary.{line.outcome}", **facts)
