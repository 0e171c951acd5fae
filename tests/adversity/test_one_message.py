"""One message never ends a worker, whatever its size, properties or `reply_to`."""

import base64
import hashlib
import json
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import aio_pika
import asyncpg
import pytest
from aio_pika.abc import AbstractChannel
from aiormq.abc import DeliveredMessage
from aiormq.exceptions import ChannelPreconditionFailed

from deploy.local.client import Client
from deploy.local.rabbitmq import ADMIN
from deploy.local.stack import Stack
from deploy.pinctl.dead import replay
from deploy.pinctl.settings import BrokerSettings, LedgerSettings
from shared.broker.message import Message
from shared.worker.holding import LARGE
from shared.worker.outbound import encode_row
from tests.adversity.dead_letters import number_parked, parked
from tests.adversity.hostile_sender import GARBLED, HostileSender
from tests.adversity.people import REQUEST, citizen
from tests.adversity.poison import MEGABYTE
from tests.bench.procfs import peak_memory
from tests.kit.clients import portal
from tests.kit.evidence import DEAD
from tests.kit.logs import WorkerLog
from tests.kit.servers import empty_queues
from tests.kit.waiting import until

WORKERS = ("issuer", "issuer-access", "revoker", "dispositivo", "notifier-receipts")
SETTINGS: dict[str, str] = {}
MOST_MEMORY = 150.0
"""MB that a worker may ever have had resident, whatever it was sent."""


@pytest.fixture
async def client(running: Stack) -> AsyncIterator[Client]:
    await parked(running)
    async with portal(running) as opened:
        yield opened


@pytest.mark.parametrize("size", [MEGABYTE + 1, 60 * MEGABYTE])
async def test_the_broker_refuses_what_is_larger_than_a_megabyte(running: Stack, size: int) -> None:
    async with HostileSender(running.rabbitmq.url("portal")) as sender:
        with pytest.raises(ChannelPreconditionFailed, match="larger than"):
            await sender.say(b" " * size, REQUEST, message_type=REQUEST, user_id="portal")
    assert await number_parked(running) == 0


async def test_what_is_parked_of_a_large_message_is_its_beginning_with_length_and_digest(
    running: Stack, client: Client
) -> None:
    await client.publish(REQUEST, b"x" * 900_000)
    await until(lambda: _is_parked(running, 1), "the message in pin.dead", every=0.1)
    async with await aio_pika.connect(running.rabbitmq.url(ADMIN)) as connection:
        message = await (await (await connection.channel()).get_queue(DEAD)).get(no_ack=True)
    assert message.body == b"x" * LARGE
    assert message.headers["x-length"] == 900_000
    assert message.headers["x-sha256"] == hashlib.sha256(b"x" * 900_000).hexdigest()


async def test_a_message_that_was_cut_is_not_replayed(running: Stack, client: Client) -> None:
    await client.publish(REQUEST, b"x" * 900_000)
    await until(lambda: _is_parked(running, 1), "the message in pin.dead", every=0.1)
    servers = BrokerSettings.load(running.env), LedgerSettings.load(running.env)
    answer = await replay(*servers, [], everything=True, by="Giulia Ferri")
    assert [(one["bytes"], one["type"]) for one in answer.data["stayed"]] == [(900_000, REQUEST)]
    assert await number_parked(running) == 1


async def _is_parked(stack: Stack, number: int) -> bool:
    return await number_parked(stack) >= number


def large(kind: str) -> Iterator[bytes]:
    """Yield large bodies of several sorts, no two alike."""
    good = json.dumps(citizen()).encode()
    noise = base64.b64encode(os.urandom(3 * MEGABYTE)).replace(b"+", b"-")
    for number in range(10**9):
        start = number * 4099 % (2 * MEGABYTE)
        size = (MEGABYTE - 100, 256 * 1024 - 3000)[number % 2]
        some = noise[start : start + size]
        match kind:
            case "noise":
                yield some
            case "one long text":
                yield b'{"codice_fiscale": "' + some[:-100] + b'"}'
            case "thousands of fields":
                yield b"{" + b", ".join(b'"%s": 1' % some[i : i + 9] for i in range(0, 120_000, 9)) + b"}"
            case "thousands of lists":
                yield b"[" + b"[[1],[2]]," * 20_000 + b"1]"
            case "padding":
                yield good[:-1] + b" " * (size - len(good)) + b"}"


