"""A poison message harms no other: it is parked with its reason, and its neighbours are handled."""

import json
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest
from aiormq.exceptions import ChannelAccessRefused, ChannelPreconditionFailed

from deploy.local.citizens import citizens
from deploy.local.client import Client
from deploy.local.stack import Stack
from shared.worker.holding import LARGE
from tests.adversity.dead_letters import number_parked, parked
from tests.adversity.hostile_sender import HostileSender
from tests.adversity.people import REQUEST, citizen
from tests.adversity.poison import FIFTY, Poison
from tests.kit.clients import portal
from tests.kit.evidence import DEAD, gathered
from tests.kit.invariants import every_chain_verifies
from tests.kit.servers import empty_queues
from tests.kit.waiting import until

WORKERS = ("issuer", "notifier-receipts")
SETTINGS: dict[str, str] = {}
GOOD = 1000
UNPRINTABLE = "\x00\n\x1f"


async def say(stack: Stack, poison: Poison) -> None:
    async with HostileSender(stack.rabbitmq.url(poison.by)) as sender:
        await sender.say(poison.body, poison.key, exchange=poison.exchange, **poison.sent)


@pytest.fixture
async def client(running: Stack) -> AsyncIterator[Client]:
    await parked(running)
    async with portal(running) as opened:
        yield opened


def test_there_are_fifty_poisons() -> None:
    assert len(FIFTY) == 50


