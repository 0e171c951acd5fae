"""Waiting for a condition, with a limit: the only way in which tests wait."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

LIMIT = 60.0
"""Seconds: generous, for machines that have other things to do."""


async def until(
    condition: Callable[[], Any],
    what: str = "what the test waits for",
    *,
    limit: float = LIMIT,
    every: float = 0.02,
) -> Any:  # noqa: ANN401 - what it waited for
    """Wait until a condition returns a true value, and return it.

    Args:
        condition: polled, and awaited if needed; may raise to stop waiting at once.
        what: the name of the condition, for the error.
        limit: the timeout in seconds.
        every: seconds between two polls.

    Raises:
        AssertionError: it did not hold within the limit.
    """
    deadline = time.monotonic() + limit
    while True:
        found = condition()
        if isinstance(found, Awaitable):
            found = await found
        if found:
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"{what}: not after {limit:g} s")
        await asyncio.sleep(every)
