"""Who reads and changes the queues gets no PIN, no log-in and no restore out of what is sealed."""

import json
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import aio_pika
import pytest

from deploy.local.captured import Captured
from deploy.local.client import Client
from deploy.local.sealed import ReplyKey, bound, sealed
from deploy.local.stack import Stack
from tests.integration.test_restore_and_revoke import EMAIL, MOBILE, WORKERS, Citizen
from tests.kit.clients import portal
from tests.kit.logs import log_lines
from tests.kit.waiting import until

SECOND_FORM_ALONE = {"PIN_REQUIRE_BOUND_SEALS": "true"}


@pytest.fixture
async def at_portal(stack: Stack) -> AsyncIterator[Client]:
    stack.start_workers((*WORKERS, "revoker"))
    async with portal(stack) as client:
        yield client


async def taken_from(stack: Stack, queue: str) -> tuple[str, dict[str, Any]]:
    """Take the one message of a queue, as whoever runs the broker can; return its id and body."""
    async with await aio_pika.connect(stack.rabbitmq.url("admin")) as connection:
        held = await (await connection.channel()).get_queue(queue)
        message = await held.get(timeout=5)
        assert message is not None
        await message.ack()
    assert message.message_id is not None
    return message.message_id, json.loads(message.body)


def lines(stack: Stack, event: str, message_id: str) -> list[dict[str, Any]]:
    """Return the log lines of one kind about a message of the access lane."""
    log = log_lines(stack.state / "log/issuer-access.log")
    return [line for line in log if line["event"] == event and line["message_id"] == message_id]


async def initial_pin(citizen: Citizen) -> str:
    """Request a PIN; return its sixteen characters."""
    captured = Captured(citizen.stack.state)
    await citizen.portal.ask("pin.request", citizen.person)
    (letter,) = await until(captured.letters)
    first = (await until(lambda: [message for message in captured.sms() if message.half]))[-1]
    return f"{first.half}{letter.half}"


async def swapped_in_the_queue(citizen: Citizen, initial: str, *, second_form: bool) -> tuple[Any, ReplyKey]:
    """Play the theft: the citizen activates, and the thief puts a key of his own into the waiting message."""
    stack, ours, thief_s = citizen.stack, ReplyKey(), ReplyKey()
    stack.workers["issuer-access"].stop()
    body = {"codice_fiscale": citizen.codice_fiscale, "reply_key": ours.public}
    message_id, state = str(uuid4()), stack.state
    seal = (
        bound(state, "issuer", {"pin": initial}, body, message_id)
        if second_form
        else sealed(state, "issuer", initial)
    )
    await citizen.portal.publish("pin.activate", {**body, "pin_sealed": seal}, message_id=message_id)
    waiting, found = await taken_from(stack, "issuer.access")
    await citizen.portal.publish("pin.activate", {**found, "reply_key": thief_s.public}, message_id=waiting)
    return message_id, thief_s


async def test_a_reply_key_that_is_swapped_in_the_queue_gets_nobody_the_pin(
    stack: Stack, at_portal: Client
) -> None:
    citizen = Citizen(stack, at_portal)
    initial = await initial_pin(citizen)
    message_id, _ = await swapped_in_the_queue(citizen, initial, second_form=True)
    stack.start_worker("issuer-access")
    reply = await at_portal.reply(message_id)
    assert (reply["code"], reply["data"]) == ("wrong_pin", {})
    (line,) = lines(stack, "seal.misbound", message_id)
    assert line["fields"] == ["reply_key"]
    assert initial not in json.dumps(line)
    # The PIN is still the citizen's to use.
    assert await citizen.first_access(initial)


async def test_a_seal_of_the_first_form_can_be_stolen_so_until_it_is_refused(
    stack: Stack, at_portal: Client
) -> None:
    citizen = Citizen(stack, at_portal)
    initial = await initial_pin(citizen)
    message_id, thief_s = await swapped_in_the_queue(citizen, initial, second_form=False)
    stack.start_worker("issuer-access", env=SECOND_FORM_ALONE)
    assert (await at_portal.reply(message_id))["code"] == "wrong_pin"
    assert len(lines(stack, "seal.unbound", message_id)) == 1
    # Nothing is counted: an old portal that tries again and again locks nobody out.
    for _ in range(7):
        seal = sealed(stack.state, "issuer", "ABCD1234")
        body = {"codice_fiscale": citizen.codice_fiscale, "pin_sealed": seal}
        assert (await at_portal.ask("pin.verify", body))["code"] == "wrong_pin"
    stack.workers["issuer-access"].stop()
    # The attack itself, on a system that still takes the first form.
    message_id, thief_s = await swapped_in_the_queue(citizen, initial, second_form=False)
    stack.start_worker("issuer-access")
    reply = await at_portal.reply(message_id)
    assert len(thief_s.open(reply["data"]["pin_sealed"])) == 8


async def test_a_seal_that_was_seen_in_the_queue_logs_nobody_in(stack: Stack, at_portal: Client) -> None:
    citizen = Citizen(stack, at_portal)
    pin = await citizen.get_pin()
    stack.workers["issuer-access"].stop()
    body: dict[str, Any] = {"codice_fiscale": citizen.codice_fiscale}
    message_id = str(uuid4())
    body["pin_sealed"] = bound(stack.state, "issuer", {"pin": pin}, body, message_id)
    await at_portal.publish("pin.verify", body, message_id=message_id)
    _, seen = await taken_from(stack, "issuer.access")
    stack.start_worker("issuer-access")
    replayed = str(uuid4())
    assert (await at_portal.ask("pin.verify", seen, message_id=replayed))["code"] == "wrong_pin"
    assert lines(stack, "seal.misbound", replayed)[0]["fields"] == ["message_id"]
    thief_s = ReplyKey()
    activation = await at_portal.ask("pin.activate", {**seen, "reply_key": thief_s.public})
    assert activation["code"] == "wrong_pin"
    assert (await at_portal.ask("pin.verify", body, message_id=message_id))["data"] == {"level": "online"}


async def test_a_token_opens_a_link_in_its_own_message_alone(stack: Stack, at_portal: Client) -> None:
    citizen = Citizen(stack, at_portal)
    await citizen.get_pin()
    await citizen.ask("restore.request", contacts={"mobile": MOBILE, "email": EMAIL})
    token = (await citizen.link()).token
    assert token
    body: dict[str, Any] = {"codice_fiscale": citizen.codice_fiscale}
    message_id = str(uuid4())
    body["token_sealed"] = bound(stack.state, "revoker", {"token": token}, body, message_id)
    assert (await at_portal.ask("restore.confirm", body))["code"] == "link_invalid"
    assert (await at_portal.ask("restore.confirm", body, message_id=message_id))["code"] == "accepted"
