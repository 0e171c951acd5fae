"""The look for a consumer: a queue of which nothing is heard is left, one that delivers is not."""

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import pytest

from shared.errors import BrokerLostError, ConsumerGoneError
from shared.worker import shell
from shared.worker.shell import Worker


class Looked:
    """A session whose broker says the same at every look."""

    def __init__(self, waiting: int, consumers: int, *, delivers: bool = False) -> None:
        self.said, self.delivers = (waiting, consumers), delivers
        self.taken = self.looks = 0

    async def depth(self, _: str) -> tuple[int, int]:
        """Count the look."""
        self.looks += 1
        self.taken += self.delivers
        return self.said


async def watched(session: Looked, *, missed: bool = False) -> None:
    """Watch for some dozens of looks.

    Raises:
        TimeoutError: the worker stays.
    """
    worker: Any = SimpleNamespace(
        _consuming=True, _stopping=asyncio.Event(), _missed=missed, _lane=SimpleNamespace(queue="q")
    )
    async with asyncio.timeout(0.3):
        await Worker._watch(worker, cast("Any", session))


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shell, "_WATCH", 0.005)


async def test_a_queue_of_which_nothing_is_heard_is_left_at_the_third_look() -> None:
    session = Looked(0, 0)
    with pytest.raises(BrokerLostError):
        await watched(session)
    assert session.looks == 3


@pytest.mark.parametrize("waiting", [0, 5])
async def test_a_queue_that_delivers_is_not_left_whatever_the_broker_says(waiting: int) -> None:
    session = Looked(waiting, 0, delivers=True)
    with pytest.raises(TimeoutError):
        await watched(session)
    assert session.looks > 6


async def test_messages_that_wait_for_no_consumer_end_a_session_and_then_the_process() -> None:
    with pytest.raises(BrokerLostError):
        await watched(Looked(5, 0))
    with pytest.raises(ConsumerGoneError):
        await watched(Looked(5, 0), missed=True)


async def test_a_queue_with_a_consumer_is_kept() -> None:
    with pytest.raises(TimeoutError):
        await watched(Looked(5, 1))
