"""What an audit is compared with: checkpoints, and those that a second witness signed too."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from nacl.signing import VerifyKey

from deploy.errors import PinctlError
from deploy.pinctl.answer import UNKNOWN
from deploy.pinctl.checkpoints import COSIGNED, EVENT, FRESH, Checkpoint, faults, read, recent
from deploy.pinctl.month_roots import MonthWitnesses
from deploy.pinctl.seals import SealLog, seal_log
from deploy.pinctl.settings import CheckpointSettings
from deploy.pinctl.tables import age, instant
from shared.crypto.keys import COSIGNER, Keys


@dataclass(frozen=True, slots=True)
class Witnesses:
    """Checkpoints to compare.

    Attributes:
        checkpoints: as they were signed.
        cosigned: as a second witness signed them.
        keys: the current and earlier ones, one of which verifies the first signature of each of them.
        cosigners: likewise for the second of the cosigned ones.
        missing: what is demanded and not there, a sentence each.
        months: what is written about months.
    """

    checkpoints: Sequence[Checkpoint] = ()
    cosigned: Sequence[Checkpoint] = ()
    keys: Sequence[VerifyKey] = ()
    cosigners: Sequence[VerifyKey] = ()
    missing: Sequence[str] = ()
    months: MonthWitnesses = field(default_factory=MonthWitnesses)

    def instants(self) -> Iterator[datetime]:
        """Yield the instants of all of them."""
        yield from (checkpoint.at for checkpoint in (*self.checkpoints, *self.cosigned))

    def compared(self, today: Mapping[datetime, Checkpoint]) -> Sequence[tuple[Checkpoint, Sequence[str]]]:
        """Return each checkpoint with its faults, given those recomputed of the same instants.

        Those of before the months that have left cannot be recomputed: seals were compared with them.
        """
        known = [one for one in (*self.checkpoints, *self.cosigned) if one.at in today]
        found = [(one, faults(one, today[one.at], self.keys)) for one in known]
        return [(one, [*said, *self._cosignature(one)]) for one, said in found]

    def _cosignature(self, checkpoint: Checkpoint) -> Iterator[str]:
        if checkpoint in self.cosigned and not checkpoint.is_cosigned_by(self.cosigners):
            yield "the second signature is not the witness's"


NO_WITNESSES = Witnesses()


def log_lines(path: Path) -> list[str]:
    """Return the lines of a log that are about the ledger; `-` is standard input.

    Raises:
        PinctlError: it cannot be read.
    """
    try:
        with sys.stdin if str(path) == "-" else path.open(encoding="utf-8", errors="replace") as lines:
            return [line for line in lines if '"ledger.' in line]
    except OSError as error:
        raise PinctlError(f"{path}: {error.strerror}", UNKNOWN) from None


def read_log(path: Path, event: str = EVENT) -> list[Checkpoint]:
    """Return the checkpoints in a log, at least one; `-` is standard input.

    Raises:
        PinctlError: it cannot be read, or there is none in it.
    """
    return _checkpoints(path, log_lines(path), event)


def last_checkpoint(path: Path | None, event: str = EVENT) -> Checkpoint | None:
    """Return the newest checkpoint in a log; None if there is no log, or only other lines in it.

    Raises:
        PinctlError: it cannot be read.
    """
    lines = log_lines(path) if path and path.exists() else []
    return max(_read(path, lines, event), key=lambda one: one.at, default=None)


def _checkpoints(path: Path, lines: Sequence[str], event: str = EVENT) -> list[Checkpoint]:
    found = _read(path, lines, event)
    if not found:
        raise PinctlError(f"{path}: no checkpoint in it; `pinctl ledger checkpoint` writes them", UNKNOWN)
    return found


def _read(path: Path | None, lines: Sequence[str], event: str) -> list[Checkpoint]:
    try:
        return read(lines, event)
    except ValueError as error:
        raise PinctlError(f"{path}: {error}") from None


def read_seals(path: Path, cosigned: Path | None = None) -> SealLog:
    """Return what logs say about months; one that is not there says nothing.

    Raises:
        PinctlError: one cannot be read.
    """
    ours, theirs = (log_lines(one) if one and one.exists() else () for one in (path, cosigned))
    return _seals(path, ours, theirs)


def _seals(path: Path, lines: Sequence[str], cosigned: Sequence[str] = ()) -> SealLog:
    try:
        return seal_log(lines, cosigned)
    except ValueError as error:
        raise PinctlError(f"{path}: {error}") from None


def of_file(path: Path, keys: Keys) -> Witnesses:
    """Return all checkpoints in a file, and what it says about months.

    Raises:
        PinctlError: it cannot be read, or has no checkpoint in it.
        shared.errors.KeyFileError: a key is missing.
    """
    lines = log_lines(path)
    ours = keys.verifying()
    months = MonthWitnesses(_seals(path, lines), ours)
    return Witnesses(_checkpoints(path, lines), keys=ours, months=months)


def of_settings(settings: CheckpointSettings, keys: Keys, now: datetime) -> Witnesses:
    """Return the witnesses that the settings name; none if they name no log.

    Raises:
        PinctlError: a log cannot be read, or has no checkpoint in it.
        shared.errors.KeyFileError: a key is missing.
    """
    if settings.checkpoint_log is None:
        if settings.cosigned_within is not None:
            raise PinctlError("PIN_COSIGNED_WITHIN demands a witness, and PIN_CHECKPOINT_LOG names no log")
        return NO_WITNESSES
    since = now - settings.checkpoint_window
    checkpoints = read_log(settings.checkpoint_log)
    cosigned = read_log(settings.cosigned_log, COSIGNED) if settings.cosigned_log else []
    cosigners = keys.verifying(COSIGNER) if cosigned else ()
    months = MonthWitnesses(
        read_seals(settings.checkpoint_log, settings.cosigned_log),
        keys.verifying(),
        cosigners,
        demanded=settings.cosigned_within is not None,
    )
    missing = list(_stale("checkpoint", checkpoints, now - FRESH))
    if settings.cosigned_within is not None:
        missing += _stale("cosigned checkpoint", cosigned, now - settings.cosigned_within)
    return Witnesses(
        recent(checkpoints, since),
        recent(cosigned, since),
        keys.verifying(),
        cosigners,
        missing,
        months,
    )


def _stale(what: str, checkpoints: Sequence[Checkpoint], since: datetime) -> Iterator[str]:
    newest = max((one.at for one in checkpoints), default=None)
    if newest is None:
        yield f"There is no {what}."
    elif newest < since:
        late = age((since - newest).total_seconds())
        yield f"The newest {what} is of {instant(newest)}, {late} too old: nothing witnesses what came after."
