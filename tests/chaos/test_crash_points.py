"""A worker killed at any step between reading and acknowledging loses nothing; no repeat is visible.

All tests share one harness: the invariants are checked on everything that happened in it so far.
"""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from deploy.local.stack import Stack
from tests.chaos.scenarios import SCENARIOS, Scenario
from tests.kit.evidence import Evidence
from tests.kit.harness import QUICK, Harness, fresh_harness
from tests.kit.invariants import ALL, Invariant

pytestmark = pytest.mark.asyncio(loop_scope="module")

CASES = [
    pytest.param(scenario, point, id=f"{scenario.worker}-{point}")
    for scenario in SCENARIOS
    for point in scenario.points
]
_BEFORE_RELAY = "committed"
"""Where a worker has to die first for the relay to find something."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def harness(servers: Stack) -> AsyncIterator[Harness]:
    """A harness with PINs at every stage, in which every worker can be killed."""
    settings = {**QUICK, "PIN_DISPOSITIVO_DELAY": "PT0.5S"}
    async with fresh_harness(servers, "crash_points", settings, kinds=("plain", "pec")) as harness:
        harness.start(scenario.worker for scenario in SCENARIOS)
        await harness.settle_in(issued=26, active=130)
        yield harness


@pytest.mark.parametrize(("scenario", "point"), CASES)
async def test_whoever_dies_there_loses_and_repeats_nothing(
    harness: Harness, scenario: Scenario, point: str
) -> None:
    """SIGKILL at this point, then a restart, as in a cluster."""
    load = await scenario.prepare(harness)
    with harness.alone(scenario.worker):
        harness.arm(scenario.worker, _BEFORE_RELAY if point.startswith("relay.") else point)
        proof = await load()
        process = await harness.dead(scenario.worker)
        if point.startswith("relay."):
            while not await harness.something_is_due():
                await harness.dead_again(scenario.worker, _BEFORE_RELAY)  # it died with a redelivered message
            await harness.dead_again(scenario.worker, point)
        process.start()
    await harness.all_is_well((*ALL, _of_this_load(proof)))


def _of_this_load(proof: Invariant) -> Invariant:
    def holds(found: Evidence) -> None:
        try:
            proof(found)
        except (KeyError, ValueError) as missing:
            raise AssertionError(f"not yet: {missing!r}") from missing

    return holds
