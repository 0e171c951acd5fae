"""Failing providers: nothing is lost, no half changes, other channels continue, and no PIN stays pending."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from deploy.local.citizens import PLAIN
from deploy.local.client import Client
from deploy.local.stack import Stack
from tests.adversity.people import citizen, ended, issued, standing
from tests.kit.clients import portal
from tests.kit.harness import MAIN_WAY, PERSISTENT
from tests.kit.invariants import copies_are_identical, every_chain_verifies

WORKERS = MAIN_WAY
SETTINGS = {
    **PERSISTENT,
    "PIN_SMS_TIMEOUT": "PT1S",
    "PIN_SMTP_CONNECT_TIMEOUT": "PT1S",
    "PIN_SMTP_STEP_TIMEOUT": "PT1S",
    "PIN_SMTP_MAIL_TIMEOUT": "PT2S",
    "PIN_SMTP_MAILS_A_CONNECTION": "1",  # some faults occur at the start of a connection
}
REFUSING = {"mode": "status", "status": 550}
PEOPLE = 3
Fault = dict[str, Any]


@pytest.fixture
async def client(running: Stack) -> AsyncIterator[Client]:
    running.fake_providers.behave()
    async with portal(running) as opened:
        yield opened
    running.fake_providers.behave()


@pytest.mark.parametrize(
    ("channel", "fault", "taken"),
    [
        ("sms", {"mode": "status", "status": 429, "retry_after": 2}, False),
        ("sms", {"mode": "status", "status": 500}, False),
        ("sms", {"mode": "silence"}, True),
        ("sms", {"mode": "drop"}, True),
        ("sms", {"mode": "rubbish"}, True),
        ("email", {"mode": "status", "status": 451}, False),
        ("email", {"mode": "greet", "status": 421}, False),
        ("email", {"mode": "drip", "seconds": 0.3}, False),
        ("email", {"mode": "drop_after_data"}, False),
        ("email", {"mode": "drop_after_dot"}, True),
        ("email", {"mode": "silence"}, True),
        ("pec", {"mode": "drop_after_dot"}, True),
    ],
    ids=lambda value: "-".join(map(str, value.values())) if isinstance(value, dict) else None,
)
async def test_a_sick_far_end_slows_no_other_and_gets_its_deliveries_when_it_is_well(
    running: Stack, client: Client, channel: str, fault: Fault, *, taken: bool
) -> None:
    running.fake_providers.misbehave(**{channel: fault})
    people = [citizen("pec" if channel == "pec" else PLAIN) for _ in range(PEOPLE)]
    pins = await issued(running, client, people)
    sick = [pin.carriers[channel] for pin in pins]
    well = [id_ for pin in pins for id_ in pin.carriers.values() if id_ not in sick]
    # Not slowed: all their deliveries are done before the failing channel has one.
    found = await standing(running, well, {"sent"})
    assert {found.deliveries.get(id_, "postponed") for id_ in sick} == {"postponed"}
    running.fake_providers.behave()
    found = await standing(running, [*well, *sick], {"sent"})
    copies_are_identical(found)
    every_chain_verifies(found)
    for pin in pins:
        halves = {c: {copy.half for copy in found.copies[id_]} for c, id_ in pin.carriers.items()}
        assert len(halves[channel]) == 1
        assert halves[channel] == halves["sms"] != halves["post"]
        assert found.accounts[pin.subject].status == "issued"
    # An unacknowledged message was sent again: the same bytes, under the same id.
    assert not taken or any(len(found.copies[id_]) > 1 for id_ in sick)


async def test_a_gateway_that_says_when_to_come_back_is_left_alone_until_then(
    running: Stack, client: Client
) -> None:
    running.fake_providers.misbehave(sms={"mode": "status", "status": 429, "retry_after": 2, "times": 1})
    (pin,) = await issued(running, client, [citizen()])
    found = await standing(running, pin.carriers.values(), {"sent"})
    at = {
        e.data["channel"]: e.at
        for e in found.entries
        if e.subject == pin.subject and e.kind == "delivery.sent"
    }
    (issuing,) = found.of_message(pin.message_id, "pin.issued")
    assert at["sms"] - issuing.at >= timedelta(seconds=2)


async def test_an_answer_of_success_counts_whatever_its_body_says(running: Stack, client: Client) -> None:
    running.fake_providers.misbehave(sms={"mode": "rubbish_body"})
    (pin,) = await issued(running, client, [citizen()])
    found = await standing(running, pin.carriers.values(), {"sent"})
    assert len(found.copies[pin.carriers["sms"]]) == 1


async def test_a_half_that_fails_on_one_channel_lives_on_the_other(running: Stack, client: Client) -> None:
    running.fake_providers.misbehave(sms={"mode": "status", "status": 400})
    (pin,) = await issued(running, client, [citizen()])
    entry, _ = await ended(running, pin.subject, "half.channel_failed")
    assert entry.data["delivery_id"] == str(pin.carriers["sms"])
    found = await standing(running, pin.carriers.values())
    assert {c: found.deliveries[id_] for c, id_ in pin.carriers.items()} == {
        "sms": "failed",
        "email": "sent",
        "post": "sent",
    }
    assert found.accounts[pin.subject].status == "issued"
    failed = await client.event("delivery.failed", pin.message_id)
    assert (failed["delivery_id"], failed["channel"]) == (str(pin.carriers["sms"]), "sms")


async def test_a_half_that_fails_everywhere_revokes_the_pin_and_the_citizen_can_ask_again(
    running: Stack, client: Client
) -> None:
    running.fake_providers.misbehave(sms={"mode": "status", "status": 400}, email=REFUSING)
    person = citizen()
    (pin,) = await issued(running, client, [person])
    assert await client.event("pin.revoked", pin.message_id) == {"cause": "undeliverable"}
    _, found = await ended(running, pin.subject, "pin.revoked")
    assert found.accounts[pin.subject].status == "revoked"
    running.fake_providers.behave()
    (again,) = await issued(running, client, [person])
    found = await standing(running, again.carriers.values(), {"sent"})
    assert found.accounts[pin.subject].status == "issued"
    every_chain_verifies(found)


async def test_who_has_a_landline_and_a_dead_mailbox_loses_the_pin_at_once(
    running: Stack, client: Client
) -> None:
    running.fake_providers.misbehave(email=REFUSING)
    (pin,) = await issued(running, client, [citizen("landline")])
    assert pin.carriers.keys() == {"email", "post"}
    assert await client.event("pin.revoked", pin.message_id) == {"cause": "undeliverable"}


async def test_a_server_that_is_never_well_ends_a_delivery_after_its_last_try(
    running: Stack, client: Client
) -> None:
    running.start_worker("notifier-email", env={"PIN_RETRY_LIMIT": "2"})
    running.fake_providers.misbehave(email={"mode": "status", "status": 451})
    (pin,) = await issued(running, client, [citizen("landline")])
    entry, _ = await ended(running, pin.subject, "delivery.failed")
    assert (entry.data["attempt"], entry.data["reason"]) == (2, "smtp_451")
    assert await client.event("pin.revoked", pin.message_id) == {"cause": "undeliverable"}
