"""Every user of the broker tries everything: what the table of rights says works, and all else is refused."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, closing, suppress
from dataclasses import dataclass
from functools import partial
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import aiormq
import pytest
from aiormq.abc import AbstractChannel, AbstractConnection
from aiormq.exceptions import AMQPError, ChannelAccessRefused, ChannelPreconditionFailed
from pamqp.commands import Basic

from deploy.broker.render import without_passwords
from deploy.broker.rights import ANY, DEFAULT, RIGHTS, Rights
from deploy.local.ports import HOST, Ports
from deploy.local.rabbitmq import ADMIN
from deploy.local.stack import Stack
from deploy.local.waiting import wait_for
from shared.contract.channels import CHANNELS, LANES
from shared.contract.events import EVENTS
from shared.contract.internal import INTERNAL
from shared.contract.message import COMMANDS
from shared.contract.topology import DEAD
from tests.kit.servers import empty_queues

Do = Callable[[AbstractChannel], Awaitable[Any]]
EXCHANGES = tuple(one["name"] for one in without_passwords()["exchanges"])
BUILT_IN = ("amq.topic", "amq.direct", "amq.fanout", "amq.headers", "amq.match")
QUEUES = (*LANES, DEAD)
KEYS = (*COMMANDS, *(command.type for command in INTERNAL), *EVENTS, *(channel.name for channel in CHANNELS))
WIDENINGS: tuple[str, ...] = (
    "#",
    "*",
    "*.*",
    "pin.*",
    "pin.#",
    "delivery.#",
    "istanza.*",
    "istanza.#",
    "istanza.#.#",
)
WIDENINGS += ("#.released", "istanza.*.#", "dispositivo.*", "dispositivo.#", "", "istanza", "istanza.x")
OWNERS = ("portal", "operator", "registry", "observer", "supervisor", "gateway", "issuer", "pinctl")
FOREIGN = tuple(f"{kind}.{user}.theirs" for kind in ("reply", "events") for user in OWNERS)
NEW = tuple(f"{kind}.{user}.new" for kind in ("reply", "events") for user in OWNERS)
HEADERS = ({"CC": ["pin.revoked"]}, {"BCC": ["dispositivo.approve"]})


@dataclass(frozen=True)
class Attempt:
    """One thing that a user tries."""

    what: str
    do: Do
    allowed: bool


def calling(method: str, *values: object, **named: object) -> Do:
    """Return what calls a method of a channel."""
    return lambda channel: getattr(channel, method)(*values, **named)


class Trying:
    """One user on one connection; a refusal closes the channel, and the next attempt opens another."""

    def __init__(self, connection: AbstractConnection) -> None:
        self._connection = connection
        self._channel: AbstractChannel | None = None

    async def succeeds(self, attempt: Attempt) -> bool:
        """Return whether the broker let it do that."""
        if self._channel is None:
            self._channel = await self._connection.channel()
        try:
            await attempt.do(self._channel)
        except (ChannelAccessRefused, ChannelPreconditionFailed):
            self._channel = None
            return False
        return True


@asynccontextmanager
async def connected(stack: Stack, user: str) -> AsyncIterator[AbstractConnection]:
    connection = await aiormq.connect(stack.rabbitmq.url(user))
    try:
        yield connection
    finally:
        with suppress(AMQPError):
            await connection.close()


@pytest.fixture
async def broker(servers: Stack) -> AsyncIterator[Stack]:
    """The broker, with a queue of everybody's that others may try to get at."""
    async with connected(servers, ADMIN) as connection:
        channel = await connection.channel()
        for name in FOREIGN:
            await channel.queue_declare(name)
        yield servers
        for name in (*FOREIGN, *NEW):
            await channel.queue_delete(name)
    await empty_queues(servers)


def exchanges(_: Rights, user: str) -> Iterator[Attempt]:
    """Change exchanges: nobody may."""
    names = (*EXCHANGES, f"reply.{user}.x", f"events.{user}.x", "amq.gen-x", "amq.x", "x")
    for name in names:
        kinds = ("topic", "direct", "fanout") if name not in EXCHANGES else ("topic",)
        for kind in kinds:
            yield Attempt(
                f"declare exchange {name}",
                calling("exchange_declare", name, exchange_type=kind, durable=True),
                allowed=False,
            )
        yield Attempt(f"delete exchange {name}", calling("exchange_delete", name), allowed=False)
    for source in (*EXCHANGES, *BUILT_IN):
        for target in (*EXCHANGES, "amq.topic"):
            for key in ("#", "istanza.#"):
                yield Attempt(
                    f"bind exchange {target} to {source} by {key}",
                    calling("exchange_bind", target, source, routing_key=key),
                    allowed=False,
                )
    aside = {"x-dead-letter-exchange": "pin.commands", "x-message-ttl": 0}
    for name in (f"reply.{user}.aside", ""):
        yield Attempt(
            f"let {name or 'a queue'} pass on its dead letters",
            calling("queue_declare", name, exclusive=True, arguments=aside),
            allowed=False,
        )


