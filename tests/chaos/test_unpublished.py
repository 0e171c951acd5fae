"""A worker that loses the broker between commit and confirm publishes as soon as it has it again."""

import asyncio
import signal

from deploy.local.stack import Stack
from tests.kit.harness import MAIN_WAY, QUICK, fresh_harness
from tests.kit.waiting import until


async def test_what_a_lost_session_left_goes_out_with_the_next_and_not_when_its_lease_ends(
    servers: Stack,
) -> None:
    """The lease is for the rows of a process that is dead; here it lasts longer than the test."""
    settings = {**QUICK, "PIN_OUTBOX_LEASE": "PT1H"}
    async with fresh_harness(
        servers, "unpublished", settings, kinds=("plain",), lasting="unpublished"
    ) as harness:
        harness.start(MAIN_WAY)
        harness.arm("issuer", "committed SIGSTOP")
        (person,) = harness.newcomers(1)
        await harness.say("pin.request", person.body)
        process = await harness.frozen("issuer")
        harness.stack.rabbitmq.kill()
        await asyncio.to_thread(harness.stack.rabbitmq.start)
        process.send(signal.SIGCONT)
        await until(lambda: harness.stack.ready("issuer"), "the issuer to be ready")
        await harness.portal.connect()
        await harness.all_is_well()
