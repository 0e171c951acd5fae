"""Receipts of gateways and the print provider: once, ten times, too early, or for unknown deliveries."""

import signal
from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import pytest

from deploy.local.client import Client
from deploy.local.inbox import Body
from deploy.local.stack import Stack
from tests.adversity.dead_letters import number_parked, parked
from tests.adversity.people import Issued, citizen, ended, issued, standing
from tests.kit.clients import gateway, portal
from tests.kit.evidence import gathered
from tests.kit.harness import MAIN_WAY
from tests.kit.invariants import every_chain_verifies
from tests.kit.waiting import until

WORKERS = (*MAIN_WAY, "notifier-receipts")
SETTINGS = {"PIN_RELAY_INTERVAL": "PT0.1S"}
RECEIPT = "delivery.receipt"


@pytest.fixture
async def client(running: Stack) -> AsyncIterator[Client]:
    async with portal(running) as opened:
        yield opened


@pytest.fixture
async def provider(running: Stack) -> AsyncIterator[Client]:
    async with gateway(running) as opened:
        yield opened


@pytest.fixture
async def pin(running: Stack, client: Client) -> Issued:
    """A PIN whose halves have all been delivered to the providers."""
    (pin,) = await issued(running, client, [citizen()])
    await standing(running, pin.carriers.values(), {"sent"})
    return pin


def receipt(delivery: UUID, status: str) -> Body:
    return {"delivery_id": str(delivery), "status": status, "provider": "prova", "detail": "Rossi, via Roma"}


async def hurry(stack: Stack) -> None:
    """Make the notifier's delayed rows due now."""
    stack.postgres.sql("update outbox set due_at = now() where worker = 'notifier'", stack.database)


async def test_what_was_delivered_is_recorded_and_told(
    running: Stack, client: Client, provider: Client, pin: Issued
) -> None:
    for delivery in pin.carriers.values():
        await provider.publish(RECEIPT, receipt(delivery, "delivered"))
    found = await standing(running, pin.carriers.values(), {"delivered"})
    assert found.accounts[pin.subject].status == "issued"
    every_chain_verifies(found)

    def told() -> bool:
        return {
            event.body["data"]["delivery_id"]
            for event in client.events
            if event.type == "delivery.delivered" and event.correlation_id == pin.message_id
        } == {str(delivery) for delivery in pin.carriers.values()}

    await until(told, "delivery.delivered for each")


async def test_a_receipt_repeated_is_recorded_once(
    running: Stack, client: Client, provider: Client, pin: Issued
) -> None:
    sms, message_id = pin.carriers["sms"], str(uuid4())
    for number in range(10):
        same = message_id if number % 2 else str(uuid4())
        await provider.publish(RECEIPT, receipt(sms, "delivered"), message_id=same)
    # A later message that is handled proves that these are.
    await provider.publish(RECEIPT, receipt(pin.carriers["email"], "delivered"))
    found = await standing(running, [sms, pin.carriers["email"]], {"delivered"})
    entries = [e for e in found.entries if e.subject == pin.subject and e.kind == "delivery.delivered"]
    assert [e.data["channel"] for e in entries].count("sms") == 1
    await client.event("delivery.delivered", pin.message_id)
    events = {e.id: e for e in client.events if e.type == "delivery.delivered"}
    assert sum(e.body["data"]["delivery_id"] == str(sms) for e in events.values()) == 1


async def test_a_first_half_that_did_not_arrive_anywhere_revokes_the_pin(
    running: Stack, client: Client, provider: Client, pin: Issued
) -> None:
    await provider.publish(RECEIPT, receipt(pin.carriers["sms"], "failed"))
    _, found = await ended(running, pin.subject, "half.channel_failed")
    assert found.accounts[pin.subject].status == "issued"
    await provider.publish(RECEIPT, receipt(pin.carriers["email"], "failed"))
    assert await client.event("pin.revoked", pin.message_id) == {"cause": "undeliverable"}


async def test_a_letter_that_comes_back_revokes_the_pin_and_the_citizen_can_ask_again(
    running: Stack, client: Client, provider: Client
) -> None:
    person = citizen()
    (pin,) = await issued(running, client, [person])
    await standing(running, pin.carriers.values(), {"sent"})
    await provider.publish(RECEIPT, receipt(pin.carriers["post"], "returned"))
    assert await client.event("pin.revoked", pin.message_id) == {"cause": "letter_returned"}
    returned = await client.event("delivery.returned", pin.message_id)
    assert returned["delivery_id"] == str(pin.carriers["post"])
    (again,) = await issued(running, client, [person])
    # The first letter is returned again; the citizen has another PIN by now.
    await provider.publish(RECEIPT, receipt(pin.carriers["sms"], "failed"))
    found = await standing(running, [pin.carriers["sms"]], {"failed"})
    assert found.accounts[again.subject].status == "issued"


async def test_a_receipt_that_is_quicker_than_our_own_record_is_not_lost(
    running: Stack, client: Client, provider: Client
) -> None:
    running.workers["notifier-sms"].send(signal.SIGSTOP)
    try:
        (pin,) = await issued(running, client, [citizen()])
        sms = pin.carriers["sms"]
        await provider.publish(RECEIPT, receipt(sms, "delivered"))
        await until(lambda: bool(put_off(running)), "the receipt to go round")
        assert sms not in (await gathered(running, (), ())).deliveries
    finally:
        running.workers["notifier-sms"].send(signal.SIGCONT)
    await standing(running, [sms], {"sent"})
    await hurry(running)
    await standing(running, [sms], {"delivered"})
    assert (await client.event("delivery.delivered", pin.message_id))["channel"] == "sms"


def put_off(stack: Stack) -> int:
    rows = "select count(*) from outbox where worker = 'notifier' and due_at > now() + interval '1 second'"
    return int(stack.postgres.sql(rows, stack.database))


async def test_a_receipt_for_nothing_we_know_ends_in_the_dead_queue(running: Stack, provider: Client) -> None:
    await parked(running)
    unknown = uuid4()
    await provider.publish(RECEIPT, receipt(unknown, "returned"))

    async def dead() -> bool:
        await hurry(running)
        return await number_parked(running) > 0

    await until(dead, "the receipt in pin.dead", every=0.1)
    # `hurry` overrides the worker's lease on rows being published: they may be published twice.
    ((reason, body),) = {(reason, body) for reason, _, body in await parked(running)}
    assert reason == "unknown_delivery"
    assert str(unknown).encode() in body
