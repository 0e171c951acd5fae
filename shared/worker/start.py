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
from shared.config.settings import Settings, load_all, unknown
from shared.crypto.keyrings import ring_of
from shared.crypto.keys import SERVICES, SIGNERS, Keys
from shared.crypto.sealing import ServiceBox, StateSeal
from shared.crypto.signing import Signer
from shared.domain.pin import Pepper
from shared.domain.policy import PinPolicy
from shared.errors import ConsumerGoneError, KeyFileError, SettingsError
from shared.worker.batch import Boxes, WorkerKeys
from shared.worker.earlier_key import EarlierKey
from shared.worker.health import Health
from shared.worker.lane import Lane
from shared.worker.memory import keep_memory_private
from shared.worker.settings import WorkerSettings
from shared.worker.shell import Worker

BuildLane = Callable[[WorkerSettings, PinPolicy, Keys], Lane]

USAGE = 2
"""The exit status for wrong settings or keys: a restart will not help."""


def start(
    name: str,
    build: BuildLane,
    groups: Iterable[type[Settings]],
    *,
    own: Iterable[type[Settings]] = (),
) -> int:
    """Run a worker until SIGTERM or SIGINT; return the exit status.

    Args:
        name: what the process is called in logs, such as `issuer-access`; it determines its keys.
        build: makes the lane from the settings and the keys.
        groups: every group of settings that any worker has; other variables cause a warning.
        own: the groups of settings that only this worker reads.
    """
    keep_memory_private()
    try:
        read = load_all(os.environ, (WorkerSettings, PinPolicy, *own))
        settings, policy = WorkerSettings.load(os.environ), PinPolicy.load(os.environ)
        logs.configure(name, settings.log_level)
        keys = Keys(settings.keys_dir, ring_of(name, signs=settings.sign_messages))
        worker_keys = keys_for_decisions(keys, settings, logs.get(name))
        lane = build(settings, policy, keys)
        held = keys.ids()
    except (SettingsError, KeyFileError) as fault:
        sys.stderr.write(f"{name}: {fault}\n")
        return USAGE
    log = logs.get(name)
    log.info("worker.starting", **settings.shown(), **policy.shown(), keys=held)
    for setting, nearest in unknown(os.environ, groups).items():
        log.warning("settings.unknown", setting=setting, nearest=nearest)
    for one in (one for group in read for one in group.plaintext()):
        log.warning(
            "settings.plaintext", setting=one.setting, host=one.host, because=one.because, shows=one.shows
        )
    # Exclude long-lived objects from later collections.
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_run(lane, settings, policy, worker_keys, log))


def keys_for_decisions(keys: Keys, settings: WorkerSettings, log: Any) -> WorkerKeys:  # noqa: ANN401 - structlog's
    """Read the keys on a ring that decisions use.

    Raises:
        KeyFileError: one is missing, is no key, or may be read by others.
    """
    ring = keys.ring or frozenset()
    return WorkerKeys(
        pepper=Pepper(keys.symmetric("pepper")) if "pepper.key" in ring else None,
        boxes=_boxes(keys, settings, log),
        state=StateSeal(keys.symmetric("account")) if "account.key" in ring else None,
        signer=signer_of(keys),
    )


def signer_of(keys: Keys) -> Signer | None:
    """Return what signs with the key on a ring, or None if there is none on it."""
    for user in SIGNERS:
        if keys.ring and f"{user}-signing.key" in keys.ring:
            return Signer(keys.signing(f"{user}-signing"))
    return None


def _boxes(keys: Keys, settings: WorkerSettings, log: Any) -> Boxes | None:  # noqa: ANN401 - structlog's
    for name in SERVICES:
        if keys.ring and f"{name}.key" in keys.ring:
            # Imported late: it loads the commands and Italy's tables, which no channel needs.
            from shared.worker.message_box import MessageBoxes  # noqa: PLC0415

            box = ServiceBox(keys.private(name), EarlierKey(name, log))
            return MessageBoxes(box, require_bound=settings.require_bound_seals, log=log)
    return None


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
