"""A worker that is frozen in a transaction, as on a paused machine, keeps no citizen from the others."""

import signal
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from deploy.local.stack import Stack
from tests.chaos.scenarios import OPERATOR, citizen
from tests.kit.harness import MAIN_WAY, QUICK, Harness, fresh_harness

pytestmark = pytest.mark.asyncio(loop_scope="module")

WORKERS = (*MAIN_WAY, "issuer-access", "revoker")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def harness(servers: Stack) -> AsyncIterator[Harness]:
    """A harness with one citizen who has a PIN."""
    async with fresh_harness(servers, "frozen", QUICK, kinds=("plain",)) as harness:
        harness.start(WORKERS)
        await harness.settle_in(issued=0, active=1)
        yield harness


@pytest.mark.parametrize("point", ["locked", "written"])
async def test_who_is_frozen_lets_go_of_the_citizen(harness: Harness, point: str) -> None:
    """Another worker serves the citizen meanwhile; thawed, the frozen one does its work after all."""
    (person,) = harness.active
    harness.arm("revoker", f"{point} SIGSTOP")
    revoking = await harness.say(
        "revoke.by_contact_centre",
        citizen(person.codice_fiscale, operator=OPERATOR, reason="Lost"),
        by=harness.operator,
    )
    revoker = await harness.frozen("revoker")
    try:
        mailbox = {"email": f"nuovo.{point}@example.it"}
        reply = await harness.ask("contacts.update", citizen(person.codice_fiscale, contacts=mailbox))
    finally:
        revoker.send(signal.SIGCONT)
    found = await harness.all_is_well()
    assert reply["code"] == ("accepted" if point == "locked" else "no_active_pin")
    assert len(found.of_message(revoking, "pin.revoked")) == (point == "locked")
