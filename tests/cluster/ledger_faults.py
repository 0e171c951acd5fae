"""What can go wrong with the ledger's two servers, and with disks: each begins, lasts, and ends."""

import asyncio
import random
from collections.abc import Awaitable, Callable

from deploy.local.cluster.stack import ClusterStack
from deploy.local.postgres import Postgres
from shared.contract.topology import ISSUER_REQUESTS
from tests.kit.logs import WorkerLog

Fault = Callable[[ClusterStack, random.Random], Awaitable[None]]
_DETECTION = 5.0
"""Seconds until whoever watches a primary, such as Patroni, takes it for gone."""
_UNCONFIRMED = "commits are not confirmed"
"""What a worker says that waits for the standby."""


async def primary_killed(stack: ClusterStack, _: random.Random) -> None:
    """SIGKILL of the primary; its standby is promoted 5 s later."""
    stack.postgres.kill()
    await asyncio.sleep(_DETECTION)
    await asyncio.to_thread(stack.fail_over, stack.standby)


async def standby_killed(stack: ClusterStack, _: random.Random) -> None:
    """SIGKILL of the standby: commits wait for it, as they promise two copies; it is back after 10 s."""
    stack.standby.kill()
    await asyncio.sleep(10)
    await asyncio.to_thread(stack.standby.start)


async def primary_killed_and_back(stack: ClusterStack, _: random.Random) -> None:
    """SIGKILL of the primary, promotion after 5 s; after 10 s more the old one is back, as the standby."""
    old = stack.postgres
    old.kill()
    await asyncio.sleep(_DETECTION)
    await asyncio.to_thread(stack.fail_over, stack.standby)
    await asyncio.sleep(10)
    await asyncio.to_thread(stack.follow, old)


async def primary_cut_off(stack: ClusterStack, chance: random.Random) -> None:
    """The primary is cut off and the standby promoted 5 s later; the old one comes back, a primary as before.

    For 10 s both can be written to, and a worker that is started meanwhile finds the old one first. That one
    confirms nothing, as its standby is gone: nothing is on it that the new one has not.
    """
    old = stack.postgres
    stack.network.cut(stack.host_of(old))
    await asyncio.sleep(_DETECTION)
    await asyncio.to_thread(stack.fail_over, stack.standby)
    await asyncio.sleep(10)
    stack.network.join(stack.host_of(old))
    worker = chance.choice(["issuer", "notifier-sms", "notifier-email"])
    stack.workers[worker].kill()
    stack.workers[worker].start()
    await asyncio.sleep(10)
    past = await asyncio.to_thread(_entries, stack, old)
    strange = past - await asyncio.to_thread(_entries, stack, stack.postgres)
    assert not strange, f"{len(strange)} entries are shown by the primary of the past alone"
    await asyncio.to_thread(stack.follow, old)


async def standby_killed_for_long(stack: ClusterStack, _: random.Random) -> None:
    """SIGKILL of the standby: commits wait for it and workers say so, again and again; back after 40 s."""
    stack.standby.kill()
    await waits_are_told(stack, 40)
    await asyncio.to_thread(stack.standby.start)


async def standby_cut_off(stack: ClusterStack, _: random.Random) -> None:
    """The standby is cut off for 40 s: commits wait for it, and workers say so again and again."""
    host = stack.host_of(stack.standby)
    stack.network.cut(host)
    await waits_are_told(stack, 40)
    stack.network.join(host)


async def standby_given_up(stack: ClusterStack, _: random.Random) -> None:
    """SIGKILL of the standby; after 10 s the primary goes on alone, with one copy; later a new standby."""
    stack.standby.kill()
    await asyncio.sleep(10)
    await asyncio.to_thread(stack.postgres.wait_for_none)
    await asyncio.sleep(10)
    await asyncio.to_thread(stack.follow, stack.standby)


async def standby_lost_then_primary(stack: ClusterStack, _: random.Random) -> None:
    """The standby is cut off for 40 s; then it is back, but the primary is killed, and it is promoted.

    What was committed on the primary alone, and confirmed to nobody, is handled anew.
    """
    old, host = stack.postgres, stack.host_of(stack.standby)
    stack.network.cut(host)
    await asyncio.sleep(40)
    old.kill()
    stack.network.join(host)
    await asyncio.to_thread(stack.fail_over, stack.standby)
    await asyncio.sleep(5)
    await asyncio.to_thread(stack.follow, old)


async def primary_disk_full(stack: ClusterStack, _: random.Random) -> None:
    """The disk of the primary is full for 30 s; then there is space, and it is started if it ended."""
    await _full(stack, stack.postgres)


async def standby_disk_full(stack: ClusterStack, _: random.Random) -> None:
    """The disk of the standby is full for 30 s; then there is space, and it is started if it ended."""
    await _full(stack, stack.standby)


async def broker_disk_alarm(stack: ClusterStack, chance: random.Random) -> None:
    """The disk of one broker is below its limit for 30 s: RabbitMQ blocks all who publish, on all nodes."""
    host = chance.choice(sorted(stack.brokers))
    await asyncio.to_thread(stack.brokers[host].ctl, "set_disk_free_limit", "2GB")
    stack.disks[host].fill(spare=1 << 30)
    await asyncio.sleep(30)
    stack.disks[host].clear()
    await asyncio.to_thread(stack.brokers[host].ctl, "set_disk_free_limit", "50MB")


async def broker_disk_full(stack: ClusterStack, _: random.Random) -> None:
    """The disk of the leader is full for 30 s, its alarm off; then there is space, and it is started anew."""
    host = await asyncio.to_thread(stack.leader, ISSUER_REQUESTS)
    broker = stack.brokers[host]
    stack.rabbitmq = next(other for other in stack.brokers.values() if other is not broker)
    await asyncio.to_thread(broker.ctl, "set_disk_free_limit", "0")
    stack.disks[host].fill()
    await asyncio.sleep(30)
    stack.disks[host].clear()
    await asyncio.to_thread(broker.kill)
    await asyncio.to_thread(broker.start)


async def _full(stack: ClusterStack, server: Postgres) -> None:
    disk = stack.disks[stack.host_of(server)]
    disk.fill()
    await asyncio.sleep(30)
    disk.clear()
    # Postgres ends, and not only its sessions, when it could not write its log after it had recovered.
    await asyncio.sleep(1)
    if not server.process.alive():
        await asyncio.to_thread(server.start)


async def waits_are_told(stack: ClusterStack, seconds: float) -> None:
    """Let a fault last, and see that the worker of requests says more than once what it waits for."""
    log = WorkerLog(stack, "issuer")
    await asyncio.sleep(seconds)
    told = [line for line in log.lines("worker.waiting") if _UNCONFIRMED in line["detail"]]
    assert len(told) > 1, "the worker of requests does not say, again and again, what it waits for"


def _entries(stack: ClusterStack, server: Postgres) -> set[str]:
    return set(server.sql("select encode(hash, 'hex') from entry", stack.database).splitlines())


LEDGER_FAULTS: tuple[Fault, ...] = (
    primary_killed,
    standby_killed,
    primary_killed_and_back,
    primary_cut_off,
    standby_killed_for_long,
    standby_cut_off,
    standby_given_up,
    standby_lost_then_primary,
    primary_disk_full,
    standby_disk_full,
    broker_disk_alarm,
    broker_disk_full,
)
