"""`pinctl ledger seal-month`, `verify-month` and `retire-month`: how entries end.

Every step can be repeated: one that was interrupted is found done, or is done again. A month is closed, then
sealed, then written to its file; it leaves when all of these are there, have been verified again, and two
persons say so.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from nacl.signing import VerifyKey

from deploy.errors import PinctlError
from deploy.pinctl import archive
from deploy.pinctl.acts import Acts, person
from deploy.pinctl.answer import ATTENTION, OK, UNKNOWN, Answer
from deploy.pinctl.audit import audited, verdict
from deploy.pinctl.chains import SealedHead
from deploy.pinctl.checkpoints import append
from deploy.pinctl.month_roots import Heads, Month
from deploy.pinctl.seals import RETIRED, SEALED, Retirement, Seal, Sealed, SealLog
from deploy.pinctl.settings import (
    ArchiveSettings,
    CheckpointSettings,
    KeySettings,
    LedgerSettings,
    OwnerSettings,
)
from deploy.pinctl.tables import age, count
from deploy.pinctl.witnesses import Witnesses, of_settings, read_seals
from shared.config import logs
from shared.crypto.keys import Keys
from shared.errors import LedgerConflictError, LedgerRefusedError
from shared.ledger import Ledger
from shared.worker.crash import crash_point

_OVER = timedelta(hours=1)
"""How long a month has to be over before it is closed: `close_month` demands it."""
_PATIENCE = 6 * 3600.0
"""Seconds that noting where all chains go on may take, at the very most."""
_TRIES, _PAUSE = 20, 3.0
"""How often the month is taken out, if somebody is reading the entries, and seconds between."""
_PERSONS = 2


@dataclass(frozen=True, slots=True)
class Places:
    """Where everything is that a month passes through.

    Attributes:
        ledger: for the role `pinctl`.
        keys: `checkpoint.key`, and what verifies.
        checkpoints: the log that has the seals, and that of a second witness.
        files: the archive, and when a month may leave to it.
    """

    ledger: LedgerSettings
    keys: KeySettings
    checkpoints: CheckpointSettings
    files: ArchiveSettings

    @property
    def log(self) -> Path:
        """The log of checkpoints.

        Raises:
            PinctlError: the settings name none.
        """
        return _log_of(self.checkpoints)


def _log_of(settings: CheckpointSettings) -> Path:
    if settings.checkpoint_log is None:
        raise PinctlError("PIN_CHECKPOINT_LOG: a seal needs a log of checkpoints, which it lies among")
    return settings.checkpoint_log


async def _months(ledger: LedgerSettings) -> list[Month]:
    connection = await Ledger.open(ledger.ledger_dsn.reveal(), "pinctl")
    try:
        return [Month(*row) for row in await connection.rows("entry_months")]
    finally:
        await connection.close()


async def seal(places: Places, month: str | None = None) -> Answer:
    """Seal all months that are over, or those up to one, and write the file of each that has none.

    The whole ledger is verified first, with its checkpoints and the seals before: nothing is sealed that is
    not sound.

    Raises:
        PinctlError: a month is unknown or not over, a setting is missing, a file cannot be written.
    """
    log, own, ledger = places.log, Keys(places.keys.keys_dir), places.ledger
    months = await _months(ledger)
    due = _due(months, read_seals(log), month, datetime.now(UTC))
    said = []
    if due:
        await _close(ledger, due)
        answer = await _seal(places, own, due)
        if answer.status != OK:
            return answer
        said.append(answer.text)
    written = await _export(places, read_seals(log), months, own.verifying())
    said += [f"{one} is written." for one in written]
    return Answer(
        "\n".join(said) or "No month is to be sealed.",
        {"sealed": [one.name for one in due], "written": [str(one) for one in written]},
    )


def _due(months: Sequence[Month], log: SealLog, wanted: str | None, now: datetime) -> list[Month]:
    sealed = {one.month for one in log.seals}
    if wanted is not None:
        named = next((one for one in months if one.name == wanted), None)
        if named is None:
            raise PinctlError(f"the ledger has no month {wanted}", UNKNOWN)
        if named.until + _OVER > now:
            raise PinctlError(f"{wanted} is not over: a month can be sealed an hour after its end (UTC)")
        months = [one for one in months if one.until <= named.until]
    return [one for one in months if one.name not in sealed and not one.retired and one.until + _OVER <= now]


async def _close(ledger: LedgerSettings, months: Sequence[Month]) -> None:
    connection = await Ledger.open(ledger.ledger_dsn.reveal(), "pinctl")
    try:
        for month in months:
            await connection.value("close_month", month.month)
    except LedgerConflictError:
        raise PinctlError("somebody is still writing into the month: run this again", ATTENTION) from None
    except LedgerRefusedError:
        names = ", ".join(month.name for month in months)
        raise PinctlError(
            f"the ledger does not close {names}: is a month gone? `pinctl ledger verify`", ATTENTION
        ) from None
    finally:
        await connection.close()
    crash_point("month.closed")


async def _seal(places: Places, own: Keys, due: Sequence[Month]) -> Answer:
    log, key = places.log, own.signing()
    witnesses = of_settings(places.checkpoints, own, datetime.now(UTC))
    named = [one.month for one in witnesses.months.log.seals[-1:]] + [one.name for one in due]
    audit = await audited(places.ledger, None, witnesses.instants(), named)
    answer = verdict(audit, witnesses)
    if answer.status != OK:
        return Answer(f"{answer.text}\nNothing was sealed.", answer.data, answer.status)
    found = audit.roots.found()
    before = next(reversed(witnesses.months.log.seals), None)
    logs.configure("pinctl", "info")
    for month in due:
        made = Seal(found[month.name], before.id if before else "").signed(key)
        crash_point("month.signed")
        append(log, made)
        crash_point("month.logged")
        logs.get().info(SEALED, **made.fields())
        before = made
    return Answer(f"{', '.join(one.name for one in due)}: sealed.")


async def _export(
    places: Places, log: SealLog, months: Sequence[Month], keys: Sequence[VerifyKey]
) -> list[Path]:
    """Write the files that are missing of sealed months that are there; return which."""
    if (folder := places.files.archive_dir) is None:
        return []
    written = []
    for month in months:
        path = archive.path_of(folder, month.name)
        sealed = log.seal_of(month.name)
        if sealed and not month.retired and not path.exists():
            await archive.write(path, sealed, _entries(places.ledger, month), keys)
            crash_point("month.written")
            written.append(path)
    return written


async def _entries(ledger: LedgerSettings, month: Month) -> AsyncIterator[Sequence[Any]]:
    connection = await Ledger.open(ledger.ledger_dsn.reveal(), "pinctl")
    try:
        async with connection.snapshot():
            async for row in connection.stream("month_entries", month.month):
                yield row
    finally:
        await connection.close()


def verify_file(path: Path, keys: KeySettings, settings: CheckpointSettings) -> Answer:
    """Verify the file of a month: alone, and against the seal in the log if the settings name one.

    Raises:
        PinctlError: something does not hold.
    """
    found = archive.verify(path, Keys(keys.keys_dir).verifying())
    said = "The log was not compared."
    if settings.checkpoint_log is not None:
        if read_seals(settings.checkpoint_log).seal_of(found.seal.month) != found.seal:
            raise PinctlError(f"{path} does not hold: its seal is not the one in the log", ATTENTION)
        said = "The log has the same seal."
    one = found.seal.sealed
    text = (
        f"{one.month}: {count(one.of_month, 'entry', 'entries')} of {count(found.subjects, 'citizen')},"
        f" as they were sealed, and every chain is whole. {said}"
    )
    return Answer(text, {**found.seal.fields(), "sha256": found.sha256})


async def retire(places: Places, owner: OwnerSettings, month: str, by: Sequence[str]) -> Answer:
    """Let a month leave the ledger: it must be old enough, sealed, in the archive, and all of it sound.

    Who does it is recorded first, as an entry and, signed, in the log. Then where chains go on is noted and
    compared with the seal, and the month is taken out, in one transaction.

    Raises:
        PinctlError: it may not leave; nothing has changed.
    """
    persons = _persons(by)
    log, own, ledger = places.log, Keys(places.keys.keys_dir), places.ledger
    now = datetime.now(UTC)
    going = _may_leave(await _months(ledger), month, places.files, now)
    witnesses = of_settings(places.checkpoints, own, now)
    sealed = _sealed(witnesses, month)
    if going.retired:
        return Answer(f"{month} has left already.")
    path = archive.path_of(_folder(places.files), month)
    file = archive.verify(path, own.verifying())
    if file.seal != sealed:
        raise PinctlError(f"the file of {month} is of another seal than the one in the log", ATTENTION)
    audit = await audited(ledger, None, witnesses.instants(), (month, witnesses.months.log.seals[-1].month))
    answer = verdict(audit, witnesses)
    if answer.status != OK:
        return Answer(f"{answer.text}\n{month} has not left.", answer.data, answer.status)
    if witnesses.months.log.retirement_of(sealed) is None:
        await _record(ledger, own, log, Retirement(month, sealed.id, file.sha256, persons, now))
    await _take_out(owner, going, sealed.sealed)
    entries = count(sealed.sealed.of_month, "entry is", "entries are")
    return Answer(f"{month} has left: {entries} in {path} alone.", {"month": month, "sha256": file.sha256})


def _persons(by: Sequence[str]) -> tuple[str, ...]:
    named = tuple(person(one) for one in by)
    if len({one.casefold() for one in named}) < _PERSONS:
        raise PinctlError("a month leaves at the word of two persons: --by PERSON --by PERSON")
    return named


def _folder(files: ArchiveSettings) -> Path:
    if files.archive_dir is None:
        raise PinctlError("PIN_ARCHIVE_DIR: a month leaves to its file, and no folder is named")
    return files.archive_dir


def _may_leave(months: Sequence[Month], wanted: str, files: ArchiveSettings, now: datetime) -> Month:
    if not files.entry_retention:
        raise PinctlError("PIN_ENTRY_RETENTION is not set: no entry ever leaves")
    named = next((one for one in months if one.name == wanted), None)
    if named is None:
        raise PinctlError(f"the ledger has no month {wanted}", UNKNOWN)
    if now - named.until < files.entry_retention:
        left = age((named.until + files.entry_retention - now).total_seconds())
        raise PinctlError(f"{wanted} may leave in {left}: PIN_ENTRY_RETENTION")
    first = next((one for one in months if not one.retired), None)
    if not named.retired and named != first:
        raise PinctlError(f"{first and first.name} must leave before {wanted}")
    return named


def _sealed(witnesses: Witnesses, month: str) -> Seal:
    months = witnesses.months
    found = months.log.seal_of(month)
    if found is None:
        raise PinctlError(f"{month} is not sealed: `pinctl ledger seal-month {month}`", ATTENTION)
    cosigned = months.log.cosigned_of(month)
    if months.demanded and (cosigned is None or not cosigned.is_cosigned_by(months.cosigners)):
        raise PinctlError(
            f"no second witness has signed the seal of {month}: `pinctl ledger cosign`", ATTENTION
        )
    return found


async def _record(ledger: LedgerSettings, own: Keys, log: Path, made: Retirement) -> None:
    record = made.signed(own.signing())
    async with Acts.open(ledger, ", ".join(made.by)) as acts:
        await acts.record_retirement(made.month, made.seal, made.archive)
    crash_point("month.recorded")
    append(log, record)
    crash_point("month.allowed")
    logs.configure("pinctl", "info")
    logs.get().info(RETIRED, **record.fields())


async def _take_out(owner: OwnerSettings, month: Month, sealed: Sealed) -> None:
    ledger = await Ledger.open(owner.ledger_owner_dsn.reveal(), "pinctl", patience=_PATIENCE)
    try:
        async with ledger.transaction():
            await ledger.value("carry_heads", month.month)
            heads = Heads()
            async for row in ledger.stream("audit_sealed_heads", None):
                heads.add(SealedHead(*row))
            if (heads.subjects, heads.entries, heads.digest()) != (
                sealed.subjects,
                sealed.entries,
                sealed.heads,
            ):
                raise PinctlError(
                    f"{month.name} has not left: where chains go on is not what was sealed", ATTENTION
                )
            crash_point("month.carried")
            await _drop(ledger, month)
            crash_point("month.dropped")
        crash_point("month.left")
    finally:
        await ledger.close()


async def _drop(ledger: Ledger, month: Month) -> None:
    for _ in range(_TRIES):
        try:
            async with ledger.transaction():
                await ledger.value("drop_month", month.month)
                return
        except LedgerConflictError:
            await asyncio.sleep(_PAUSE)
    raise PinctlError(f"{month.name} has not left: somebody reads the entries; run this again", ATTENTION)
