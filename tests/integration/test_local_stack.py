"""The private servers: the permissions of broker users, and what survives a crash or restart."""

import asyncio
import uuid
from pathlib import Path

import aio_pika
import pytest
from aio_pika.abc import AbstractChannel
from aiormq.exceptions import AMQPError, ChannelAccessRefused, ChannelPreconditionFailed

from deploy.local.keyrings import KEYS
from deploy.local.stack import Stack

PORTAL_SAYS = ["pin.request", "pin.activate", "restore.confirm", "revoke.request", "istanza.submit"]
LANES = {
    "pin.request": "issuer.requests",
    "pin.activate": "issuer.access",
    "restore.confirm": "revoker.commands",
    "revoke.request": "revoker.commands",
    "istanza.submit": "dispositivo.commands",
}


async def say(channel: AbstractChannel, key: str, *, user: str, exchange: str = "pin.commands") -> None:
    message = aio_pika.Message(
        b"{}",
        type=key,
        user_id=user,
        message_id=str(uuid.uuid4()),
        delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
    )
    target = await channel.get_exchange(exchange, ensure=False) if exchange else channel.default_exchange
    await target.publish(message, key, mandatory=True, timeout=5)


@pytest.mark.parametrize("key", PORTAL_SAYS)
async def test_a_command_of_the_portals_reaches_its_lane(stack: Stack, key: str) -> None:
    async with await aio_pika.connect(stack.rabbitmq.url("portal")) as connection:
        await say(await connection.channel(), key, user="portal")
    async with await aio_pika.connect(stack.rabbitmq.url("admin")) as connection:
        queue = await (await connection.channel()).get_queue(LANES[key])
        assert (await queue.get(timeout=5)).type == key


@pytest.mark.parametrize(
    ("user", "key"),
    [
        ("portal", "dispositivo.approve"),
        ("portal", "branch.activate"),
        ("portal", "registry.update"),
        ("portal", "internal.issuer.expire"),
        ("operator", "pin.verify"),
        ("operator", "internal.issuer.expire"),
        ("registry", "pin.request"),
        ("gateway", "pin.request"),
        ("revoker", "pin.request"),
        ("notifier", "internal.issuer.expire"),
        ("issuer", "internal.dispositivo.take_effect"),
    ],
)
async def test_nobody_says_what_another_may(stack: Stack, user: str, key: str) -> None:
    async with await aio_pika.connect(stack.rabbitmq.url(user)) as connection:
        with pytest.raises(ChannelAccessRefused):
            await say(await connection.channel(), key, user=user)


async def test_a_forged_user_id_is_refused(stack: Stack) -> None:
    async with await aio_pika.connect(stack.rabbitmq.url("portal")) as connection:
        with pytest.raises(ChannelPreconditionFailed):
            await say(await connection.channel(), "pin.request", user="operator")


@pytest.mark.parametrize("exchange", ["pin.events", "pin.notifications", "pin.dead", ""])
async def test_a_portal_publishes_to_no_other_exchange(stack: Stack, exchange: str) -> None:
    async with await aio_pika.connect(stack.rabbitmq.url("portal")) as connection:
        with pytest.raises(ChannelAccessRefused):
            await say(await connection.channel(), "pin.revoked", user="portal", exchange=exchange)


@pytest.mark.parametrize("queue", ["issuer.requests", "notifier.sms", "pin.dead", "reply.operator.1"])
async def test_a_portal_reads_no_queue_but_its_own(stack: Stack, queue: str) -> None:
    async with await aio_pika.connect(stack.rabbitmq.url("operator")) as operator:
        await (await operator.channel()).declare_queue("reply.operator.1", exclusive=False, auto_delete=True)
        async with await aio_pika.connect(stack.rabbitmq.url("portal")) as connection:
            channel = await connection.channel()
            with pytest.raises(ChannelAccessRefused):
                await (await channel.get_queue(queue, ensure=False)).get(fail=False)
        await (await operator.channel()).queue_delete("reply.operator.1")


async def test_a_lane_is_read_by_its_own_worker_alone(stack: Stack) -> None:
    async with await aio_pika.connect(stack.rabbitmq.url("notifier")) as connection:
        sms = await (await connection.channel()).get_queue("notifier.sms")
        assert await sms.get(fail=False) is None
        with pytest.raises(ChannelAccessRefused):
            await (await (await connection.channel()).get_queue("issuer.requests")).get(fail=False)