def queues(rights: Rights, user: str) -> Iterator[Attempt]:
    """Declare, read, purge and delete queues."""
    yield Attempt(
        "declare a queue that the broker names",
        calling("queue_declare", "", exclusive=True),
        allowed=rights.owns("amq.gen-x"),
    )
    for name in (*NEW, "x", "pin.x", f"{user}.x", "amq.gen-mine"):
        own = rights.owns(name) and not name.startswith("amq.")
        yield Attempt(f"declare queue {name}", calling("queue_declare", name), allowed=own)
    for name in QUEUES:
        declared = {"durable": True, "arguments": {"x-queue-type": "quorum"}}
        yield Attempt(f"declare queue {name}", calling("queue_declare", name, **declared), allowed=False)
        yield Attempt(f"delete queue {name}", calling("queue_delete", name), allowed=False)
    for name in (*QUEUES, *FOREIGN):
        may = rights.may_read(name)
        yield Attempt(f"get from {name}", calling("basic_get", name, no_ack=True), allowed=may)
        yield Attempt(f"consume {name}", partial(_consume, queue=name), allowed=may)
        yield Attempt(f"purge {name}", calling("queue_purge", name), allowed=may)
    for name in FOREIGN:
        if not rights.owns(name):
            yield Attempt(f"delete queue {name}", calling("queue_delete", name), allowed=False)


async def _consume(channel: AbstractChannel, queue: str) -> None:
    async def take(_: object) -> None:
        """Nothing is there."""

    tag = (await channel.basic_consume(queue, take, no_ack=True)).consumer_tag
    await channel.basic_cancel(str(tag))


def bindings(rights: Rights, _: str) -> Iterator[Attempt]:
    """Bind queues to exchanges."""
    own = next((name for name in FOREIGN if rights.owns(name)), "")
    for queue in filter(None, (own, *QUEUES, *FOREIGN)):
        for exchange in (*EXCHANGES, "amq.topic"):
            keys = (*WIDENINGS, *EVENTS) if queue == own and exchange == "pin.events" else ("#", "pin.issued")
            for key in keys:
                yield Attempt(
                    f"bind {queue} to {exchange} by {key!r}",
                    calling("queue_bind", queue, exchange, routing_key=key),
                    allowed=rights.owns(queue) and rights.may_follow(exchange, key),
                )


def publishing(rights: Rights, user: str) -> Iterator[Attempt]:
    """Publish everything everywhere, also under another's name and with further keys."""
    topics = ("pin.commands", "pin.events")
    for exchange in (DEFAULT, *EXCHANGES, *BUILT_IN):
        keys = (
            (*KEYS, "#", "x")
            if exchange in topics
            else (*QUEUES, *FOREIGN, "amq.gen-x", "delivery.receipt", "")
        )
        for key in keys:
            yield Attempt(
                f"publish {key!r} to {exchange!r}",
                partial(_publish, exchange=exchange, key=key, user_id=user),
                allowed=rights.may_publish(exchange, key),
            )
    for exchange, said in rights.publishes.items():
        key = "x" if ANY in said else min(said).replace("…", "x")
        for other in RIGHTS.keys() - {user}:
            yield Attempt(
                f"publish to {exchange!r} as {other}",
                partial(_publish, exchange=exchange, key=key, user_id=other),
                allowed=rights.anyone,
            )
        for headers in HEADERS:
            yield Attempt(
                f"publish to {exchange!r} with {headers}",
                partial(_publish, exchange=exchange, key=key, user_id=user, headers=headers),
                allowed=False,
            )


async def _publish(
    channel: AbstractChannel, exchange: str, key: str, user_id: str, headers: dict[str, Any] | None = None
) -> None:
    said = Basic.Properties(user_id=user_id, headers=headers)
    await channel.basic_publish(b"{}", exchange=exchange, routing_key=key, properties=said, timeout=20)


KINDS: tuple[Callable[[Rights, str], Iterator[Attempt]], ...] = (exchanges, publishing, queues, bindings)


