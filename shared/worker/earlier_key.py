"""Tells that somebody still seals to an earlier key of this worker: as long as they do, it is needed."""

import time
from collections.abc import Callable
from typing import Any

_INTERVAL = 60.0


class EarlierKey:
    """Logs the use of an earlier key, at most once a minute for each user who seals to it.

    Args:
        name: of the key, such as `issuer`.
        log: where it is told.
        clock: seconds.
    """

    def __init__(
        self,
        name: str,
        log: Any,  # noqa: ANN401 - structlog's
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._name, self._log, self._clock = name, log, clock
        self._due: dict[str, float] = {}

    def __call__(self, key_id: str, user: str) -> None:
        """Tell of one use of the key with this id by a broker user."""
        now = self._clock()
        if now >= self._due.get(user, now):
            self._due[user] = now + _INTERVAL
            self._log.warning("key.earlier_used", key=self._name, id=key_id, user=user)
