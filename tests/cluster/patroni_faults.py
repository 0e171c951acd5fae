"""What can go wrong with a ledger that Patroni looks after: the tests break, and Patroni mends."""

import asyncio
import random

from deploy.local.cluster.patroni import PatroniStack
from deploy.local.cluster.stack import ClusterStack
from tests.cluster.ledger_faults import Fault, waits_are_told
from tests.kit.harness import MAIN_WAY
from tests.kit.logs import WorkerLog


async def patroni_primary_killed(stack: ClusterStack, _: random.Random) -> None:
    """SIGKILL of all on the primary's host; Patroni promotes the standby, and later rewinds the old one."""
    old = _by_patroni(stack).postgres
    old.kill()
    await _promoted(stack)
    await asyncio.sleep(10)
    await asyncio.to_thread(old.start)
    await asyncio.to_thread(_by_patroni(stack).wait_for_copies)


async def patroni_primary_cut_off(stack: ClusterStack, _: random.Random) -> None:
    """The primary is cut off; Patroni demotes it, promotes the standby, and has it follow when it is back."""
    old = _by_patroni(stack).postgres
    stack.network.cut(stack.host_of(old))
    await _promoted(stack)
    await asyncio.sleep(10)
    stack.network.join(stack.host_of(old))
    await asyncio.to_thread(_by_patroni(stack).wait_for_copies)


async def patroni_switchover(stack: ClusterStack, _: random.Random) -> None:
    """A planned change of the primary, as for an upgrade: no worker stays with the one that was demoted."""
    primary = _by_patroni(stack).postgres
    logs = {worker: WorkerLog(stack, worker) for worker in MAIN_WAY}
    await asyncio.to_thread(_by_patroni(stack).managed[stack.host_of(primary)].switch_over)
    await _promoted(stack)
    await asyncio.sleep(10)
    stayed = [worker for worker, log in logs.items() if not log.lines("worker.ready")]
    assert not stayed, f"{stayed} did not leave the demoted primary within ten seconds"
    await asyncio.to_thread(_by_patroni(stack).wait_for_copies)


async def patroni_standby_killed(stack: ClusterStack, _: random.Random) -> None:
    """SIGKILL of all on the standby's host: Patroni lets the primary go on alone; it is back after 20 s."""
    standby = stack.standby
    standby.kill()
    await asyncio.sleep(20)
    await asyncio.to_thread(standby.start)
    await asyncio.to_thread(_by_patroni(stack).wait_for_copies)


async def patroni_standby_killed_strict(stack: ClusterStack, _: random.Random) -> None:
    """The same with `synchronous_mode_strict`: commits wait and workers say so; it is back after 40 s."""
    standby = stack.standby
    await asyncio.to_thread(_by_patroni(stack).be_strict, strict=True)
    await asyncio.sleep(5)
    standby.kill()
    await waits_are_told(stack, 40)
    await asyncio.to_thread(standby.start)
    await asyncio.to_thread(_by_patroni(stack).wait_for_copies)
    await asyncio.to_thread(_by_patroni(stack).be_strict, strict=False)


def _by_patroni(stack: ClusterStack) -> PatroniStack:
    assert isinstance(stack, PatroniStack)
    return stack


async def _promoted(stack: ClusterStack) -> None:
    """Wait until Patroni has promoted the standby."""
    await asyncio.to_thread(_by_patroni(stack).wait_for_primary, {stack.standby.place.name})


PATRONI_FAULTS: tuple[Fault, ...] = (
    patroni_primary_killed,
    patroni_primary_cut_off,
    patroni_switchover,
    patroni_standby_killed,
    patroni_standby_killed_strict,
)
"""Each on a `PatroniStack`."""
