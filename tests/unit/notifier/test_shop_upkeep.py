"""The rounds of the print shop's process go on whatever one of them meets."""

import asyncio
from typing import cast

import pytest

from services.notifier.shop import upkeep
from services.notifier.shop.upkeep import Rounds, ShopUpkeep
from shared.errors import LedgerConflictError, LedgerLostError
from shared.ledger import Ledger


class Meets(Rounds):
    """Rounds that meet errors, one a round, and then nothing."""

    def __init__(self, *errors: Exception) -> None:
        self.errors, self.made = list(errors), asyncio.Event()

    async def step(self, _: Ledger) -> None:
        """Raise the next error, or note that there is none."""
        if self.errors:
            raise self.errors.pop()
        self.made.set()


class Open:
    """A connection that only can be closed."""

    async def close(self) -> None:
        """Do nothing."""


async def nothing() -> None:
    pass


LEDGER = cast("Ledger", Open())


def of(rounds: Rounds) -> ShopUpkeep:
    async def connect() -> Ledger:
        return LEDGER

    return ShopUpkeep(rounds, connect, nothing)


async def test_a_round_in_whose_way_an_erasure_was_ends_no_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upkeep, "_LOOK", 0.0)
    rounds = Meets(LedgerConflictError("DeadlockDetectedError"))
    beside = of(rounds)
    await beside.step(LEDGER)
    async with asyncio.timeout(5):
        await rounds.made.wait()
    await beside.step(LEDGER)
    await beside.close()


async def test_a_lost_ledger_is_told_to_the_lane_which_begins_anew() -> None:
    rounds = Meets(LedgerLostError("gone"))
    beside = of(rounds)
    await beside.step(LEDGER)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    with pytest.raises(LedgerLostError):
        await beside.step(LEDGER)
    await beside.step(LEDGER)
    async with asyncio.timeout(5):
        await rounds.made.wait()
    await beside.close()
