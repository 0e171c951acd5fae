"""A batch that Postgres does not take: tried again, then divided, until what is in the way stands alone."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from random import SystemRandom
from typing import TypeVar

from shared.errors import LedgerConflictError, LedgerRefusedError
from shared.worker.reading import ReceivedMessage

CONFLICT = "ledger_conflict"
"""The reason under which a message is parked that is still in conflict when it is alone."""

_TOGETHER, _ALONE = 3, 10
"""How often a batch of several, or a message alone, starts anew when another worker was quicker."""
_LONGEST_PAUSE = 0.064

_Result = TypeVar("_Result")
_random = SystemRandom()


async def in_parts(
    batch: Sequence[ReceivedMessage],
    attempt: Callable[[Sequence[ReceivedMessage]], Awaitable[_Result]],
    give_up: Callable[[ReceivedMessage, str], _Result],
) -> list[_Result]:
    """Settle a batch in as few parts as Postgres takes it in; returns the parts' results in order.

    A conflict with another worker passes when the transaction starts anew; one that stays, or a value that
    Postgres refuses, is found by halving. Nothing of this is without end: each message alone has ten tries,
    within a fraction of a second.

    Args:
        batch: at least one message.
        attempt: one transaction.
        give_up: what becomes of a message that is alone and still not taken, with the reason.

    Raises:
        LedgerLostError: nothing is known to have happened to what was not settled yet.
    """
    results: list[_Result] = []
    waiting = deque([list(batch)])
    while waiting:
        part = waiting.popleft()
        try:
            results.append(await _tried(part, attempt))
        except (LedgerConflictError, LedgerRefusedError) as fault:
            if len(part) > 1:
                middle = len(part) // 2
                waiting.extendleft((part[middle:], part[:middle]))
            else:
                reason = CONFLICT if isinstance(fault, LedgerConflictError) else str(fault)
                results.append(give_up(part[0], reason))
    return results


async def _tried(
    part: list[ReceivedMessage], attempt: Callable[[Sequence[ReceivedMessage]], Awaitable[_Result]]
) -> _Result:
    tries = _TOGETHER if len(part) > 1 else _ALONE
    for tried in range(1, tries):
        try:
            return await attempt(part)
        except LedgerConflictError:
            # Two that collided do not collide again at once.
            await asyncio.sleep(min(_LONGEST_PAUSE, 0.001 * 2**tried) * _random.random())
    return await attempt(part)