KINDS = ("noise", "one long text", "thousands of fields", "thousands of lists", "padding")


@pytest.mark.parametrize(
    ("worker", "type_", "number"),
    [
        ("issuer", REQUEST, 1050),
        ("issuer-access", "pin.verify", 60),
        ("revoker", "revoke.request", 250),
        ("dispositivo", "istanza.submit", 250),
    ],
)
async def test_no_number_of_large_messages_fills_the_memory_of_a_worker(
    running: Stack, client: Client, worker: str, type_: str, number: int
) -> None:
    # All are queued before it starts: more than its prefetch limit.
    running.workers[worker].stop()
    bodies = [large(kind) for kind in KINDS]
    for i in range(number):
        await client.publish(type_, next(bodies[i % len(bodies)]))
    running.start_worker(worker)
    await until(lambda: _is_idle(running, worker), "an empty lane", limit=400, every=0.2)
    assert peak_memory(running.workers[worker].pid) < MOST_MEMORY
    reply = await client.ask(type_, {"codice_fiscale": "x"})
    assert reply["code"] == "invalid"
    await empty_queues(running)


async def _is_idle(stack: Stack, worker: str) -> bool:
    queue = {"issuer": "issuer.requests", "issuer-access": "issuer.access"}.get(worker, f"{worker}.commands")
    async with await aio_pika.connect(stack.rabbitmq.url(ADMIN)) as connection:
        declared = await (await connection.channel()).get_queue(queue, ensure=True)
        ready = declared.declaration_result.message_count
    assert stack.workers[worker].alive()
    # Only the worker's log shows what it has read.
    return not ready and await _answers(stack, worker)


async def _answers(stack: Stack, worker: str) -> bool:
    type_ = {"issuer": REQUEST, "issuer-access": "pin.verify", "revoker": "revoke.request"}.get(
        worker, "istanza.submit"
    )
    async with portal(stack) as client:
        return bool((await client.ask(type_, {"codice_fiscale": "y"}, limit=240))["code"] == "invalid")