@pytest.mark.parametrize("name", ["", "reply.portal.7", "amq.rabbitmq.reply-to"])
async def test_a_worker_replies_to_each_kind_of_queue_of_a_portal(stack: Stack, name: str) -> None:
    async with await aio_pika.connect(stack.rabbitmq.url("portal")) as portal:
        channel = await portal.channel()
        if name == "amq.rabbitmq.reply-to":
            queue = await channel.get_queue(name, ensure=False)
        else:
            queue = await channel.declare_queue(name, exclusive=True)
        iterator = queue.iterator(no_ack=True, timeout=5)
        await iterator.consume()
        exchange = await channel.get_exchange("pin.commands", ensure=False)
        await exchange.publish(aio_pika.Message(b"{}", type="pin.verify", reply_to=queue.name), "pin.verify")
        async with await aio_pika.connect(stack.rabbitmq.url("issuer")) as issuer:
            worker = await issuer.channel()
            command = await (await worker.get_queue("issuer.access")).get(timeout=5)
            assert command.reply_to
            await worker.default_exchange.publish(aio_pika.Message(b"yes"), command.reply_to, mandatory=True)
        assert (await anext(iterator)).body == b"yes"
        await iterator.close()


async def test_a_portal_follows_events_in_a_queue_of_its_own(stack: Stack) -> None:
    async with await aio_pika.connect(stack.rabbitmq.url("portal")) as portal:
        queue = await (await portal.channel()).declare_queue("events.portal.all", auto_delete=True)
        await queue.bind("pin.events", "istanza.#")
        async with await aio_pika.connect(stack.rabbitmq.url("issuer")) as issuer:
            await say(await issuer.channel(), "istanza.released", user="issuer", exchange="pin.events")
        assert (await queue.get(timeout=5)).type == "istanza.released"
        await queue.delete()


async def test_a_portal_cannot_listen_to_commands(stack: Stack) -> None:
    async with await aio_pika.connect(stack.rabbitmq.url("portal")) as portal:
        queue = await (await portal.channel()).declare_queue(exclusive=True)
        with pytest.raises(ChannelAccessRefused):
            await queue.bind("pin.commands", "#")


async def test_a_receipt_reaches_its_lane_by_either_way(stack: Stack) -> None:
    async with await aio_pika.connect(stack.rabbitmq.url("gateway")) as gateway:
        channel = await gateway.channel()
        for exchange in ("pin.receipts", "pin.commands"):
            await say(channel, "delivery.receipt", user="gateway", exchange=exchange)
    async with await aio_pika.connect(stack.rabbitmq.url("notifier")) as notifier:
        queue = await (await notifier.channel()).get_queue("notifier.receipts")
        assert queue.declaration_result.message_count == 2


async def test_pinctl_replays_a_parked_message_under_its_senders_name(stack: Stack) -> None:
    async with await aio_pika.connect(stack.rabbitmq.url("pinctl")) as pinctl:
        await say(await pinctl.channel(), "issuer.requests", user="portal", exchange="")
    async with await aio_pika.connect(stack.rabbitmq.url("issuer")) as issuer:
        message = await (await (await issuer.channel()).get_queue("issuer.requests")).get(timeout=5)
        assert message.user_id == "portal"


async def test_what_the_servers_confirmed_survives_their_death(stack: Stack) -> None:
    async with await aio_pika.connect(stack.rabbitmq.url("portal")) as portal:
        await say(await portal.channel(), "pin.request", user="portal")
    stack.postgres.sql("create table kept (); ", stack.database)
    stack.rabbitmq.kill()
    stack.postgres.kill()
    with pytest.raises((AMQPError, OSError)):
        await aio_pika.connect(stack.rabbitmq.url("portal"))
    stack.postgres.start()
    stack.rabbitmq.start()
    assert stack.postgres.sql("select count(*) from kept", stack.database) == "0"
    async with await aio_pika.connect(stack.rabbitmq.url("issuer")) as issuer:
        message = await (await (await issuer.channel()).get_queue("issuer.requests")).get(timeout=5)
        assert message.type == "pin.request"


async def test_a_full_disk_blocks_publishers_and_loses_nothing(stack: Stack) -> None:
    stack.rabbitmq.raise_disk_alarm()
    async with await aio_pika.connect(stack.rabbitmq.url("portal")) as portal:
        channel = await portal.channel()
        saying = asyncio.ensure_future(say(channel, "pin.request", user="portal"))
        assert not (await asyncio.wait([saying], timeout=0.5))[0]
        await asyncio.to_thread(stack.rabbitmq.clear_disk_alarm)
        await saying


def test_no_worker_leaves_a_core_dump_and_each_has_its_own_keys(stack: Stack) -> None:
    stack.start_workers()
    for name, process in stack.workers.items():
        limits = Path(f"/proc/{process.pid}/limits").read_text()
        core = next(line for line in limits.splitlines() if line.startswith("Max core file size"))
        assert core.split()[4:6] == ["0", "0"], name
        keys = list((stack.state / "keyrings" / name).iterdir())
        assert {key.name for key in keys} == KEYS[name]
        assert {key.stat().st_mode & 0o777 for key in keys if key.suffix == ".key"} <= {0o600}
