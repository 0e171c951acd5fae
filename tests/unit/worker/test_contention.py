"""A batch that Postgres rejects is split until the faulty message is isolated."""

from collections.abc import Sequence
from types import SimpleNamespace
from typing import cast

import pytest

from shared.errors import LedgerConflictError, LedgerLostError, LedgerRefusedError
from shared.worker.contention import CONFLICT, in_parts
from shared.worker.reading import ReceivedMessage

Part = list[tuple[int, str]]


def batch(number: int) -> list[ReceivedMessage]:
    return [cast("ReceivedMessage", SimpleNamespace(id=i)) for i in range(number)]


class Ledger:
    """Takes every part but those that hold one of the bad messages."""

    def __init__(self, bad: dict[int, Exception], *, passing: int = 0) -> None:
        self._bad, self._passing = bad, passing
        self.attempts = 0

    async def attempt(self, part: Sequence[ReceivedMessage]) -> Part:
        """Try one transaction."""
        self.attempts += 1
        for taken in part:
            if (fault := self._bad.get(cast("int", taken.id))) and self.attempts > self._passing:
                raise fault
        if self.attempts <= self._passing:
            raise LedgerConflictError("another worker was quicker")
        return [(cast("int", taken.id), "done") for taken in part]


def give_up(taken: ReceivedMessage, reason: str) -> Part:
    return [(cast("int", taken.id), reason)]


async def outcome(ledger: Ledger, number: int) -> Part:
    return [one for part in await in_parts(batch(number), ledger.attempt, give_up) for one in part]


@pytest.mark.parametrize("number", [1, 2, 7, 200])
@pytest.mark.parametrize("bad", [0, 5, 199])
@pytest.mark.parametrize(
    ("fault", "reason"),
    [(LedgerConflictError("x"), CONFLICT), (LedgerRefusedError("DataError"), "DataError")],
)
async def test_one_message_that_stays_in_the_way_is_given_up_alone_and_in_its_place(
    number: int, bad: int, fault: Exception, reason: str
) -> None:
    ledger = Ledger({bad: fault})
    assert await outcome(ledger, number) == [(i, reason if i == bad else "done") for i in range(number)]
    assert ledger.attempts < 60


async def test_all_of_a_batch_may_be_in_the_way() -> None:
    ledger = Ledger(dict.fromkeys(range(20), LedgerConflictError("x")))
    assert await outcome(ledger, 20) == [(i, CONFLICT) for i in range(20)]


async def test_a_conflict_that_passes_costs_nobody_anything() -> None:
    ledger = Ledger({}, passing=2)
    assert await outcome(ledger, 8) == [(i, "done") for i in range(8)]
    assert ledger.attempts == 3
    alone = Ledger({}, passing=9)
    assert await outcome(alone, 1) == [(0, "done")]


async def test_a_ledger_that_is_lost_is_nobody_s_fault() -> None:
    with pytest.raises(LedgerLostError):
        await outcome(Ledger({0: LedgerLostError("gone")}), 4)
