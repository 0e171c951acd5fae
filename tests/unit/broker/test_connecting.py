"""A worker goes to the first node that answers, and none that is silent keeps it."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, cast

import pytest
from aio_pika.abc import AbstractConnection

from shared.broker import connecting

URL = "amqp://portal@one,two,three/"


class _Connection:
    """One that was made."""

    def __init__(self, host: str) -> None:
        self.host, self.ended = host, False

    async def close(self) -> None:
        self.ended = True


class _Nodes:
    """What each host does, the connections that were made, and the attempts that were given up."""

    def __init__(self, **does: Callable[[], Coroutine[Any, Any, None]]) -> None:
        self._does = does
        self.made: list[_Connection] = []
        self.left: list[str] = []

    async def connect(self, url: str, *_: object) -> AbstractConnection:
        host = next(name for name in self._does if name in url)
        try:
            await self._does[host]()
        except asyncio.CancelledError:
            self.left.append(host)
            raise
        self.made.append(_Connection(host))
        return cast("AbstractConnection", self.made[-1])


async def _silent() -> None:
    await asyncio.sleep(3600)


async def _refuses() -> None:
    raise ConnectionRefusedError


async def _cancelled() -> None:
    raise asyncio.CancelledError


async def _answers() -> None:
    await asyncio.sleep(0)


@pytest.fixture
def in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    """The hosts are tried in the order of the URL, each a moment after the one before."""
    monkeypatch.setattr("shared.broker.connecting.random.shuffle", lambda places: places.reverse())
    monkeypatch.setattr(connecting, "_APART", 0.01)


async def _connected(nodes: _Nodes, monkeypatch: pytest.MonkeyPatch) -> _Connection:
    monkeypatch.setattr(connecting, "_connect", nodes.connect)
    async with asyncio.timeout(5):
        return cast("_Connection", await connecting.connect(URL, "test", 3600))


@pytest.mark.usefixtures("in_order")
@pytest.mark.asyncio
@pytest.mark.parametrize("first", [_silent, _refuses, _cancelled])
async def test_a_node_that_is_silent_or_refuses_keeps_nobody(
    first: Callable[[], Coroutine[Any, Any, None]], monkeypatch: pytest.MonkeyPatch
) -> None:
    nodes = _Nodes(one=first, two=first, three=_answers)
    made = await _connected(nodes, monkeypatch)
    assert made.host == "three"
    assert not made.ended
    assert sorted(nodes.left) == ([] if first is _refuses else ["one", "two"])


@pytest.mark.usefixtures("in_order")
@pytest.mark.asyncio
async def test_where_two_answer_at_once_one_connection_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    both = asyncio.Event()

    async def together() -> None:
        await both.wait()

    async def last() -> None:
        both.set()

    nodes = _Nodes(one=together, two=together, three=last)
    kept = await _connected(nodes, monkeypatch)
    await asyncio.sleep(0.02)
    assert not kept.ended
    assert all(one.ended for one in nodes.made if one is not kept)


@pytest.mark.usefixtures("in_order")
@pytest.mark.asyncio
async def test_where_none_answers_it_is_the_last_one_s_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConnectionRefusedError):
        await _connected(_Nodes(one=_cancelled, two=_cancelled, three=_refuses), monkeypatch)
    with pytest.raises(ConnectionAbortedError):
        await _connected(_Nodes(one=_refuses, two=_refuses, three=_cancelled), monkeypatch)
