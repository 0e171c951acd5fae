"""How the local stack waits: with a limit, and a sentence when it is reached."""

import time
from collections.abc import Callable

from deploy.errors import StackError


def wait_for(condition: Callable[[], bool], limit: float, what: str, *, every: float = 0.02) -> None:
    """Wait until a condition holds.

    Args:
        condition: asked again and again; may raise to give up at once.
        limit: seconds.
        what: names what is waited for, in the error.
        every: seconds between two questions.

    Raises:
        StackError: when it does not hold within the limit.
    """
    deadline = time.monotonic() + limit
    while not condition():
        if time.monotonic() > deadline:
            raise StackError(f"{what}: not after {limit:g} s")
        time.sleep(every)
