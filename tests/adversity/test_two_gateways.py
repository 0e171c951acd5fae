"""Two SMS gateways, the first sick in every way: nothing is lost, doubled or changed, and nobody waits."""

import asyncio
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest
import pytest_asyncio

from deploy.local.client import Client
from deploy.local.fake_providers import FakeProviders
from deploy.local.ports import Ports
from deploy.local.postgres import SUPERUSER
from deploy.local.stack import Stack
from tests.adversity.people import citizen, issued, standing
from tests.kit.clients import portal
from tests.kit.harness import PERSISTENT, Harness
from tests.kit.invariants import every_chain_verifies
from tests.kit.servers import fresh_ledger, private_directory

pytestmark = pytest.mark.asyncio(loop_scope="module")

HOLD = timedelta(seconds=3)
WIDTH = 4
PEOPLE = 30
SETTINGS = {
    **PERSISTENT,
    "PIN_SMS_PROVIDERS": "first,second",
    "PIN_SMS_FIRST_TIMEOUT": "PT1S",
    "PIN_SMS_FIRST_CONCURRENCY": str(WIDTH),
    "PIN_PROVIDER_HOLD": "PT3S",
    "PIN_PROVIDER_SLOW": "PT0.5S",
    "PIN_PROVIDER_RECOVERY": "PT2S",
}


@dataclass(frozen=True)
class Gateways:
    """The two gateways."""

    first: FakeProviders
    second: FakeProviders

    def sms(self) -> dict[str, dict[str, list[dict[str, str]]]]:
        """Return what each was sent, by delivery and gateway."""
        found: dict[str, dict[str, list[dict[str, str]]]] = defaultdict(lambda: defaultdict(list))
        for name, gateway in (("first", self.first), ("second", self.second)):
            for sms in gateway.sms():
                found[sms["client_ref"]][name].append(sms)
        return found


@pytest.fixture(scope="module")
def gateways() -> Iterator[Gateways]:
    with private_directory() as root:
        made = []
        for name in ("first", "second"):
            state = root / name
            (state / "spool/post").mkdir(parents=True)
            (state / "run").mkdir()
            (state / "log").mkdir()
            made.append(FakeProviders(state, Ports(state / "ports.json")))
            made[-1].spawn()
        for one in made:
            one.wait_ready()
        yield Gateways(*made)
        for one in made:
            one.stop()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running(servers: Stack, gateways: Gateways) -> AsyncIterator[Stack]:
    settings = SETTINGS | {
        "PIN_SMS_FIRST_URL": gateways.first.sms_url,
        "PIN_SMS_SECOND_URL": gateways.second.sms_url,
    }
    async with fresh_ledger(servers, "ledger_two_gateways", settings) as stack:
        stack.start_workers(["issuer", "notifier-sms"])
        yield stack


@pytest_asyncio.fixture(loop_scope="module")
async def client(running: Stack, gateways: Gateways) -> AsyncIterator[Client]:
    async with portal(running) as opened:
        yield opened
    gateways.first.behave()
    gateways.second.behave()


async def references(stack: Stack, deliveries: list[UUID]) -> dict[UUID, str]:
    """Return the recorded reference of each delivery."""
    ledger = await asyncpg.connect(stack.postgres.dsn(SUPERUSER, stack.database))
    try:
        rows = await ledger.fetch("select id, reference from delivery where id = any($1)", deliveries)
        return {UUID(bytes=row["id"].bytes): row["reference"] for row in rows}
    finally:
        await ledger.close()


def moment(sms: dict[str, str]) -> datetime:
    return datetime.fromisoformat(sms["at"])


@pytest.mark.parametrize(
    ("fault", "may_have"),
    [
        ({"mode": "status", "status": 429, "retry_after": 1}, 0),
        ({"mode": "status", "status": 401}, 0),
        ({"mode": "status", "status": 500}, 2 * WIDTH),
        ("down", 0),
        ({"mode": "drop"}, 2 * WIDTH),
        ({"mode": "silence"}, 2 * WIDTH),
        ({"mode": "slow", "seconds": 0.9}, 2 * WIDTH),
        ({"mode": "slow", "seconds": 5.0}, 2 * WIDTH),
    ],
    ids=lambda value: "-".join(map(str, value.values())) if isinstance(value, dict) else str(value),
)
async def test_whatever_the_first_does_everybody_has_one_half_soon(
    running: Stack, client: Client, gateways: Gateways, fault: dict[str, Any] | str, may_have: int
) -> None:
    """Of those that the first gateway perhaps has, a few, each waits for it; all others go on at once."""
    if fault == "down":
        gateways.first.stop()
    elif isinstance(fault, dict):
        gateways.first.misbehave(sms=fault)
    try:
        pins = await issued(running, client, [citizen() for _ in range(PEOPLE)])
        deliveries = [pin.carriers["sms"] for pin in pins]
        began = time.monotonic()
        while True:
            found = await standing(running, [], limit=1)
            done = [id_ for id_ in deliveries if found.deliveries.get(id_) == "sent"]
            if len(done) >= PEOPLE - may_have:
                break
            assert time.monotonic() - began < 8, f"{len(done)} of {PEOPLE} after 8 s"
            await asyncio.sleep(0.1)
        found = await standing(running, deliveries, {"sent"})
    finally:
        if fault == "down":
            gateways.first.spawn()
            gateways.first.wait_ready()
        gateways.first.behave()
    every_chain_verifies(found)
    sent = gateways.sms()
    for pin in pins:
        copies = sent[str(pin.carriers["sms"])]
        assert len({(sms["to"], sms["text"]) for here in copies.values() for sms in here}) == 1
        if {"first", "second"} <= copies.keys():
            assert may_have, "the first surely did not take it"
            waited = moment(copies["second"][0]) - moment(copies["first"][0])
            assert waited >= HOLD - timedelta(seconds=0.1)
    named = await references(running, deliveries)
    assert {reference.partition(":")[0] for reference in named.values()} <= {"first", "second"}
    for id_, reference in named.items():
        assert reference.partition(":")[0] in sent[str(id_)]


async def test_a_worker_that_dies_after_sending_sends_again_to_the_same_gateway(
    running: Stack, gateways: Gateways
) -> None:
    """By weight, so that both are in use, and without any memory of what was sent."""
    running.stop_workers(limit=5)
    async with portal(running) as opened:
        harness = Harness(running, {"portal": opened}, kinds=("plain",))
        env = {
            "PIN_CRASH_FILE": str(harness.crash_file("notifier-sms")),
            "PIN_SMS_PROVIDERS": "first=1 second=1",
            "PIN_LINGER": "PT0.5S",
        }
        running.start_workers(["issuer"])
        running.start_worker("notifier-sms", env=env)
        deliveries = list[UUID]()
        for _ in range(2):
            harness.arm("notifier-sms", "performed")
            pins = await issued(running, opened, [citizen() for _ in range(PEOPLE)])
            process = await harness.dead("notifier-sms")
            process.start()
            deliveries += [pin.carriers["sms"] for pin in pins]
            await standing(running, deliveries, {"sent"})
    sent = gateways.sms()
    copies = [sent[str(id_)] for id_ in deliveries]
    assert {name for one in copies for name in one} == {"first", "second"}
    assert sum(len(sms) > 1 for one in copies for sms in one.values()) >= 5, "too few were sent twice"
    assert all(len(one) == 1 for one in copies), "a second gateway got a copy"
