"""An attacker with the password of one user of the broker speaks as another, or hears what it may not.

Where the broker refuses a step the attack is over; what counts is that nothing arrives.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any
from uuid import uuid4

import aio_pika
import pytest
from aio_pika.abc import AbstractChannel, AbstractIncomingMessage
from aiormq.exceptions import ChannelAccessRefused

from deploy.local.rabbitmq import ADMIN
from deploy.local.stack import Stack
from deploy.pinctl.commands import parser, run
from tests.adversity.dead_letters import parked
from tests.kit.clients import portal
from tests.kit.waiting import until

APPROVE = "dispositivo.approve"
LANE = "dispositivo.commands"


@asynccontextmanager
async def channel_of(stack: Stack, user: str) -> AsyncIterator[AbstractChannel]:
    """Yield a channel of a user; a refusal by the broker ends the block."""
    with suppress(ChannelAccessRefused):
        async with await aio_pika.connect(stack.rabbitmq.url(user)) as connection:
            yield await connection.channel()


def message(type_: str, user: str, **more: Any) -> aio_pika.Message:  # noqa: ANN401 - properties of AMQP
    body = json.dumps({"type": type_}).encode()
    return aio_pika.Message(body, type=type_, user_id=user, message_id=str(uuid4()), **more)


async def lie_in(stack: Stack, queue: str) -> list[AbstractIncomingMessage]:
    """Return what lies in a queue, once it is quiet, and empty it."""
    found: list[AbstractIncomingMessage] = []
    async with await aio_pika.connect(stack.rabbitmq.url(ADMIN)) as connection:
        lane = await (await connection.channel()).get_queue(queue, ensure=False)
        for _ in range(5):
            while one := await lane.get(fail=False, no_ack=True, timeout=5):
                found.append(one)
            await asyncio.sleep(0.1)
    return found


async def test_a_gateway_does_not_become_an_operator_through_pin_dead(stack: Stack) -> None:
    claims = {"x-reason": "not_json", "x-queue": LANE, "x-routing-key": APPROVE, "x-user-id": "operator"}
    async with channel_of(stack, "gateway") as channel:
        letter = message(APPROVE, "gateway", headers=claims)
        await channel.default_exchange.publish(letter, "pin.dead", timeout=5)
    own = {"PIN_OPERATOR_NAME": "Giulia Ferri"}
    await run(parser().parse_args(["dead", "replay", "--all"]), stack.env | own)
    assert await lie_in(stack, LANE) == []


async def by_an_exchange_of_its_own(channel: AbstractChannel) -> None:
    own = await channel.declare_exchange("reply.portal.x", aio_pika.ExchangeType.FANOUT, auto_delete=True)
    commands = await channel.get_exchange("pin.commands", ensure=False)
    await commands.bind(own)
    await own.publish(message(APPROVE, "portal"), APPROVE, timeout=5)


async def by_what_its_own_exchange_does_not_route(channel: AbstractChannel) -> None:
    own = await channel.declare_exchange(
        "reply.portal.y",
        aio_pika.ExchangeType.FANOUT,
        auto_delete=True,
        arguments={"alternate-exchange": "pin.commands"},
    )
    await own.publish(message(APPROVE, "portal"), APPROVE, timeout=5)


async def by_a_second_routing_key(channel: AbstractChannel) -> None:
    commands = await channel.get_exchange("pin.commands", ensure=False)
    await commands.publish(message(APPROVE, "portal", headers={"CC": [APPROVE]}), "pin.verify", timeout=5)


async def by_dead_letters(channel: AbstractChannel) -> None:
    aside: dict[str, Any] = {"x-dead-letter-exchange": "pin.commands", "x-dead-letter-routing-key": APPROVE}
    queue = await channel.declare_queue("reply.portal.z", exclusive=True, arguments=aside)
    own = await channel.declare_exchange("reply.portal.z", aio_pika.ExchangeType.FANOUT, auto_delete=True)
    await queue.bind(own)
    await own.publish(message(APPROVE, "portal"), "", timeout=5)
    await (await queue.get(timeout=5)).reject(requeue=False)


@pytest.mark.parametrize(
    "way",
    [
        by_an_exchange_of_its_own,
        by_what_its_own_exchange_does_not_route,
        by_a_second_routing_key,
        by_dead_letters,
    ],
)
async def test_a_portal_says_nothing_past_its_rights(
    stack: Stack, way: Callable[[AbstractChannel], Any]
) -> None:
    async with channel_of(stack, "portal") as channel:
        await way(channel)
    assert await lie_in(stack, LANE) == []


@pytest.mark.parametrize("key", ["#", "pin.*", "*.*", "restore.requested"])
async def test_a_portal_hears_nothing_of_what_a_blind_reply_hides(stack: Stack, key: str) -> None:
    heard: list[AbstractIncomingMessage] = []
    async with channel_of(stack, "portal") as channel:
        queue = await channel.declare_queue("events.portal.spy", exclusive=True)
        await queue.bind("pin.events", key)
        async with channel_of(stack, "issuer") as issuer, channel_of(stack, "revoker") as revoker:
            for worker, user, type_ in (
                (issuer, "issuer", "pin.issued"),
                (revoker, "revoker", "restore.requested"),
            ):
                events = await worker.get_exchange("pin.events", ensure=False)
                await events.publish(message(type_, user), type_, timeout=5)
        heard = [one async for one in _whatever(queue)]
    assert heard == []


async def _whatever(queue: aio_pika.abc.AbstractQueue) -> AsyncIterator[AbstractIncomingMessage]:
    for _ in range(5):
        while one := await queue.get(fail=False, no_ack=True, timeout=5):
            yield one
        await asyncio.sleep(0.1)


ACTIVATED = "dispositivo.activated"


async def as_an_event(channel: AbstractChannel) -> None:
    events = await channel.get_exchange("pin.events", ensure=False)
    await events.publish(message(ACTIVATED, "notifier"), ACTIVATED, timeout=5)


async def as_the_second_key_of_an_event_of_its_own(channel: AbstractChannel) -> None:
    events = await channel.get_exchange("pin.events", ensure=False)
    said = message(ACTIVATED, "notifier", headers={"CC": [ACTIVATED]})
    await events.publish(said, "delivery.sent", timeout=5)


async def straight_to_who_listens(channel: AbstractChannel) -> None:
    await channel.default_exchange.publish(message(ACTIVATED, "notifier"), "events.portal.honest", timeout=5)


@pytest.mark.parametrize(
    "way", [as_an_event, as_the_second_key_of_an_event_of_its_own, straight_to_who_listens]
)
async def test_the_notifier_does_not_make_a_pin_dispositivo_for_those_who_listen(
    stack: Stack, way: Callable[[AbstractChannel], Any]
) -> None:
    async with channel_of(stack, "portal") as listening:
        queue = await listening.declare_queue("events.portal.honest", exclusive=True)
        await queue.bind("pin.events", ACTIVATED)
        async with channel_of(stack, "notifier") as channel:
            await way(channel)
        assert [one async for one in _whatever(queue)] == []


@pytest.mark.parametrize(
    ("user", "type_", "lane"),
    [
        ("notifier", "internal.issuer.expire", "issuer.requests"),
        ("issuer", "internal.dispositivo.take_effect", LANE),
        ("revoker", "internal.issuer.letter_returned", "issuer.requests"),
    ],
)
async def test_a_worker_says_no_other_worker_s_commands(
    stack: Stack, user: str, type_: str, lane: str
) -> None:
    for exchange, key in (("pin.commands", type_), ("", lane)):
        async with channel_of(stack, user) as channel:
            target = (
                await channel.get_exchange(exchange, ensure=False) if exchange else channel.default_exchange
            )
            await target.publish(message(type_, user), key, timeout=5)
    assert await lie_in(stack, lane) == []


async def test_what_came_by_a_foreign_exchange_is_parked_where_the_broker_let_it_through(
    stack: Stack,
) -> None:
    """The second lock: rights that somebody changed by hand, a broker without the plugin."""
    stack.start_workers(["issuer"])
    async with await aio_pika.connect(stack.rabbitmq.url(ADMIN)) as connection:
        channel = await connection.channel()
        own = await channel.declare_exchange("reply.portal.x", aio_pika.ExchangeType.FANOUT)
        await (await channel.get_exchange("pin.commands")).bind(own)
        async with portal(stack) as client:
            await client.publish("pin.request", b"{}", exchange="reply.portal.x")
        letters: list[tuple[str, str, bytes]] = []

        async def there() -> bool:
            letters.extend(await parked(stack))
            return bool(letters)

        await until(there, "the message in pin.dead", every=0.1)
        await own.delete()
    assert [(reason, type_) for reason, type_, _ in letters] == [("forbidden_exchange", "pin.request")]
