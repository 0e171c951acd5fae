"""A supervisor asks what a command led to, of real workers, and learns of nobody."""

import json
from collections.abc import AsyncIterator
from datetime import datetime
from uuid import uuid4

import pytest
from aiormq.exceptions import AMQPError

from deploy.local.client import Client
from deploy.local.stack import Stack
from tests.adversity.people import citizen, issued, standing
from tests.kit.clients import client as client_of
from tests.kit.clients import portal
from tests.kit.harness import MAIN_WAY

WORKERS = (*MAIN_WAY, "notifier-receipts")
SETTINGS = {"PIN_RELAY_INTERVAL": "PT0.1S"}
TIMELINE = "delivery.timeline"
OPERATOR = {"id": "r.capo", "office": "Direzione"}


@pytest.fixture
async def supervisor(running: Stack) -> AsyncIterator[Client]:
    async with client_of(running, "supervisor") as opened:
        yield opened


async def test_what_a_request_led_to_is_told_and_of_whom_is_not(running: Stack, supervisor: Client) -> None:
    person = citizen()
    async with portal(running) as asking:
        (pin,) = await issued(running, asking, [person])
    await standing(running, pin.carriers.values(), {"sent"})
    reply = await supervisor.ask(TIMELINE, {"operator": OPERATOR, "correlation": pin.message_id})
    steps = reply["data"]["steps"]
    assert steps[0]["what"] == "pin.issued"
    assert {one["channel"] for one in steps if one["what"] == "delivery.sent"} == set(pin.carriers)
    assert all(one["attempt"] == 1 for one in steps if one["what"] == "delivery.sent")
    times = [datetime.fromisoformat(one["at"]) for one in steps]
    assert times == sorted(times)
    told = json.dumps(reply)
    for known in (pin.subject.hex(), str(person["codice_fiscale"]), *map(str, pin.carriers.values())):
        assert known not in told


async def test_an_id_that_led_to_nothing_is_unknown(supervisor: Client) -> None:
    reply = await supervisor.ask(TIMELINE, {"operator": OPERATOR, "correlation": str(uuid4())})
    assert (reply["outcome"], reply["code"]) == ("rejected", "unknown_correlation")


@pytest.mark.parametrize("user", ["portal", "operator", "registry", "gateway"])
async def test_nobody_else_may_ask(running: Stack, user: str) -> None:
    async with client_of(running, user) as other:
        with pytest.raises(AMQPError):
            await other.publish(TIMELINE, {"operator": OPERATOR, "correlation": "x"}, exchange="pin.commands")
