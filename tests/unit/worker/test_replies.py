"""Allowed reply addresses; a direct reply that cannot be delivered does not affect others."""

import asyncio
import base64
from collections.abc import Sequence
from dataclasses import replace

import pytest

from shared.broker.message import Message
from shared.broker.session import Session
from shared.errors import BrokerLostError
from shared.worker.replies import DirectReplies, node_of, reply_queue
from tests.unit.worker.test_intake import GOOD

GENUINE = "amq.rabbitmq.reply-to.g1h2AA9yZXBseUAxMDkwOTQyNzYAAAL1AAAAAGsI5Vg=.Uu4vTDqTjwBJV893QjWSdA=="


def name(
    node: bytes, *, form: bytes = b"X", atom: bytes = b"v", numbers: int = 12, length: int | None = None
) -> str:
    size = len(node) if length is None else length
    process = (
        b"\x83" + form + atom + (size.to_bytes(2) if atom in b"vd" else bytes([size])) + node + bytes(numbers)
    )
    return f"amq.rabbitmq.reply-to.{base64.b64encode(process).decode()}.Uu4vTDqTjwBJV893QjWSdA=="


@pytest.mark.parametrize(
    ("reply_to", "goes"),
    [
        ("amq.gen-abc", True),
        (GENUINE, True),
        ("reply.portal.web-3", True),
        ("reply.operator.x", False),
        ("issuer.requests", False),
        ("pin.dead", False),
        ("", False),
    ],
)
def test_nobody_can_aim_a_worker_s_reply_at_a_worker(reply_to: str, *, goes: bool) -> None:
    assert (reply_queue(replace(GOOD, reply_to=reply_to)) is not None) == goes


FORGED = (
    *(
        "amq.rabbitmq.reply-to",
        "amq.rabbitmq.reply-toX",
        "amq.rabbitmq.reply-to.",
        "amq.rabbitmq.reply-to.none",
    ),
    *("amq.rabbitmq.reply-to.AAAA.BBBB", "amq.rabbitmq.reply-to.g1h2.=", GENUINE.partition(".Uu4")[0]),
    *(
        GENUINE + "\n",
        GENUINE.replace("g1h2", "h1h2"),
        name(b"rabbit@host"),
        name(b"reply@"),
        name(b"reply@-5"),
    ),
    *(name(b"reply@12x"), name(b"reply@1", atom=b"d"), name(b"reply@" + b"9" * 26)),
    *(name(b"reply@1", numbers=11), name(b"reply@1", length=3)),
)


@pytest.mark.parametrize("forged", FORGED)
def test_a_name_that_rabbitmq_never_made_gets_no_reply(forged: str) -> None:
    assert reply_queue(replace(GOOD, reply_to=forged)) is None


def test_the_node_stands_in_the_name() -> None:
    assert node_of(GENUINE) == b"reply@109094276"
    assert node_of(name(b"reply@17", form=b"g", atom=b"w", numbers=9)) == b"reply@17"


class Broker:
    """Counts sessions, and ends the one that a reply to a node of nobody's is published on."""

    def __init__(self) -> None:
        self.opened = 0
        self.got: list[str] = []
        self.together: list[int] = []
        self.answers = asyncio.Event()
        """Whether it says anything of a reply to a node of nobody's: it may take its time."""
        self.answers.set()

    async def open(self) -> Session:
        """Open a session."""
        self.opened += 1
        return Ending(self)


class Ending(Session):
    """One session with that broker."""

    def __init__(self, broker: Broker) -> None:
        self.lost = asyncio.Event()
        self._broker = broker

    async def publish(self, messages: Sequence[Message], limit: float) -> list[bool]:
        """Take what goes to a node that there is."""
        assert limit > 0
        if any(node_of(m.routing_key) != b"reply@109094276" for m in messages):
            await self._broker.answers.wait()
            self.lost.set()
            raise BrokerLostError("INTERNAL_ERROR")
        self._broker.got += [m.message_id for m in messages]
        self._broker.together.append(len(messages))
        return [True] * len(messages)

    async def close(self) -> None:
        """End it."""
        self.lost.set()


def reply(queue: str, number: int) -> Message:
    return Message("", queue, b"{}", "reply", f"{queue[-40:]} {number}", mandatory=False)


def honest(number: int) -> list[Message]:
    return [reply(GENUINE, i) for i in range(number)]


def forged(number: int) -> list[Message]:
    return [reply(name(b"reply@%d" % i), i) for i in range(number)]


async def test_forged_replies_keep_no_honest_one_from_arriving_and_none_comes_twice() -> None:
    broker = Broker()
    direct = DirectReplies(broker.open, lambda: 0.0)
    for _ in range(20):
        batch = [*forged(50), *honest(30), *forged(50)]
        sent = await direct.send(batch)
        assert sent == [node_of(m.routing_key) == b"reply@109094276" for m in batch]
    assert len(broker.got) == 20 * 30
    assert broker.together[:2] == [1, 29]
    assert set(broker.together[2:]) == {30}


async def test_replies_to_a_known_node_do_not_wait_for_those_to_a_forged_one() -> None:
    """Whoever forges names without end must not take the turn of everybody else's replies."""
    broker = Broker()
    direct = DirectReplies(broker.open, lambda: 0.0)
    await direct.send(honest(1))
    broker.answers.clear()
    held_up = [asyncio.ensure_future(direct.send(forged(5))) for _ in range(3)]
    await asyncio.sleep(0)
    assert await direct.send(honest(3)) == [True] * 3
    assert not any(task.done() for task in held_up)
    broker.answers.set()
    assert await asyncio.gather(*held_up) == [[False] * 5] * 3


async def test_replies_that_waited_for_a_probe_of_their_node_leave_after_it() -> None:
    broker = Broker()
    direct = DirectReplies(broker.open, lambda: 0.0)
    assert await asyncio.gather(*(direct.send(honest(2)) for _ in range(3))) == [[True] * 2] * 3
    assert len(broker.got) == 6


async def test_a_node_that_ended_a_session_is_left_alone_for_a_while() -> None:
    now = 0.0
    broker = Broker()
    direct = DirectReplies(broker.open, lambda: now)
    for _ in range(10):
        await direct.send([*honest(1), *forged(1)])
    assert broker.opened <= 3
    now = 61.0
    await direct.send([*honest(1), *forged(1)])
    await direct.send(honest(1))
    assert broker.opened <= 4


async def test_without_replies_no_session_is_opened() -> None:
    broker = Broker()
    assert await DirectReplies(broker.open, lambda: 0.0).send([]) == []
    assert broker.opened == 0
