"""A batch that Postgres rejects is retried, then halved, until the message at fault is alone."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from random import SystemRandom
from typing import TypeVar

from shared.errors import LedgerConflictError, LedgerRefusedError
from shared.worker.reading import ReceivedMessage

CONFLICT = "ledger_conflict"
"""The reason under which a message is parked that still conflicts when it is alone."""

_TOGETHER, _ALONE = 3, 10
"""Attempts at a batch of several, or at a message alone, when another worker committed first."""
_LONGEST_PAUSE = 0.064

_Result = TypeVar("_Result")
_random = SystemRandom()


async def in_parts(
    batch: Sequence[ReceivedMessage],
    attempt: Callable[[Sequence[ReceivedMessage]], Awaitable[_Result]],
    give_up: Callable[[ReceivedMessage, str], _Result],
) -> list[_Result]:
    """Settle a batch in as few parts as Postgres accepts; return the parts' results in order.

    A retry of the transaction resolves most conflicts with another worker; one that persists, or a value that
    Postgres rejects, is found by halving. Retries are bounded: each message alone has ten attempts, within a
    fraction of a second.

    Args:
        batch: at least one message.
        attempt: one transaction.
        give_up: returns the result of a message that is alone and still rejected, with the reason.

    Raises:
        LedgerLostError: the outcome of all that was not settled yet is unknown.
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
            # A random pause, so that two workers in conflict do not collide again.
            await asyncio.sleep(min(_LONGEST_PAUSE, 0.001 * 2**tried) * _random.random())
    return await attempt(part)