async def test_fifty_poisonous_messages_among_a_thousand_are_parked_and_the_rest_is_handled(
    running: Stack, client: Client
) -> None:
    good = [body for _, body in citizens(GOOD, 3)]
    # No reply can be directed to a worker's queue, or to the operators' queues.
    elsewhere = (DEAD, "notifier.sms", "issuer.requests", "reply.portal.none", "reply.operator.1", "x" * 255)
    # Nor can forged broker headers disturb a worker.
    odd: tuple[dict[str, Any], ...] = (
        *({"reply_to": name} for name in elsewhere),
        {"headers": {"timestamp_in_ms": 10**18, "traceparent": "x" * 130_000}},
        {"headers": {"x-delivery-count": 2**31, "x-death": [{"count": 1}]}},
        {"priority": 255, "content_type": "text/plain", "content_encoding": "gzip", "app_id": "è"},
        {"correlation_id": UNPRINTABLE},
    )
    asked: list[str] = []
    for number, body in enumerate(good):
        if number % (GOOD // len(FIFTY)) == 0:
            await say(running, FIFTY[number // (GOOD // len(FIFTY))])
        asked.append(await client.publish(REQUEST, body, **(odd[number] if number < len(odd) else {})))
    await until(lambda: _issued(client) >= GOOD, "a thousand PINs")
    await _until_parked(running, len(FIFTY))
    await until(lambda: len(client.replies) >= GOOD - len(elsewhere), "every reply")
    found = await gathered(running, [client], [])
    every_chain_verifies(found)
    assert found.waiting["issuer.requests"] == 0
    assert found.waiting["notifier.post"] > 0
    assert len(found.heads) == _issued(client) == GOOD
    dead = await parked(running)
    kept = Counter((p.reason, p.body if p.by == "issuer" else p.body[:LARGE]) for p in FIFTY)
    assert Counter((reason, body) for reason, _, body in dead) == kept
    answers = {name: [json.loads(r) for r in replies] for name, replies in client.replies.items()}
    expected = {"outcome": "accepted", "code": "accepted", "detail": "", "errors": [], "data": {}}
    asked[len(odd) - 1] = UNPRINTABLE
    assert set(asked[len(elsewhere) :]) == answers.keys()
    assert all(replies == [expected] for replies in answers.values())


def _issued(client: Client) -> int:
    return len({event.id for event in client.events if event.type == "pin.issued"})


async def test_a_message_that_breaks_rules_gets_one_reply_that_names_every_field(
    running: Stack, client: Client
) -> None:
    bad = citizen(
        surname="X Æ A-12",
        birth_date="2999-01-01",
        sex="Q",
        contacts={"mobile": "333 123", "email": "nobody"},
        preferred_time="midnight",
        favourite_colour="blue",
    )
    del bad["name"]
    bad["residence"]["postal_code"] = "99999"
    message_id = await client.publish(REQUEST, bad)
    reply = await client.reply(message_id)
    assert (reply["outcome"], reply["code"], reply["data"]) == ("rejected", "invalid", {})
    assert {error["field"] for error in reply["errors"]} >= {
        "surname",
        "name",
        "birth_date",
        "sex",
        "residence.postal_code",
        "contacts.mobile",
        "contacts.email",
        "preferred_time",
        "favourite_colour",
    }
    assert all(error["code"] and error["detail"] for error in reply["errors"])
    assert await client.event("pin.request_rejected", message_id) == {"code": "invalid"}
    assert [e.body["subject"] for e in client.events if e.correlation_id == message_id] == [None]
    assert (await client.ask(REQUEST, citizen()))["code"] == "accepted"
    assert len(client.replies[message_id]) == 1
    assert [e.type for e in client.events if e.correlation_id == message_id] == ["pin.request_rejected"]
    assert await number_parked(running) == 0


async def test_of_a_key_that_stands_twice_the_last_one_counts(running: Stack, client: Client) -> None:
    person = citizen()
    twice = json.dumps(person).encode().replace(b"{", b'{"codice_fiscale": "X", "sex": 7, ', 1)
    assert (await client.reply(await client.publish(REQUEST, twice)))["outcome"] == "accepted"
    reversed_ = json.dumps(citizen()).encode()[:-1] + b', "sex": 7}'
    reply = await client.reply(await client.publish(REQUEST, reversed_))
    assert {error["field"] for error in reply["errors"]} == {"sex"}
    assert await number_parked(running) == 0


async def test_one_message_id_with_another_body_is_rejected(client: Client) -> None:
    message_id = str(uuid4())
    assert (await client.ask(REQUEST, citizen(), message_id=message_id))["code"] == "accepted"
    assert (await client.ask(REQUEST, citizen(), message_id=message_id))["code"] == "message_id_reused"
    issued = [e for e in client.events if e.type == "pin.issued"]
    assert {e.correlation_id for e in issued} == {message_id}


@pytest.mark.parametrize("forged", ["operator", "issuer", "pinctl", "nobody"])
async def test_the_broker_refuses_a_forged_sender(running: Stack, forged: str) -> None:
    with pytest.raises(ChannelPreconditionFailed):
        await say(running, Poison("", b"{}", properties={"user_id": forged}))


@pytest.mark.parametrize(
    "key", ["revoke.by_contact_centre", "registry.update", "internal.issuer.expire", "delivery.receipt"]
)
async def test_the_broker_refuses_a_portal_what_others_may_say(running: Stack, key: str) -> None:
    with pytest.raises(ChannelAccessRefused):
        await say(running, Poison("", b"{}", key=key))


def _to(queue: str, body: bytes, *, by: str, type_: str) -> Poison:
    """Return a message that is put into a queue in the name of a user."""
    return Poison("", body, "pinctl", queue, "", {"message_type": type_, "user_id": by})


async def test_the_lane_of_receipts_parks_what_it_cannot_read(running: Stack, client: Client) -> None:
    queue, early = "notifier.receipts", "internal.notifier.receipt"
    garbage = (b"", b"{", b"[]", b"{}", b'{"receipt": {}, "rounds": 1}', b'{"receipt": 1, "rounds": []}')
    for body in garbage:
        await say(running, _to(queue, body, by="notifier", type_=early))
    await say(running, _to(queue, b"{}", by="issuer", type_=REQUEST))
    await say(running, Poison("", b"{}", "gateway", "", "pin.receipts", {"message_type": early}))
    await say(running, _to(queue, b"{}", by="issuer", type_=early))
    await _until_parked(running, len(garbage) + 3)
    reasons = Counter(reason for reason, _, _ in await parked(running))
    assert reasons == {"not_a_receipt": len(garbage), "unknown_type": 1, "forbidden_sender": 2}
    assert client.events == []


async def test_the_lane_of_a_channel_parks_what_it_cannot_read(running: Stack, client: Client) -> None:
    await empty_queues(running)
    for by, type_, body in (
        ("gateway", "bundle", b"{}"),
        ("issuer", REQUEST, b"{}"),
        *(
            ("issuer", "bundle", body)
            for body in (b"", b"{}", b"[" * 10**5, b'{"key": 1, "deliveries": [0]}')
        ),
    ):
        await say(running, _to("notifier.sms", body, by=by, type_=type_))
    running.start_workers(["notifier-sms"])
    await _until_parked(running, 6)
    reasons = Counter(reason for reason, _, _ in await parked(running))
    assert reasons == {"forbidden_sender": 1, "unknown_type": 1, "not_a_bundle": 4}
    assert client.events == []


async def _until_parked(stack: Stack, number: int) -> None:
    async def there() -> bool:
        return await number_parked(stack) >= number

    await until(there, f"{number} messages in pin.dead", every=0.1)
