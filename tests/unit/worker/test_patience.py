"""A broker that delivers is alive: its answers come behind what is on its way, however much that is."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from uuid import uuid4

import pamqp.frame
import pytest
from pamqp.body import ContentBody
from pamqp.commands import Basic
from pamqp.header import ContentHeader

from shared.broker import session as session_module
from shared.broker.message import Message
from shared.broker.session import Session
from shared.errors import BrokerLostError
from tests.unit.worker.scripted_broker import LIMIT, ScriptedBroker, running

PATIENCE = 0.4
PREFETCH = 50
Ask = Callable[[Session], Awaitable[object]]
ASKED: dict[str, Ask] = {
    "depth": lambda session: session.depth("q"),
    "publish": lambda session: session.publish([Message("", "k", b"{}", "t", str(uuid4()))], PATIENCE),
}


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session_module, "_ANSWERS", PATIENCE)


@pytest.fixture
async def consuming() -> AsyncIterator[tuple[ScriptedBroker, Session]]:
    async with running() as (broker, url):
        header = pamqp.frame.marshal(ContentHeader(0, 2, Basic.Properties(message_id="m")), 1)
        broker.content = header + pamqp.frame.marshal(ContentBody(b"{}"), 1)
        session = await Session.open(url, "test", LIMIT)
        await session.consume("q", PREFETCH)
        yield broker, session
        await session.close()
    await asyncio.sleep(0.2)  # a lost connection ends by itself, now that its broker has gone


@pytest.mark.parametrize("ask", ASKED.values(), ids=ASKED)
async def test_an_answer_behind_many_messages_is_waited_for(
    consuming: tuple[ScriptedBroker, Session], ask: Ask
) -> None:
    broker, session = consuming
    broker.before, broker.pause = 30, PATIENCE / 10
    await ask(session)
    assert not session.lost.is_set()
    assert len(await session.gather(100, 0)) == 1 + broker.before


@pytest.mark.parametrize("ask", ASKED.values(), ids=ASKED)
async def test_an_answer_is_not_waited_for_behind_more_than_was_asked_for(
    consuming: tuple[ScriptedBroker, Session], ask: Ask
) -> None:
    """A confirm that never comes would else be waited for as long as there is traffic."""
    broker, session = consuming
    broker.before, broker.pause = PREFETCH + 60, PATIENCE / 20
    with pytest.raises(BrokerLostError):
        await ask(session)
    assert session.lost.is_set()
    assert session.taken < broker.before


@pytest.mark.parametrize("ask", ASKED.values(), ids=ASKED)
async def test_a_broker_that_delivers_nothing_and_answers_nothing_is_lost(
    consuming: tuple[ScriptedBroker, Session], ask: Ask
) -> None:
    broker, session = consuming
    broker.answers = False
    began = time.monotonic()
    with pytest.raises(BrokerLostError):
        await ask(session)
    assert session.lost.is_set()
    assert time.monotonic() - began < 5 * PATIENCE


@pytest.mark.parametrize("ask", ASKED.values(), ids=ASKED)
async def test_a_loop_that_was_busy_takes_nobody_for_silent(
    consuming: tuple[ScriptedBroker, Session], ask: Ask
) -> None:
    """The answer has been in the socket for long when the loop looks at its clock."""
    _, session = consuming
    asyncio.get_running_loop().call_later(PATIENCE / 20, time.sleep, 2 * PATIENCE)
    await ask(session)
    assert not session.lost.is_set()
