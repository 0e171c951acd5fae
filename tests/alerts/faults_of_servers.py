"""What may happen to servers, workers and what watches them."""

import asyncio
import socket

import aio_pika

from deploy.local.ports import HOST
from deploy.local.rabbitmq import ADMIN
from deploy.local.waiting import wait_for
from shared.contract import topology
from tests.alerts.lines import WorkersLogs
from tests.alerts.scene import Scene
from tests.kit.waiting import until

AWAY = 9.0
"""Seconds without Postgres."""
TWICE = (0.0, 300.0)
"""Seconds of two runs of `pinctl status`, as its CronJob has them."""


async def postgres_is_away(scene: Scene) -> None:
    """Postgres is killed, and comes back after three minutes of the replay."""
    await scene.run("issuer", "notifier-sms")
    scene.begin()
    scene.stack.postgres.kill()
    await asyncio.sleep(AWAY)
    await asyncio.to_thread(scene.stack.postgres.start)
    await until(lambda: all(scene.stack.ready(one) for one in ("issuer", "notifier-sms")), "the workers")


async def a_worker_dies(scene: Scene) -> None:
    """A worker ends by an error that nothing in it expects: its port is taken."""
    await scene.end("notifier-pec")
    with socket.create_server((HOST, 0)) as taken:
        port = str(taken.getsockname()[1])
        (process,) = scene.stack.start_worker("notifier-pec", env={"PIN_HEALTH_PORT": port}, wait=False)
        await until(lambda: not process.alive(), "the worker to die")


async def nobody_consumes(scene: Scene) -> None:
    """Some workers are not there, twice in a row."""
    await scene.end("notifier-post")
    assert "nobody consumes notifier.post" in await scene.pinctl("status", at=TWICE)


async def status_stops(scene: Scene) -> None:
    """`pinctl status` ran, and then does not."""
    await scene.pinctl("status", at=TWICE)


async def nothing_runs(_: Scene) -> None:
    """No job of the cluster has run since it is there."""


async def a_queue_is_unbound(scene: Scene) -> None:
    """Somebody takes a binding away, and a PIN is asked for."""
    await scene.run("issuer")
    logs = WorkersLogs(scene.stack)
    async with await aio_pika.connect(scene.stack.rabbitmq.url(ADMIN)) as connection:
        queue = await (await connection.channel()).get_queue("notifier.sms", ensure=False)
        await queue.unbind(topology.NOTIFICATIONS, "sms")
        try:
            (body,) = scene.people()
            assert (await scene.harness.portal.ask("pin.request", body))["code"] == "accepted"
            await scene.said(logs, "outbox.unroutable")
        finally:
            await queue.bind(topology.NOTIFICATIONS, "sms")
    await asyncio.to_thread(wait_for, lambda: _due(scene) == 0, 30, "what was due to be published")


def _due(scene: Scene) -> int:
    return int(scene.sql("select count(*) from outbox where due_at <= now()"))
