"""Starts a worker: settings, logs, keys, event loop, signals."""

import asyncio
import gc
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterable
from typing import Any, Protocol

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
from shared.version import VERSION, revision
from shared.worker.batch import Boxes, WorkerKeys
from shared.worker.earlier_key import EarlierKey
from shared.worker.health import Health
from shared.worker.lane import Lane
from shared.worker.memory import keep_memory_private
from shared.worker.settings import ProcessSettings, WorkerSettings
from shared.worker.shell import Worker
from shared.worker.tracing.opening import open_tracing

BuildLane = Callable[[WorkerSettings, PinPolicy, Keys], Lane]


class Running(Protocol):
    """What a process runs."""

    def missing(self) -> list[str]:
        """Return what is missing to be ready."""

    def stop(self) -> None:
        """Finish the work in progress, and return from `run`."""

    async def run(self) -> None:
        """Work until stopped."""


BuildProcess = Callable[[ProcessSettings, Any], Callable[[], Running]]

USAGE = 2
"""The exit status for wrong settings or keys: a restart will not help."""
_REMAINS = 2.0
"""Seconds for what is left on the event loop once all work has ended: with the shell's own limits, a worker
ends within ten of SIGTERM."""


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
        worker_keys = keys_for_decisions(keys, settings, logs.get())
        lane = build(settings, policy, keys)
        held = keys.ids()
    except (SettingsError, KeyFileError) as fault:
        sys.stderr.write(f"{name}: {fault}\n")
        return USAGE
    log = logs.get()
    log.info("worker.starting", **_release(), **settings.shown(), **policy.shown(), keys=held)
    tracing = open_tracing(settings, name, lane.queue, log)
    try:
        return _start(
            lambda: Worker(lane, settings, policy, worker_keys, log, tracing), settings, read, groups, log
        )
    finally:
        if tracing:
            tracing.close()


def start_process(
    name: str, build: BuildProcess, groups: Iterable[type[Settings]], *, own: Iterable[type[Settings]]
) -> int:
    """Run what is no lane, and has neither ledger nor keys, until SIGTERM or SIGINT; return the exit status.

    Args:
        name: what the process is called in logs.
        build: makes it from its settings and its log; called on the event loop.
        groups: every group of settings that any worker has; other variables cause a warning.
        own: the groups of settings that it reads beside `ProcessSettings`.
    """
    keep_memory_private()
    try:
        read = load_all(os.environ, (ProcessSettings, *own))
        settings = ProcessSettings.load(os.environ)
        logs.configure(name, settings.log_level)
        log = logs.get()
        make = build(settings, log)
    except SettingsError as fault:
        sys.stderr.write(f"{name}: {fault}\n")
        return USAGE
    log.info("worker.starting", **_release(), **settings.shown(), keys={})
    return _start(make, settings, read, groups, log)


def _release() -> dict[str, str]:
    return {"version": VERSION, "revision": revision()}


def _start(
    make: Callable[[], Running],
    settings: ProcessSettings,
    read: Iterable[Settings],
    groups: Iterable[type[Settings]],
    log: Any,  # noqa: ANN401 - structlog's
) -> int:
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
        status = runner.run(_run(make, settings, log))
        # A connection whose broker is silent and whose socket is full goes on waiting, cancelled or not.
        cut_short = threading.Timer(_REMAINS, _end_now, (status,))
        cut_short.daemon = True
        cut_short.start()
    cut_short.cancel()
    return status


def _end_now(status: int) -> None:
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


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


async def _run(make: Callable[[], Running], settings: ProcessSettings, log: Any) -> int:  # noqa: ANN401 - structlog's
    running = make()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, running.stop)
    health = Health(running.missing)
    await health.start(settings.health_host, settings.health_port)
    try:
        await running.run()
    except ConsumerGoneError as gone:
        log.error("worker.consumer_gone", queue=str(gone))  # noqa: TRY400 - the event says it all
        return 1
    finally:
        await health.stop()
        log.info("worker.stopped")
    return 0
