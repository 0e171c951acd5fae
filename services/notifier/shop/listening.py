"""Reads what the print shop answers: in one transaction letters move on, and the lane of receipts is told."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, TypeVar
from uuid import UUID

from services.notifier.reports import hand_in, message
from services.notifier.shop import AnswerFile, Shop, Told
from services.notifier.shop.fate import WAITING, fate
from shared.broker.message import Message
from shared.config.logs import reason_of
from shared.contract.instants import rfc3339
from shared.contract.internal import ProviderReport, ReportStatus
from shared.errors import LedgerConflictError, ShopUnreachableError
from shared.ledger import Ledger
from shared.worker.crash import crash_point
from shared.worker.outbound import ROW_MESSAGES

_LIMIT = 1_800.0
"""Seconds that one look at the answers may take, whatever limits the transport has."""
_Reply = TypeVar("_Reply")
_JOB = re.compile(r"[A-Z0-9-]{1,64}")


@dataclass(frozen=True, slots=True)
class _Stand:
    """How a letter stands."""

    state: str
    printings: int
    kept: bool


class Listening:
    """Takes the shop's answers.

    Args:
        shop: whose.
        next_day: the working day for whose jobs a damaged letter waits.
        log: of the worker.
    """

    def __init__(self, shop: Shop, next_day: Callable[[], date], log: Any) -> None:  # noqa: ANN401 - structlog's
        self._shop, self._next_day, self._log = shop, next_day, log

    async def step(self, ledger: Ledger) -> bool:
        """Take some files of answers; return whether there may be more.

        Raises:
            LedgerLostError: Postgres is gone. What was not taken is read again, and changes nothing twice.
        """
        files = await self._asked(self._shop.answers())
        taken = [file for file in files or () if await self._record(file, ledger)]
        for file in taken:
            crash_point("answer.recorded")
            await self._asked(self._shop.taken(file))
        return bool(taken)

    async def _asked(self, question: Awaitable[_Reply]) -> _Reply | None:
        """Ask the shop; None if it does not reply, which is told."""
        try:
            async with asyncio.timeout(_LIMIT):
                return await question
        except ShopUnreachableError as fault:
            reason = fault.reason
        except Exception as error:  # noqa: BLE001 - a defect on the way must not stop the lane
            reason = reason_of(error)
        self._log.warning("answers.postponed", reason=reason)
        return None

    async def _record(self, file: AnswerFile, ledger: Ledger) -> bool:
        """Record what a file says; return whether it may be put aside."""
        told = [one for one in file.told if _JOB.fullmatch(one.job)]
        named = sorted({one.job for one in told})
        if early := await ledger.rows("print_jobs_closed", named):
            # As after a crash between the two: a job is recorded as handed over before what came of it. For
            # one that is stuck, as when the shop has another of its id, no answer to the others waits.
            self._log.info("answers.early", answer=file.name, jobs=[row["id"] for row in early])
            return False
        try:
            async with ledger.transaction():
                moved, unknown = await self._apply(told, ledger)
        except LedgerConflictError:
            return False
        unknown += len(file.told) - len(told)
        self._log.info(
            "answers.taken", answer=file.name, letters=len(file.told), moved=moved, unknown=unknown
        )
        return True

    async def _apply(self, told: Sequence[Told], ledger: Ledger) -> tuple[int, int]:
        rows = await ledger.rows("letters_told", [one.letter for one in told], [one.job for one in told])
        stands = {
            (row["delivery"], row["job"]): _Stand(row["state"], row["printings"], row["kept"]) for row in rows
        }
        day = self._next_day()
        moves: dict[UUID, tuple[str, date | None]] = {}
        reports: list[Message] = []
        unknown = 0
        for one in told:
            stand = stands.get((one.letter, one.job))
            if stand is None:
                unknown += 1
            elif new := fate(stand.state, stand.printings, kept=stand.kept, told=one.status):
                kept = stand.kept and new.state == WAITING
                stands[one.letter, one.job] = _Stand(new.state, stand.printings, kept)
                moves[one.letter] = (new.state, day if new.state == WAITING else None)
                if new.report:
                    reports.append(self._report(one, new.report))
        await self._write(moves, ledger)
        for start in range(0, len(reports), ROW_MESSAGES):
            await hand_in(reports[start : start + ROW_MESSAGES], ledger)
        return len(moves), unknown

    @staticmethod
    async def _write(moves: dict[UUID, tuple[str, date | None]], ledger: Ledger) -> None:
        if moves:
            states = [state for state, _ in moves.values()]
            await ledger.run("move_letters", list(moves), states, [day for _, day in moves.values()])

    def _report(self, told: Told, status: ReportStatus) -> Message:
        report = ProviderReport(
            channel="post",
            delivery_id=told.letter,
            status=status,
            evidence=f"shop_{told.status}",
            provider=self._shop.name,
            occurred_at=rfc3339(told.at),
        )
        # The same said in two files is one piece of evidence.
        return message(report, f"print_shop/{told.job}/{told.letter}/{told.status}")
