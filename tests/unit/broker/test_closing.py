"""A connection whose other end is silent is left in time."""

import asyncio
import time
from contextlib import suppress
from typing import cast

import pytest
from aio_pika.abc import AbstractConnection

from shared.broker.connecting import close


class _Stubborn:
    """As aiormq behaves where the socket's buffer is full: it goes on waiting when it is cancelled."""

    def __init__(self) -> None:
        self.closed = False

    async def close(self) -> None:
        end = time.monotonic() + 0.5
        while time.monotonic() < end:
            with suppress(asyncio.CancelledError):
                await asyncio.sleep(end - time.monotonic())
        self.closed = True


class _Broken:
    async def close(self) -> None:
        raise RuntimeError


@pytest.mark.asyncio
async def test_who_leaves_a_silent_node_does_not_wait_for_it_however_its_library_does() -> None:
    connection, began = _Stubborn(), time.monotonic()
    await close(cast("AbstractConnection", connection), 0.05)
    assert time.monotonic() - began < 0.4
    assert not connection.closed
    await asyncio.sleep(0.6)
    assert connection.closed


@pytest.mark.asyncio
async def test_a_connection_that_breaks_as_it_closes_is_closed() -> None:
    await close(cast("AbstractConnection", _Broken()), 1)
