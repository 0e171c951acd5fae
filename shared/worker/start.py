"""Starts a worker: settings, logs, keys, event loop, signals."""

import asyncio
import gc
import os
import signal
import sys
from collections.abc import Callable, Iterable
from typing import Any

import uvloop

from shared.config import logs
from shared.config.settings import Settings, unknown
from shared.crypto.keys import Keys
from shared.crypto.sealing import ServiceBox, StateSeal
from shared.domain.pin import Pepper
from shared.domain.policy import PinPolicy
from shared.errors import ConsumerGoneError, KeyFileError, SettingsError
from shared.worker.batch import WorkerKeys
from shared.worker.earlier_key import EarlierKey
from shared.worker.health import Health
from shared.worker.lane import Lane
from shared.worker.settings import WorkerSettings
from shared.worker.shell import Worker

BuildLane = Callable[[WorkerSettings, PinPolicy, Keys], Lane]

USAGE = 2
"""The exit status for wrong settings or keys: a restart will not help."""


def start(name: str, build: BuildLane, groups: Iterable[type[Settings]], *, box: str | None = None) -> int:
    """Run a worker until SIGTERM or SIGINT; return the exit status.

    Args:
        name: what the process is called in logs, such as `issuer-access`.
        build: makes the lane from the settings and the keys.
        groups: every group of settings that any worker has; other variables cause a warning.
        box: the name of the key pair of this worker; None for one that opens no account.
    """
    try:
        settings = WorkerSettings.load(os.environ)
        policy = PinPolicy.load(os.environ)
        keys = Keys(settings.keys_dir)
        logs.configure(name, settings.log_level)
        worker_keys = _worker_keys(keys, box, logs.get(name))
        lane = build(settings, policy, keys)
        held = keys.ids()
    except (SettingsError, KeyFileError) as fault:
        sys.stderr.write(f"{name}: {fault}\n")
        return USAGE
    log = logs.get(name)
    log.info("worker.starting", **settings.shown(), **policy.shown(), keys=held)
    for setting, nearest in unknown(os.environ, groups).items():
        log.warning("settings.unknown", setting=setting, nearest=nearest)
    # Exclude long-lived objects from later collections.
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_run(lane, settings, policy, worker_keys, log))


def _worker_keys(keys: Keys, box: str | None, log: Any) -> WorkerKeys:  # noqa: ANN401 - structlog's
    if box is None:
        return WorkerKeys(Pepper(b""), _NoBox(), None)
    return WorkerKeys(
        Pepper(keys.symmetric("pepper")),
        ServiceBox(keys.private(box), EarlierKey(box, log)),
        StateSeal(keys.symmetric("account")),
    )


class _NoBox:
    def open(self, sealed: str) -> None:  # noqa: ARG002 - the protocol's
        raise TypeError("this worker opens nothing")

    def seal(self, secret: object, key: str) -> str:  # noqa: ARG002 - the protocol's
        raise TypeError("this worker seals nothing")


async def _run(
    lane: Lane,
    settings: WorkerSettings,
    policy: PinPolicy,
    worker_keys: WorkerKeys,
    log: Any,  # noqa: ANN401 - structlog's
) -> int:
    worker = Worker(lane, settings, policy, worker_keys, log)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, worker.stop)
    health = Health(worker.missing)
    await health.start(settings.health_host, settings.health_port)
    try:
        await worker.run()
    except ConsumerGoneError:
        log.error("worker.consumer_gone", queue=lane.queue)  # noqa: TRY400 - the event says it all
        return 1
    finally:
        await health.stop()
        log.info("worker.stopped")
    return 0
