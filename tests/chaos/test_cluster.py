"""A cluster's faults, shortened: a broker is killed, one is cut off, the primary is lost; nothing else is.

`python -m tests.cluster` measures them at length; `docs/reliability.md` has its figures.
"""

import asyncio
import os
import random
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from itertools import pairwise

import pytest
import pytest_asyncio

from deploy.broker import render
from deploy.errors import StackError
from deploy.local.cluster.stack import BROKERS, ClusterStack
from deploy.local.workers import WORKERS
from tests.cluster.faults import leader_cut_off, leader_killed
from tests.cluster.ledger_faults import primary_killed
from tests.cluster.load import SteadyLoad
from tests.kit.harness import QUICK, Harness, harness_on
from tests.kit.logs import WorkerLog
from tests.kit.servers import private_directory
from tests.kit.waiting import until

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(os.geteuid() != 0, reason="network namespaces want root"),
]
RATE = 5.0
"""Requests a second."""
SETTLES = 180.0
"""Seconds in which all is well after a fault."""
SAYS_SO = 30.0
"""Seconds between two lines of a worker that waits, at most; an alert wants one in each minute."""
WITHOUT = 35.0
"""Seconds that a queue has no leader."""


@pytest.fixture(scope="module")
def cluster() -> Iterator[ClusterStack]:
    with private_directory() as root:
        try:
            stack = ClusterStack(root, QUICK)
        except StackError as refusal:
            pytest.skip(f"no network namespaces here: {refusal}")
        try:
            stack.start_servers()
            yield stack
        finally:
            stack.kill()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def harness(cluster: ClusterStack) -> AsyncIterator[Harness]:
    async with harness_on(cluster, kinds=("plain",), lasting="cluster", users=("portal",)) as harness:
        harness.start(WORKERS)
        yield harness


@pytest.fixture
def processes(cluster: ClusterStack, harness: Harness) -> Iterator[None]:
    """No worker ends by itself meanwhile."""
    assert harness.stack is cluster
    before = {name: cluster.workers[name].pid for name in WORKERS}
    yield
    ended = [cluster.workers[name].tail() for name in before if not cluster.workers[name].alive()]
    assert not ended, "\n".join(ended)


@pytest.mark.usefixtures("processes")
async def test_a_cluster_loses_a_broker_a_network_and_its_primary_and_no_request(
    cluster: ClusterStack, harness: Harness
) -> None:
    """One after the other under one load; what was confirmed is issued once."""
    async with SteadyLoad(harness, RATE) as load:
        for fault in (leader_killed, leader_cut_off, primary_killed):
            await asyncio.sleep(2)
            await fault(cluster, random.Random(1))  # noqa: S311 - nothing is secret here
        await asyncio.sleep(2)
        await load.end()
        await harness.all_is_well(limit=SETTLES)
    assert load.measured().requests > RATE


@contextmanager
def two_brokers_gone(cluster: ClusterStack) -> Iterator[None]:
    """The third is in a minority, and takes nobody."""
    for name in BROKERS[1:]:
        cluster.brokers[name].kill()
    yield


@contextmanager
def two_copies_gone(cluster: ClusterStack) -> Iterator[None]:
    """All brokers take workers, whose queues have one copy of three, which is no leader."""
    leaders = {queue: cluster.leader(queue) for queue in render.queues()}
    followers = {queue: next(n for n in BROKERS if n != leader) for queue, leader in leaders.items()}
    # The leader last: else the two others choose one.
    for places in (followers, leaders):
        _on_copies(cluster, places, "ra:stop_server(quorum_queues, {Q, node()})")
    try:
        yield
    finally:
        for places in (followers, leaders):
            _on_copies(cluster, places, "ra:restart_server(quorum_queues, {Q, node()})")


def _on_copies(cluster: ClusterStack, places: Mapping[str, str], what: str) -> None:
    for name in BROKERS:
        queues = ", ".join(f"'%2F_{queue}'" for queue, place in places.items() if place == name)
        cluster.brokers[name].ctl("eval", f"[{what} || Q <- [{queues}]].")


@pytest.mark.usefixtures("processes")
@pytest.mark.parametrize("fault", [two_brokers_gone, two_copies_gone])
async def test_a_worker_whose_queue_has_no_leader_says_so_again_and_again_and_comes_back(
    cluster: ClusterStack, harness: Harness, fault: object
) -> None:
    """Every kind of worker: the alert `WorkerWaiting` wants the line to go on."""
    assert callable(fault)
    logs = {name: WorkerLog(cluster, name) for name in WORKERS}
    with fault(cluster):
        await until(
            lambda: all(log.lines("worker.waiting") for log in logs.values()),
            "every worker to wait",
            limit=SETTLES,
        )
        await asyncio.sleep(WITHOUT)
        waiting = {name: log.lines("worker.waiting") for name, log in logs.items()}
    for name, lines in waiting.items():
        times = [datetime.fromisoformat(line["timestamp"]) for line in lines]
        silences = [(after - before).total_seconds() for before, after in pairwise(times)]
        assert len(lines) >= WITHOUT / SAYS_SO, f"{name}: {lines}"
        assert max(silences) <= SAYS_SO, f"{name}: {silences}"
    await asyncio.to_thread(cluster.make_whole)
    await asyncio.to_thread(cluster.wait_ready, list(WORKERS), SETTLES)
    async with SteadyLoad(harness, RATE) as load:
        await asyncio.sleep(2)
        await load.end()
        await harness.all_is_well(limit=SETTLES)
