"""One recipient never delays another: a delivery that the provider refuses ends, and blocks no other."""

import asyncio
import json
import urllib.request
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from deploy.local.citizens import PLAIN, Body
from deploy.local.client import Client
from deploy.local.stack import Stack
from tests.adversity.people import Issued, citizen, ended, issued, standing
from tests.kit.clients import portal
from tests.kit.evidence import Evidence
from tests.kit.harness import MAIN_WAY
from tests.kit.invariants import every_chain_verifies
from tests.kit.logs import WorkerLog
from tests.kit.waiting import until

WORKERS = MAIN_WAY
TRIES = 3
SETTINGS = {
    "PIN_RETRY_BASE": "PT1S",
    "PIN_RETRY_CAP": "PT1S",
    "PIN_RETRY_LIMIT": str(TRIES),
    "PIN_BREAKER_ANSWERED_CAP": "PT2S",
    "PIN_RELAY_INTERVAL": "PT0.1S",
    "PIN_SMS_TIMEOUT": "PT1S",
    "PIN_SMTP_STEP_TIMEOUT": "PT1S",
    "PIN_SMTP_MAIL_TIMEOUT": "PT2S",
}
OTHERS = 30
CONTACT = {"sms": "mobile", "email": "email", "pec": "pec"}
FINAL: dict[str, dict[str, Any]] = {
    "sms": {"mode": "status", "status": 400},
    "email": {"mode": "status", "status": 550},
}
"""What ends a delivery at once: for the other carriers of the half of the one that is refused."""
Fault = dict[str, Any]


@pytest.fixture
async def client(running: Stack) -> AsyncIterator[Client]:
    running.fake_providers.behave()
    async with portal(running) as opened:
        yield opened
    running.fake_providers.behave()


def status(number: int, **more: Any) -> Fault:  # noqa: ANN401 - JSON
    return {"mode": "status", "status": number, **more}


def outages(stack: Stack, channel: str) -> Callable[[], list[str]]:
    """Return a function that lists why a channel's breaker opened, from now on."""
    log = WorkerLog(stack, f"notifier-{channel}")

    def reasons() -> list[str]:
        return [line["reason"] for line in log.lines("provider.down")]

    return reasons


def sms_asked(stack: Stack) -> int:
    """Return how many SMS were sent to the gateway."""
    url = stack.env["PIN_SMS_URL"].replace("/sms", "/asked")
    with urllib.request.urlopen(url, timeout=5, context=stack.fake_providers.context) as answer:  # noqa: S310 - our own sink
        asked: int = json.loads(answer.read())["sms"]
        return asked


def tries(found: Evidence, pin: Issued, channel: str) -> list[tuple[str, object]]:
    """Return the status of one delivery after each counted attempt, from the chain."""
    id_ = str(pin.carriers[channel])
    return [
        (e.kind, e.data["attempt"])
        for e in found.entries
        if e.kind.startswith("delivery.") and e.data.get("delivery_id") == id_
    ]


