"""The private parts of aiormq and pamqp that `shared/broker/wire.py` uses are unchanged."""

import asyncio
import dataclasses
import inspect
from collections import OrderedDict
from collections.abc import AsyncIterator
from importlib.metadata import version
from typing import Any
from uuid import uuid4

import aio_pika
import pamqp.frame
import pytest
from aiormq.abc import ChannelFrame
from packaging.requirements import Requirement
from pamqp.base import BasicProperties
from pamqp.body import ContentBody
from pamqp.commands import Basic
from pamqp.header import ContentHeader

from deploy.local.processes import CHECKOUT
from shared.broker import wire
from shared.broker.message import Message
from shared.broker.properties import PROPERTIES
from shared.broker.session import Session
from shared.errors import BrokerLostError
from tests.kit.checkout import tracked
from tests.kit.waiting import until
from tests.unit.worker.scripted_broker import FRAME_MAX, LIMIT, ScriptedBroker, running

BELOW = ("aiormq", "pamqp")
"""The packages whose insides are relied on."""
INSIDES = ("ChannelFrame", "write_queue", "message_id_delivery_tag", "confirmations[", "max_content_size")


def capped(name: str) -> Requirement:
    lines = (CHECKOUT / "requirements.in").read_text(encoding="utf-8").splitlines()
    asked = (Requirement(text) for line in lines if (text := line.partition("#")[0].strip()))
    return next(requirement for requirement in asked if requirement.name == name)


@pytest.fixture
async def broker() -> AsyncIterator[tuple[ScriptedBroker, str]]:
    async with asyncio.timeout(4 * LIMIT), running() as found:
        yield found


@pytest.fixture
async def session(broker: tuple[ScriptedBroker, str]) -> AsyncIterator[Session]:
    opened = await Session.open(broker[1], "test", LIMIT)
    yield opened
    await opened.close()


def message(key: str, body: bytes = b"{}") -> Message:
    return Message("", key, body, "t", str(uuid4()))


@pytest.mark.parametrize("name", BELOW)
def test_a_release_that_nobody_has_looked_into_is_not_installed(name: str) -> None:
    specifier = capped(name).specifier
    assert {"<", ">="} == {part.operator for part in specifier}, f"requirements.in: {name} has no cap"
    assert specifier.contains(version(name)), (
        f"{name} {version(name)} is outside {specifier}: see broker/wire.py, then move the cap"
    )


def test_the_insides_of_the_libraries_are_touched_in_one_file() -> None:
    for path in tracked("shared", "services", "deploy"):
        if path.endswith(".py") and path != "shared/broker/wire.py":
            text = (CHECKOUT / path).read_text(encoding="utf-8")
            assert [word for word in INSIDES if word in text] == [], path


async def test_aiormq_keeps_confirmations_where_ours_are_added(
    broker: tuple[ScriptedBroker, str],
) -> None:
    """A publish of aiormq's own, unconfirmed yet, leaves exactly the traces that `wire.send` leaves."""
    broker[0].batch = 2
    connection = await aio_pika.connect(broker[1])
    channel = wire.concrete(await (await connection.channel()).get_underlay_channel())
    async with asyncio.TaskGroup() as group:
        group.create_task(channel.basic_publish(b"{}", properties=Basic.Properties(message_id="m")))
        await until(lambda: len(broker[0].bodies) == 1, "the first publish", limit=LIMIT)
        assert channel.delivery_tag == 1, "aiormq does not count publishes in Channel.delivery_tag"
        assert isinstance(channel.confirmations, OrderedDict), "aiormq's confirmations are in no order"
        [(tag, waiting)] = channel.confirmations.items()
        assert tag == 1, "aiormq's confirmations do not go by the number of the publish"
        assert isinstance(waiting, asyncio.Future), "aiormq's confirmations are no futures"
        assert channel.message_id_delivery_tag == {"m": 1}, "aiormq finds what came back in another way"
        group.create_task(channel.basic_publish(b"{}"))
    await connection.close()


async def test_aiormq_writes_what_it_is_given(session: Session) -> None:
    channel = session._giving
    assert isinstance(channel.number, int), "aiormq's channel has no number"
    assert channel.max_content_size == FRAME_MAX - 8, "aiormq does not say how much fits into a frame"
    put = inspect.signature(channel.write_queue.put).parameters
    assert list(put) == ["item"], "aiormq's Channel.write_queue is no queue"
    needed = {
        field.name for field in dataclasses.fields(ChannelFrame) if field.default is dataclasses.MISSING
    }
    assert needed == {"payload", "should_close"}, "aiormq's ChannelFrame is made in another way"


async def test_a_batch_is_confirmed_message_by_message(
    broker: tuple[ScriptedBroker, str], session: Session
) -> None:
    """By one word of the broker for all; what came back counts as that, and later batches are counted on."""
    scripted = broker[0]
    scripted.batch = 3
    large = bytes(3 * FRAME_MAX)
    batch = [message("somewhere"), message("nowhere"), message("somewhere", large)]
    assert await session.publish(batch, LIMIT) == [True, False, True], (
        "aiormq settles confirmations otherwise"
    )
    assert scripted.bodies == [b"{}", b"{}", large]
    assert session._giving.message_id_delivery_tag == {}
    assert not session._giving.confirmations
    again = [message("nowhere"), message("somewhere"), message("somewhere")]
    assert await session.publish(again, LIMIT) == [False, True, True]


async def test_what_the_broker_refuses_is_not_published(session: Session) -> None:
    with pytest.raises(BrokerLostError, match="DeliveryError"):
        await session.publish([message("refused")], LIMIT)


def test_pamqp_knows_the_properties_that_we_read() -> None:
    names, kind = Basic.Properties.attributes(), Basic.Properties.amqp_type
    theirs = [(name, Basic.Properties.flags[name], kind(name)) for name in names]
    assert list(PROPERTIES) == theirs, "pamqp's properties have other names, flags, kinds or another order"
    asked = list(inspect.signature(BasicProperties.unmarshal).parameters)
    assert asked == ["self", "flags", "data"], "pamqp reads properties from something else"


def header(**properties: Any) -> bytes:  # noqa: ANN401 - as pamqp names them
    return pamqp.frame.marshal(ContentHeader(0, 2, Basic.Properties(**properties)), 1)


def garbled(frame: bytes) -> bytes:
    return frame.replace(b"not-utf8", b"\xff\xfe\xc0\x80ABC\xed")


def test_pamqp_reads_every_header_by_our_reader() -> None:
    read = pamqp.frame.unmarshal(garbled(header(message_id="m", correlation_id="not-utf8")))[2]
    assert isinstance(read, ContentHeader)
    assert getattr(read.properties, "unreadable", None) == {"correlation_id"}, (
        "pamqp reads headers by another way than Basic.Properties.unmarshal"
    )
    assert read.properties.message_id == "m"


async def test_a_property_that_cannot_be_read_costs_no_session(broker: tuple[ScriptedBroker, str]) -> None:
    content = garbled(header(message_id="m", correlation_id="not-utf8"))
    broker[0].content = content + pamqp.frame.marshal(ContentBody(b"{}"), 1)
    session = await Session.open(broker[1], "test", LIMIT)
    await session.consume("q", 1)
    [arrived] = await session.gather(1, 0)
    assert (arrived.tag, arrived.message_id, arrived.unreadable) == (7, "m", {"correlation_id"})
    await session.close()
