"""The broker's disk is full for 20 s, under load: it blocks every publisher, and nothing is lost."""

import asyncio
from asyncio import Event

import pytest

from deploy.local.stack import Stack
from tests.kit.harness import MAIN_WAY, Harness, harness_on
from tests.kit.waiting import until

WORKERS = MAIN_WAY
SETTINGS = {"PIN_PUBLISH_LIMIT": "PT5S", "PIN_RELAY_INTERVAL": "PT0.1S"}
"""The limit is well under the alarm: workers lose their sessions over it, and have to come back."""
SECONDS = 20
CITIZENS_AT_ONCE = 8


@pytest.fixture
def pids(running: Stack) -> dict[str, int]:
    return {name: process.pid for name, process in running.workers.items()}


async def keep_asking(harness: Harness, over: Event) -> None:
    """Request PINs one after the other, waiting for each reply."""
    while not over.is_set():
        (person,) = harness.newcomers(1)
        assert (await harness.ask("pin.request", person.body))["code"] == "accepted"


async def answered(harness: Harness, more: int) -> None:
    """Wait until `more` further requests are answered."""
    before = len(harness.portal.replies)
    await until(lambda: len(harness.portal.replies) >= before + more, f"{more} more answers", limit=120)


async def test_a_disk_alarm_blocks_everybody_and_loses_nothing(running: Stack, pids: dict[str, int]) -> None:
    async with harness_on(running) as harness:
        over = Event()
        load = [asyncio.create_task(keep_asking(harness, over)) for _ in range(CITIZENS_AT_ONCE)]
        await answered(harness, 3 * CITIZENS_AT_ONCE)
        try:
            await asyncio.to_thread(running.rabbitmq.raise_disk_alarm)
            told = len(harness.portal.replies)
            await asyncio.sleep(SECONDS)  # not a wait for a condition: the duration of the alarm
            assert len(harness.portal.replies) - told <= CITIZENS_AT_ONCE, "the alarm blocked nobody"
        finally:
            await asyncio.to_thread(running.rabbitmq.clear_disk_alarm)
        await answered(harness, 3 * CITIZENS_AT_ONCE)
        over.set()
        await asyncio.gather(*load)
        await asyncio.to_thread(running.wait_ready, WORKERS)
        # Every request has one outcome, every half was sent, all copies are identical, every chain verifies.
        await harness.all_is_well()
    assert {name: process.pid for name, process in running.workers.items() if process.alive()} == pids
