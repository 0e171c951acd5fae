"""What can go wrong with a cluster: each fault begins, lasts, and ends, while the load goes on."""

import asyncio
import random
import signal
import time
from collections.abc import Mapping

from deploy.local.cluster.patroni import PatroniStack
from deploy.local.cluster.stack import ClusterStack
from deploy.local.rabbitmq import RabbitMq
from shared.contract.topology import ISSUER_REQUESTS
from tests.cluster.ledger_faults import LEDGER_FAULTS, Fault, primary_killed
from tests.cluster.patroni_faults import PATRONI_FAULTS

_BOOT = 180.0
"""Seconds in which a broker starts, under load beside others that work."""


async def leader_killed(stack: ClusterStack, _: random.Random) -> None:
    """SIGKILL of the broker that leads the queue of requests; it is back after 10 s."""
    await _killed(stack, (await _leader(stack),), 10)


async def follower_killed(stack: ClusterStack, chance: random.Random) -> None:
    """SIGKILL of a broker that does not lead the queue of requests; it is back after 10 s."""
    leader = await _leader(stack)
    await _killed(stack, (chance.choice([name for name in stack.brokers if name != leader]),), 10)


async def two_brokers_killed(stack: ClusterStack, chance: random.Random) -> None:
    """SIGKILL of two brokers of three: nothing can be confirmed until one is back, after 10 s."""
    await _killed(stack, tuple(chance.sample(sorted(stack.brokers), 2)), 10)


async def leader_dead(stack: ClusterStack, _: random.Random) -> None:
    """SIGKILL of the broker that leads the queue of requests; it stays away."""
    leader = await _leader(stack)
    stack.rabbitmq = _another(stack, leader)
    stack.brokers[leader].kill()


async def leader_frozen(stack: ClusterStack, _: random.Random) -> None:
    """SIGSTOP of the broker that leads the queue of requests, for 30 s: its connections stay open."""
    leader = await _leader(stack)
    stack.rabbitmq = _another(stack, leader)
    stack.brokers[leader].process.send(signal.SIGSTOP)
    await asyncio.sleep(30)
    stack.brokers[leader].process.send(signal.SIGCONT)


async def leader_cut_off(stack: ClusterStack, _: random.Random) -> None:
    """The leader's host is cut off for 10 s, from the other brokers and from the workers."""
    await _cut_off(stack, await _leader(stack), 10)


async def leader_cut_off_for_40_s(stack: ClusterStack, _: random.Random) -> None:
    """The leader's host is cut off for 40 s."""
    await _cut_off(stack, await _leader(stack), 40)


async def leader_cut_off_for_a_minute(stack: ClusterStack, _: random.Random) -> None:
    """The leader's host is cut off for 60 s."""
    await _cut_off(stack, await _leader(stack), 60)


async def leader_divided(stack: ClusterStack, _: random.Random) -> None:
    """The leader's host is cut off from the other brokers for 30 s, and the workers still reach it."""
    leader = await _leader(stack)
    others = [name for name in stack.brokers if name != leader]
    stack.rabbitmq = stack.brokers[others[0]]
    stack.network.divide(leader, others)
    await asyncio.sleep(30)
    stack.network.unite(leader, others)


async def rolling_restart(stack: ClusterStack, _: random.Random) -> None:
    """Each broker is stopped in order and started again, one after the other."""
    for name in stack.brokers:
        broker = stack.brokers[name]
        stack.rabbitmq = _another(stack, name)
        await asyncio.to_thread(broker.stop)
        await asyncio.to_thread(broker.start, _BOOT)


async def leader_and_primary_killed(stack: ClusterStack, chance: random.Random) -> None:
    """Both at once."""
    await asyncio.gather(leader_killed(stack, chance), primary_killed(stack, chance))


async def _leader(stack: ClusterStack) -> str:
    return await asyncio.to_thread(stack.leader, ISSUER_REQUESTS)


def _another(stack: ClusterStack, name: str) -> RabbitMq:
    return next(broker for other, broker in stack.brokers.items() if other != name)


async def _killed(stack: ClusterStack, names: tuple[str, ...], seconds: float) -> None:
    stack.rabbitmq = next((b for name, b in stack.brokers.items() if name not in names))
    for name in names:
        stack.brokers[name].kill()
    await asyncio.sleep(seconds)
    await asyncio.gather(*(asyncio.to_thread(stack.brokers[name].start, _BOOT) for name in names))


async def _cut_off(stack: ClusterStack, name: str, seconds: float) -> None:
    stack.rabbitmq = _another(stack, name)
    until = time.monotonic() + seconds
    stack.network.cut(name)
    await asyncio.sleep(until - time.monotonic())
    stack.network.join(name)


FAULTS: Mapping[str, Fault] = {
    fault.__name__: fault
    for fault in (
        leader_killed,
        follower_killed,
        leader_dead,
        two_brokers_killed,
        leader_frozen,
        leader_cut_off,
        leader_cut_off_for_40_s,
        leader_cut_off_for_a_minute,
        leader_divided,
        rolling_restart,
        leader_and_primary_killed,
        *LEDGER_FAULTS,
        *PATRONI_FAULTS,
    )
}
"""By name."""


def stack_of(fault: str) -> type[ClusterStack]:
    """Return the kind of cluster on which a fault happens."""
    return PatroniStack if FAULTS[fault] in PATRONI_FAULTS else ClusterStack
