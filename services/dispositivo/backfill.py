"""Gives the profile retroactively, in batches (R9): `pinctl backfill FILE`.

It works on the ledger as the dispositivo worker does, with the same decisions in the same transactions, and
leaves events and deliveries in the outbox, from which the running worker publishes them. It may be
interrupted at any time and run again: every batch is one transaction, and no line counts twice.
"""

import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from uuid import uuid4

from services.dispositivo.backfill_csv import FaultyLine, Recognised, lines_of
from services.dispositivo.backfill_rule import BACKFILL, give
from shared.contract import topology
from shared.crypto.keyrings import channels_of, ring_of
from shared.crypto.keys import Keys
from shared.crypto.sealing import Pseudonyms, StateSeal
from shared.domain.decision import Decisions
from shared.domain.policy import PinPolicy
from shared.errors import KeyFileError, LedgerLostError, SettingsError, UnreadableMessageError
from shared.ledger import Ledger
from shared.worker.batch import BatchProcessor, WorkerKeys
from shared.worker.lane import Lane
from shared.worker.offline_message import offline_message
from shared.worker.reading import Parsed
from shared.worker.settings import WorkerSettings
from shared.worker.start import signer_of

DECISIONS: Decisions = {Recognised: give}
_BATCH = 500
_FAULTS_KEPT = 1000
DSN = "PIN_DISPOSITIVO_LEDGER_DSN"
"""Takes the place of `PIN_LEDGER_DSN`, for an environment with several ledger URLs."""


@dataclass(slots=True)
class Report:
    """The progress of a run.

    Attributes:
        correlation_id: on every entry and event of the run.
        lines: how many were read, without empty ones and the header.
        outcomes: how many lines had each outcome: `accepted` (now dispositivo), `already_dispositivo`,
            `done_before`, `no_live_pin` (no PIN to raise), `faulty`, `parked`.
        faults: the faulty lines, at most a thousand of them.
    """

    correlation_id: str = field(default_factory=lambda: f"backfill-{uuid4()}")
    lines: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    faults: list[FaultyLine] = field(default_factory=list)

    @property
    def clean(self) -> bool:
        """Whether every line was valid and decided."""
        return not self.outcomes["faulty"] and not self.outcomes["parked"]


Progress = Callable[[Report], None]


def settings_for(environ: Mapping[str, str]) -> WorkerSettings:
    """Return the worker's settings, with the relay not waiting for rows of this run.

    Raises:
        SettingsError: names every setting that is missing or wrong.
    """
    dsn = {"PIN_LEDGER_DSN": environ[DSN]} if DSN in environ else {}
    settings = WorkerSettings.load({**environ, **dsn})
    # No process publishes these rows from memory, so the relay need not wait.
    return settings.model_copy(update={"outbox_lease": timedelta(0)})


async def backfill(
    path: Path,
    settings: WorkerSettings,
    policy: PinPolicy,
    keys: Keys,
    progress: Progress = lambda _: None,
) -> Report:
    """Give the profile to every citizen in a file; `progress` is called after each batch.

    Args:
        path: the CSV, see `backfill_csv.lines_of`.
        settings: from `settings_for`; the role on the ledger is `dispositivo`.
        policy: the settings of the PIN's life.
        keys: of the dispositivo worker.
        progress: called with the report after each batch.

    Raises:
        OSError: the file cannot be read.
        LedgerLostError: the ledger is lost; committed batches stay, and the file can be run again.
    """
    processor = backfill_processor(settings, policy, keys, DECISIONS)
    pseudonyms = Pseudonyms(keys.symmetric("subject"))
    report = Report()
    ledger = await Ledger.open(settings.ledger_dsn.reveal(), BACKFILL)
    try:
        lines = lines_of(path, datetime.now(UTC))
        while part := list(islice(lines, _BATCH)):
            await _settle(part, processor, ledger, pseudonyms, report)
            progress(report)
    finally:
        await ledger.close()
    return report


async def _settle(
    part: list[Recognised | FaultyLine],
    processor: BatchProcessor,
    ledger: Ledger,
    pseudonyms: Pseudonyms,
    report: Report,
) -> None:
    faulty = [line for line in part if isinstance(line, FaultyLine)]
    good = [line for line in part if isinstance(line, Recognised)]
    report.lines += len(part)
    report.faults += faulty[: _FAULTS_KEPT - len(report.faults)]
    report.outcomes["faulty"] += len(faulty)
    if good:
        batch = [
            offline_message(BACKFILL, line, pseudonyms.of(line.codice_fiscale), report.correlation_id)
            for line in good
        ]
        settled = await processor.settle(batch, ledger)
        report.outcomes.update("parked" if h.outcome == "parked" else h.code for h in settled.handled)


def backfill_processor(
    settings: WorkerSettings, policy: PinPolicy, keys: Keys, decisions: Decisions
) -> BatchProcessor:
    """Return the batch handler of the dispositivo worker, without a broker."""
    lane = Lane(
        worker="dispositivo",
        name=BACKFILL,
        queue=topology.DISPOSITIVO,
        read=_no_message,
        batch=_BATCH,
        decisions=decisions,
        channels=keys.of_channels(channels_of("dispositivo")),
    )
    worker_keys = WorkerKeys(state=StateSeal(keys.symmetric("account")), signer=signer_of(keys))
    return BatchProcessor(lane, settings, policy, worker_keys, now=lambda: datetime.now(UTC))


def _no_message(type_: str, body: bytes, role: str) -> Parsed:  # noqa: ARG001 - the lane's
    raise UnreadableMessageError("unknown_type")


def lines_of_report(report: Report) -> Iterator[str]:
    """Yield the report as lines of text."""
    for faulty in report.faults:
        for fault in faulty.faults:
            yield f"line {faulty.line}: {fault.field or 'line'}: {fault.code}: {fault.detail}"
    if (more := report.outcomes["faulty"] - len(report.faults)) > 0:
        yield f"and {more} more faulty lines"
    counts = ", ".join(f"{name} {count}" for name, count in sorted(report.outcomes.items()) if count)
    yield f"{report.lines} lines: {counts or 'nothing to do'} ({report.correlation_id})"


async def run(path: Path, environ: Mapping[str, str]) -> int:
    """Run a file and print the report.

    Args:
        path: the CSV, see `backfill_csv.lines_of`.
        environ: the settings and keys of the dispositivo worker; see `DSN`.

    Returns:
        The exit status: 0 if every line was valid and decided, 1 if not, 2 if the run failed.
    """
    try:
        settings = settings_for(environ)
        policy = PinPolicy.load(environ)
        keys = Keys(settings.keys_dir, ring_of("dispositivo", signs=settings.sign_messages))
        report = await backfill(path, settings, policy, keys, _show)
    except (SettingsError, KeyFileError, OSError) as fault:
        sys.stderr.write(f"backfill: {fault}\n")
        return 2
    except LedgerLostError as loss:
        sys.stderr.write(f"backfill: the ledger went away ({loss}); run the file again\n")
        return 2
    sys.stdout.writelines(f"{line}\n" for line in lines_of_report(report))
    return 0 if report.clean else 1


def _show(report: Report) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(f"\r{report.lines} lines\x1b[K\r")