async def faults(stack: Stack, user: str) -> list[str]:
    """Return what a user may do and should not, or should and may not."""
    attempts = [attempt for kind in KINDS for attempt in kind(RIGHTS[user], user)]
    async with connected(stack, user) as connection:
        trying = Trying(connection)
        wrong = [attempt for attempt in attempts if await trying.succeeds(attempt) != attempt.allowed]
    return [f"{'may not' if attempt.allowed else 'may'} {attempt.what}" for attempt in wrong]


def test_the_table_has_every_user() -> None:
    assert RIGHTS.keys() == {user["name"] for user in without_passwords()["users"]}


async def test_every_user_may_do_what_the_table_says_and_nothing_else(broker: Stack) -> None:
    found = await asyncio.gather(*(faults(broker, user) for user in RIGHTS))
    assert {user: wrong for user, wrong in zip(RIGHTS, found, strict=True) if wrong} == {}


async def test_asking_whether_an_exchange_is_there_is_no_change(broker: Stack) -> None:
    for user in RIGHTS:
        async with connected(broker, user) as connection:
            await (await connection.channel()).exchange_declare("pin.commands", passive=True)


async def test_a_queue_that_nobody_reads_does_not_grow_without_end(broker: Stack) -> None:
    """The policy `outside-queues`: the oldest messages go."""
    for queue in ("reply.portal.new", "events.observer.new"):
        user = queue.split(".")[1]
        async with connected(broker, user) as connection:
            await (await connection.channel()).queue_declare(queue)
    listed = broker.rabbitmq.ctl("list_queues", "name", "policy", "--no-table-headers")
    policies = dict(line.split() for line in listed.splitlines())
    theirs = {name for name in policies if name.startswith(("reply.", "events."))}
    assert {policies[name] for name in theirs} == {"outside-queues"}
    assert {policies[name] for name in policies.keys() - theirs} == {"never-dropped"}


@pytest.fixture
def management(broker: Stack, tmp_path: Path) -> Iterator[int]:
    """The port of the management plugin, which runs for this test alone."""
    port = Ports(tmp_path / "ports.json")["management"]
    told = broker.rabbitmq.ctl("eval", "rabbit_plugins:enabled_plugins_file().")
    file = Path(told.strip().strip('"'))
    before = file.read_text(encoding="utf-8")
    change = f'rabbit_plugins:ensure("{file}").'
    where = f'[{{port, {port}}}, {{ip, "{HOST}"}}]'
    broker.rabbitmq.ctl("eval", f"application:set_env(rabbitmq_management, tcp_config, {where}).")
    file.write_text(before.replace("[", "[rabbitmq_management,"), encoding="utf-8")
    broker.rabbitmq.ctl("eval", change)
    yield port
    file.write_text(before, encoding="utf-8")
    broker.rabbitmq.ctl("eval", change)


def test_the_autoscaler_sees_how_long_a_queue_is_and_gets_and_sends_no_message(
    broker: Stack, management: int
) -> None:
    """What KEDA asks (`deploy/kubernetes/components/keda`), and what it could ask and must not be given."""
    login = base64.b64encode(f"autoscaler:{broker.rabbitmq.passwords['autoscaler']}".encode()).decode()
    headers = {"Authorization": f"Basic {login}", "Content-Type": "application/json"}

    def answer(method: str, path: str, body: object = None) -> tuple[int, Any]:
        with closing(HTTPConnection(HOST, management, timeout=20)) as connection:
            connection.request(method, f"/api/{path}", json.dumps(body) if body else None, headers)
            response = connection.getresponse()
            return response.status, json.load(response)

    queue = "queues/%2F/issuer.requests"
    wait_for(lambda: answer("GET", queue)[1].get("messages") == 0, 30, "the first count of messages")
    message = {"properties": {}, "routing_key": "pin.request", "payload": "{}", "payload_encoding": "string"}
    wanted = {"count": 1, "ackmode": "ack_requeue_true", "encoding": "auto"}
    for method, path, body in (
        ("POST", f"{queue}/get", wanted),
        ("DELETE", f"{queue}/contents", None),
        ("POST", "exchanges/%2F/pin.commands/publish", message),
        ("POST", "exchanges/%2F/amq.default/publish", {**message, "routing_key": "issuer.requests"}),
        ("GET", "definitions", None),
        ("GET", "users", None),
    ):
        status, said = answer(method, path, body)
        assert status in {400, 401}, path
        assert "refused" in str(said).lower() or said["error"] == "not_authorised", said
