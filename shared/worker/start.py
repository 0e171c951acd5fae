"""Starts a worker: settings, logs, keys, event loop, signals."""

import asyncio
import gc
import os
import signal
import sys
from collections.abc import Callable, Iterable
from typing import Any

import uvloop

from shared import logs
from shared.health import Health
from shared.lifecycle import Lifecycle
from shared.pin import Pepper
from shared.sealing import KeyFault, Keys, ServiceBox, StateSeal
from shared.settings import BadSettings, Settings, unknown
from shared.worker.batch import Trust
from shared.worker.lane import Lane
from shared.worker.settings import WorkerSettings
from shared.worker.shell import ConsumerGone, Worker

BuildLane = Callable[[WorkerSettings, Lifecycle, Keys], Lane]

USAGE = 2
"""The exit status for settings and keys that are not right: starting again will not help."""


def start(name: str, build: BuildLane, groups: Iterable[type[Settings]], *, box: str | None = None) -> int:
    """Run a worker until SIGTERM or SIGINT; returns the exit status.

    Args:
        name: what the process is called in logs, such as `issuer-access`.
        build: makes the lane from the settings and the keys.
        groups: every group of settings that any worker has; what is given beside them is warned about.
        box: whose key pair opens what is sealed to this worker; None for one that opens no account.
    """
    try:
        settings = WorkerSettings.load(os.environ)
        life = Lifecycle.load(os.environ)
        keys = Keys(settings.keys_dir)
        logs.configure(name, settings.log_level)
        trust = _trust(keys, box)
        lane = build(settings, life, keys)
    except (BadSettings, KeyFault) as fault:
        sys.stderr.write(f"{name}: {fault}\n")
        return USAGE
    log = logs.get(name)
    log.info("worker.starting", **settings.shown(), **life.shown())
    for setting, nearest in unknown(os.environ, groups).items():
        log.warning("settings.unknown", setting=setting, nearest=nearest)
    # Long-lived objects are left out of every later collection.
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_run(lane, settings, life, trust, log))


def _trust(keys: Keys, box: str | None) -> Trust:
    if box is None:
        return Trust(Pepper(b""), _NoBox(), None)
    return Trust(
        Pepper(keys.symmetric("pepper")),
        ServiceBox(keys.private(box)),
        StateSeal(keys.symmetric("account")),
    )


class _NoBox:
    def open(self, sealed: str) -> None:  # noqa: ARG002 - the protocol's
        raise TypeError("this worker opens nothing")

    def seal(self, secret: object, key: str) -> str:  # noqa: ARG002 - the protocol's
        raise TypeError("this worker seals nothing")


async def _run(lane: Lane, settings: WorkerSettings, life: Lifecycle, trust: Trust, log: Any) -> int:  # noqa: ANN401
    worker = Worker(lane, settings, life, trust, log)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, worker.stop)
    health = Health(worker.missing)
    await health.start(settings.health_host, settings.health_port)
    try:
        await worker.run()
    except ConsumerGone:
        log.error("worker.consumer_gone", queue=lane.queue)  # noqa: TRY400 - the name says it all
        return 1
    finally:
        await health.stop()
        log.info("worker.stopped")
    return 0
