"""What `notifier-post` does for the print shop beside its lane: a task of its own, on its own connection.

So an upload of minutes delays neither letters nor the relay, and holds no transaction. Several processes may
do it: one at a time talks to the shop, and when its connection to the ledger ends, as with a kill, another
does.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime

from services.notifier.shop.closing import Closing
from services.notifier.shop.handing import Handing
from services.notifier.shop.listening import Listening
from services.notifier.shop.watching import Watching
from shared.errors import LedgerConflictError
from shared.ledger import Ledger

_LOOK = 5.0
"""Seconds between two rounds: how late a day is closed, and an ended process's work is taken over."""
_LISTEN = 60.0
"""Seconds between two looks at the shop's answers."""


class Rounds:
    """One round after the other: close the day, hand its jobs over, hear what the shop says, look around.

    Args:
        closing, handing, listening, watching: the parts of a round.
        now: the time, in UTC.
        clock: seconds.
    """

    def __init__(  # noqa: PLR0913 - one a part
        self,
        closing: Closing,
        handing: Handing,
        listening: Listening,
        watching: Watching,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._closing, self._handing, self._listening, self._watching = closing, handing, listening, watching
        self._now, self._clock, self._listen_at = now, clock, 0.0

    async def step(self, ledger: Ledger) -> None:
        """Make one round.

        Raises:
            LedgerLostError: Postgres is gone.
        """
        await self._closing.step(self._now(), ledger)
        if await ledger.value("lead_print_shop"):
            try:
                await self._with_the_shop(ledger)
            finally:
                if ledger.alive:
                    await ledger.value("yield_print_shop")
        await self._watching.step(ledger)

    async def _with_the_shop(self, ledger: Ledger) -> None:
        while await self._handing.step(ledger):
            # A job may take as long as a day's cut-off is away.
            await self._closing.step(self._now(), ledger)
        if self._clock() >= self._listen_at:
            while await self._listening.step(ledger):
                pass
            self._listen_at = self._clock() + _LISTEN


class ShopUpkeep:
    """Keeps the rounds going.

    Args:
        rounds: what is done.
        connect: opens the connection on which.
        close_shop: closes the way to the shop.
    """

    def __init__(
        self,
        rounds: Rounds,
        connect: Callable[[], Awaitable[Ledger]],
        close_shop: Callable[[], Awaitable[None]],
    ) -> None:
        self._rounds, self._connect, self._close_shop = rounds, connect, close_shop
        self._task: asyncio.Task[None] | None = None

    async def step(self, _: Ledger) -> float:
        """See that the rounds go on; return the seconds until the next look.

        Raises:
            LedgerLostError: Postgres is gone; the next call begins anew.
        """
        if self._task and self._task.done():
            ended, self._task = self._task, None
            ended.result()
        if self._task is None:
            self._task = asyncio.create_task(self._run())
        return _LOOK

    async def _run(self) -> None:
        ledger = await self._connect()
        try:
            while True:
                with suppress(LedgerConflictError):  # an erasure was in the way: the next round does the rest
                    await self._rounds.step(ledger)
                await asyncio.sleep(_LOOK)
        finally:
            await ledger.close()

    async def close(self) -> None:
        """End the rounds, whatever they are at: the next process goes on from what is recorded."""
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None
        await self._close_shop()
