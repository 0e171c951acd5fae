"""Waiting with a timeout and an explicit error."""

import time
from collections.abc import Callable

from deploy.errors import StackError


def wait_for(condition: Callable[[], bool], limit: float, what: str, *, every: float = 0.02) -> None:
    """Wait until a condition holds.

    Args:
        condition: polled; may raise to stop waiting at once.
        limit: the timeout in seconds.
        what: the name of the condition, for the error.
        every: seconds between two polls.

    Raises:
        StackError: when it does not hold within the limit.
    """
    deadline = time.monotonic() + limit
    while not condition():
        if time.monotonic() > deadline:
            raise StackError(f"{what}: not after {limit:g} s")
        time.sleep(every)
