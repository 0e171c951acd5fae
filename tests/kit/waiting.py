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
    """Wait until a condition gives something true, and return that.

    Args:
        condition: asked again and again, and awaited where it has to be; may raise to give up at once.
        what: names what is waited for, in the error.
        limit: seconds.
        every: seconds between two questions.

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