@pytest.mark.parametrize(
    "properties",
    [
        {"app_id": GARBLED},
        {"correlation_id": GARBLED},
        {"content_type": GARBLED, "content_encoding": GARBLED},
        {"headers": {GARBLED: 1, "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}},
        {"headers": {"deep": {"er": {"still": ["x" * 50] * 50}}, "when": datetime(2026, 11, 27, tzinfo=UTC)}},
    ],
    ids=["app_id", "correlation_id", "content_type", "a header", "a deep header"],
)
async def test_a_property_that_cannot_be_read_is_lost_alone(
    running: Stack, client: Client, properties: dict[str, Any]
) -> None:
    message_id = str(uuid4())
    async with HostileSender(running.rabbitmq.url("portal")) as sender:
        await sender.say(
            json.dumps(citizen()).encode(),
            REQUEST,
            message_type=REQUEST,
            message_id=message_id,
            user_id="portal",
            reply_to=client.reply_to,
            delivery_mode=2,
            **properties,
        )
    assert (await client.reply(message_id))["code"] == "accepted"
    await client.event("pin.issued", message_id)
    assert await number_parked(running) == 0


async def test_a_timestamp_in_microseconds_is_lost_alone(running: Stack, client: Client) -> None:
    message_id = str(uuid4())
    stamp = datetime(2026, 11, 27, tzinfo=UTC)
    seconds = int(stamp.timestamp())
    async with HostileSender(running.rabbitmq.url("portal")) as sender:
        sender.replacing[seconds.to_bytes(8)] = (seconds * 10**6).to_bytes(8)
        await sender.say(
            json.dumps(citizen()).encode(),
            REQUEST,
            message_type=REQUEST,
            message_id=message_id,
            user_id="portal",
            reply_to=client.reply_to,
            timestamp=stamp,
        )
    assert (await client.reply(message_id))["code"] == "accepted"
    assert await number_parked(running) == 0


@asynccontextmanager
async def direct(stack: Stack) -> AsyncIterator[tuple[AbstractChannel, dict[str, list[str]]]]:
    """Yield a portal's channel for direct replies, and the replies by correlation id."""
    got: dict[str, list[str]] = {}

    async def take(message: DeliveredMessage) -> None:
        id_ = message.header.properties.correlation_id or ""
        got.setdefault(id_, []).append(json.loads(message.body)["code"])

    async with await aio_pika.connect(stack.rabbitmq.url("portal")) as connection:
        channel = await connection.channel()
        await (await channel.get_underlay_channel()).basic_consume("amq.rabbitmq.reply-to", take, no_ack=True)
        yield channel, got


async def ask_directly(channel: AbstractChannel, reply_to: str) -> str:
    message_id = str(uuid4())
    exchange = await channel.get_exchange("pin.commands", ensure=False)
    await exchange.publish(
        aio_pika.Message(
            json.dumps(citizen()).encode(),
            type=REQUEST,
            message_id=message_id,
            user_id="portal",
            reply_to=reply_to,
        ),
        REQUEST,
    )
    return message_id


def forged(number: int) -> str:
    """Return a queue name for which RabbitMQ closes the connection: malformed, or of an unknown node."""
    node = b"reply@%d" % number
    process = b"\x83Xv" + len(node).to_bytes(2) + node + bytes(12)
    names = (
        f"AAAA.{number}",
        f"g1h2.{number}=",
        f"{base64.b64encode(process).decode()}.Uu4vTDqTjwBJV893QjWSdA==",
    )
    return "amq.rabbitmq.reply-to." + names[number % 3]


async def test_forged_direct_replies_cost_no_session_and_innocents_get_one_answer_each(
    running: Stack, client: Client
) -> None:
    log = WorkerLog(running, "issuer")
    innocent, beside = [], []
    async with direct(running) as (channel, got):
        for number in range(300):
            await ask_directly(channel, forged(number))
            if number % 3 == 0:
                innocent.append(await ask_directly(channel, "amq.rabbitmq.reply-to"))
                beside.append(await client.publish(REQUEST, citizen()))
        await until(lambda: set(innocent) <= got.keys(), "every direct reply")
        await until(lambda: set(beside) <= client.replies.keys(), "every other reply")
        await until(lambda: len({e.id for e in client.events if e.type == "pin.issued"}) == 500, "every PIN")
        assert got == {message_id: ["accepted"] for message_id in innocent}
    assert all(len(client.replies[message_id]) == 1 for message_id in beside)
    assert log.lines("worker.waiting") == []
    assert log.lines("worker.ready") == []
    assert await number_parked(running) == 0


async def test_a_row_of_the_outbox_that_cannot_be_read_or_sent_ends_no_worker(
    running: Stack, client: Client
) -> None:
    logs = [WorkerLog(running, worker) for worker in ("issuer", "issuer-access")]  # who share the rows

    def said(event: str) -> list[dict[str, Any]]:
        return [line for log in logs for line in log.lines(event)]

    large = Message(
        "pin.events", "pin.locked", b"x" * (2 * MEGABYTE), "pin.locked", str(uuid4()), mandatory=False
    )
    rows = {"damaged": b"\x00 no parcel", "no list": b"{}", "too large": encode_row([large])}
    ledger = await asyncpg.connect(running.postgres.dsn("issuer", running.database))
    try:
        adding = (
            "insert into outbox (id, due_at, parcel) values (gen_random_uuid(), now() - interval '1 day', $1)"
        )
        for parcel in rows.values():
            await ledger.execute(adding, parcel)
        await until(
            lambda: len({line["row"] for line in said("outbox.unroutable")}) == len(rows), "all three"
        )
        assert (await client.ask(REQUEST, citizen()))["code"] == "accepted"
        assert said("worker.waiting") == said("worker.died") == []
        kept = "select count(*) from outbox where tries > 0 and due_at < now() + interval '1 hour'"
        assert await ledger.fetchval(kept) == len(rows)
    finally:
        await ledger.execute("delete from outbox")
        await ledger.close()