async def refused_alone(
    stack: Stack, client: Client, channel: str, fault: Fault, person: Body
) -> tuple[Issued, list[Issued]]:
    """Request a PIN for a refused recipient and for many others; all others receive theirs meanwhile."""
    contacts = person["contacts"]
    others = {
        other: {**final, "only": contacts[CONTACT[other]]}
        for other, final in FINAL.items()
        if other != channel and CONTACT[other] in contacts
    }
    stack.fake_providers.misbehave(**others, **{channel: {**fault, "only": contacts[CONTACT[channel]]}})
    down = outages(stack, channel)
    (pin,) = await issued(stack, client, [person])
    kind = "pec" if channel == "pec" else PLAIN
    well = []
    for _ in range(3):
        well += await issued(stack, client, [citizen(kind) for _ in range(OTHERS // 3)])
    await standing(stack, [id_ for one in well for id_ in one.carriers.values()], {"sent"})
    assert down() == []
    return pin, well


@pytest.mark.parametrize(
    ("channel", "fault", "reason"),
    [
        ("sms", status(401), "sms_401"),
        ("sms", status(402), "sms_402"),
        ("sms", status(403), "sms_403"),
        ("sms", status(404), "sms_404"),
        ("sms", status(429), "sms_429"),
        ("sms", status(429, retry_after=2), "sms_429"),
        ("sms", status(503), "sms_503"),
        ("sms", {"mode": "silence"}, "sms_timeout"),
        ("email", status(421), "smtp_421"),
        ("email", status(421, stage="dot"), "smtp_421"),
        ("email", status(452), "smtp_452"),
        ("email", status(530), "smtp_530"),
        ("email", status(554, text="5.7.1 not from you"), "smtp_554"),
        ("pec", status(421), "smtp_421"),
    ],
    ids=lambda value: "-".join(map(str, value.values())) if isinstance(value, dict) else None,
)
async def test_one_whom_a_provider_refuses_holds_up_nobody_and_comes_to_an_end(
    running: Stack, client: Client, channel: str, fault: Fault, reason: str
) -> None:
    kinds = {"sms": PLAIN, "email": "landline", "pec": "pec"}
    pin, well = await refused_alone(running, client, channel, fault, citizen(kinds[channel]))
    assert await client.event("pin.revoked", pin.message_id) == {"cause": "undeliverable"}
    found = await standing(running, [pin.carriers[channel]], {"failed"})
    postponed = [("delivery.postponed", attempt) for attempt in range(1, TRIES)]
    assert tries(found, pin, channel) == [*postponed, ("delivery.failed", TRIES)]
    failed = [e.data for e in found.entries if e.subject == pin.subject and e.kind == "delivery.failed"]
    assert reason in {data["reason"] for data in failed}
    assert {found.accounts[one.subject].status for one in well} == {"issued"}
    every_chain_verifies(found)


async def test_one_who_has_to_wait_half_a_minute_lets_nobody_else_wait(
    running: Stack, client: Client
) -> None:
    pin, _ = await refused_alone(running, client, "sms", status(429, retry_after=30), citizen())
    found = await standing(running, [pin.carriers["sms"]], {"postponed"})
    assert tries(found, pin, "sms") == [("delivery.postponed", 1)]


@pytest.mark.parametrize(("channel", "fault"), [("sms", status(404)), ("email", status(421))])
async def test_three_dead_recipients_come_to_their_end_and_all_others_get_theirs(
    running: Stack, client: Client, channel: str, fault: Fault
) -> None:
    dead = [citizen() for _ in range(3)]
    for number, person in enumerate(dead):
        person["contacts"] |= {"email": f"dead.end.{number}.{person['contacts']['email']}"}
        person["contacts"] |= {"mobile": f"+3934999{person['contacts']['mobile'][-5:]}"}
    only = {"sms": "+3934999", "email": "dead.end."}[channel]
    running.fake_providers.misbehave(**{channel: {**fault, "only": only}})
    pins = await issued(running, client, dead)
    well = await issued(running, client, [citizen() for _ in range(OTHERS)])
    await standing(running, [id_ for one in well for id_ in one.carriers.values()], {"sent"})
    for _ in range(TRIES):
        # Some requests succeed: without any success dead numbers look like a dead gateway.
        (one,) = await issued(running, client, [citizen()])
        await standing(running, one.carriers.values(), {"sent"})
    found = await standing(running, [pin.carriers[channel] for pin in pins], {"failed"})
    for pin in pins:
        assert tries(found, pin, channel)[-1] == ("delivery.failed", TRIES)


async def test_a_gateway_that_refuses_everybody_costs_no_pin_and_is_asked_for_one_at_a_time(
    running: Stack, client: Client
) -> None:
    running.fake_providers.misbehave(sms=status(401))
    down = outages(running, "sms")
    pins = await issued(running, client, [citizen() for _ in range(OTHERS)])
    await until(lambda: len(down()) >= 2, "the breaker", every=0.1)
    asked, opened = await asyncio.to_thread(sms_asked, running), len(down())
    # It opens for a second or two each time: many times as long as it takes to use all attempts.
    await until(lambda: len(down()) >= opened + 4 * TRIES, "the breaker, again and again", every=0.1)
    probes = await asyncio.to_thread(sms_asked, running) - asked
    assert 4 * TRIES - 1 <= probes <= len(down()) - opened + 1
    assert set(down()) == {"sms_401"}
    found = await standing(running, [pin.carriers["email"] for pin in pins], {"sent"})
    sms = {pin.carriers["sms"] for pin in pins}
    assert {found.deliveries.get(id_, "postponed") for id_ in sms} == {"postponed"}
    running.fake_providers.behave()
    found = await standing(running, sms, {"sent"})
    assert {found.accounts[pin.subject].status for pin in pins} == {"issued"}
    assert not [pin for pin in pins if any(kind == "delivery.failed" for kind, _ in tries(found, pin, "sms"))]
    every_chain_verifies(found)


async def test_a_number_that_is_gone_ends_at_once(running: Stack, client: Client) -> None:
    running.fake_providers.misbehave(sms=status(410))
    (pin,) = await issued(running, client, [citizen()])
    entry, _ = await ended(running, pin.subject, "delivery.failed")
    assert (entry.data["attempt"], entry.data["reason"]) == (1, "sms_410")


async def test_an_sms_that_the_gateway_knows_already_is_sent_at_the_second_try(
    running: Stack, client: Client
) -> None:
    running.fake_providers.misbehave(sms=status(409))
    (pin,) = await issued(running, client, [citizen()])
    found = await standing(running, [pin.carriers["sms"]], {"sent"})
    assert tries(found, pin, "sms") == [("delivery.postponed", 1), ("delivery.sent", 2)]
