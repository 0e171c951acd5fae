"""Waiting for a condition, with a limit: the only way in which tests wait."""

import asyncio
import time
from collections.abc import Awaitable, Callable

LIMIT = 60.0
"""Seconds: generous, for machines that have other things to do."""


async def until(
    condition: Callable[[], bool] | Callable[[], Awaitable[bool]],
    what: str,
    *,
    limit: float = LIMIT,
    every: float = 0.02,
) -> None:
    """Wait until a condition holds.

    Args:
        condition: asked again and again; may raise to give up at once.
        what: names what is waited for, in the error.
        limit: seconds.
        every: seconds between two questions.

    Raises:
        AssertionError: it did not hold within the limit.
    """
    deadline = time.monotonic() + limit
    while True:
        holds = condition()
        if await holds if isinstance(holds, Awaitable) else holds:
            return
        if time.monotonic() > deadline:
            raise AssertionError(f"{what}: not after {limit:g} s")
        await asyncio.sleep(every)
