"""`pinctl ledger checkpoint` and `cosign`: make a checkpoint, and witness it with a second key."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime

from nacl.signing import SigningKey, VerifyKey

from deploy.errors import PinctlError
from deploy.pinctl.answer import ATTENTION, OK, Answer
from deploy.pinctl.audit import audited, refuted_text, verdict
from deploy.pinctl.checkpoints import COSIGNED, EVENT, Checkpoint, Root, append, faults
from deploy.pinctl.month_roots import MonthWitnesses
from deploy.pinctl.seals import COSIGNED as SEAL_COSIGNED
from deploy.pinctl.settings import CheckpointSettings, KeySettings, LedgerSettings
from deploy.pinctl.tables import instant
from deploy.pinctl.witnesses import Witnesses, last_checkpoint, read_log, read_seals
from shared.config import logs
from shared.crypto.keys import CHECKPOINT, COSIGNER, Keys
from shared.errors import LedgerConflictError, LedgerLostError, LedgerRefusedError
from shared.ledger import Ledger


async def checkpoint(ledger: LedgerSettings, keys: KeySettings, settings: CheckpointSettings) -> Answer:
    """Create and sign the checkpoint up to the margin ago, log it as one line, and append it to its file.

    The one before is compared first: a tail that was cut shows within the interval. The new one is made all
    the same, as what comes after needs a witness too.
    """
    own = Keys(keys.keys_dir)
    key = own.signing()
    at = datetime.now(UTC) - settings.checkpoint_margin
    refuted = await _last_refuted(ledger, settings, _verifying(own, CHECKPOINT, key))
    made = (await _root(ledger, at)).at(at).signed(key)
    await _make_months(ledger)
    logs.configure("pinctl", "info")
    logs.get().info(EVENT, **made.fields())
    if settings.checkpoint_log:
        append(settings.checkpoint_log, made)
    return Answer("\n".join(refuted_text(1, refuted)), status=ATTENTION) if refuted else Answer("")


async def _last_refuted(
    ledger: LedgerSettings, settings: CheckpointSettings, keys: Sequence[VerifyKey]
) -> Sequence[tuple[Checkpoint, Sequence[str]]]:
    last = last_checkpoint(settings.checkpoint_log)
    if last is None:
        return ()
    said = faults(last, (await _root(ledger, last.at)).at(last.at), keys)
    return [(last, said)] if said else ()


async def _make_months(ledger: LedgerSettings) -> None:
    """Make the ledger's next months, as workers do: a ledger may be without any for long."""
    connection = await Ledger.open(ledger.ledger_dsn.reveal(), "pinctl")
    try:
        with suppress(LedgerConflictError, LedgerRefusedError, LedgerLostError):
            await connection.value("make_months")
    finally:
        await connection.close()


async def cosign(ledger: LedgerSettings, keys: KeySettings, settings: CheckpointSettings) -> Answer:
    """Witness the newest checkpoint and new seals: verify them and the ledger, and sign with one's own key.

    The ledger must only have grown since the checkpoint that was signed last: that one still holds, too. What
    has left must have been signed before it did: only so is it known that it was what it was.

    Raises:
        PinctlError: a file is missing.
    """
    if settings.checkpoint_log is None or settings.cosigned_log is None:
        raise PinctlError("PIN_CHECKPOINT_LOG and PIN_COSIGNED_LOG: both are needed to witness a checkpoint")
    own = Keys(keys.keys_dir)
    newest = max(read_log(settings.checkpoint_log), key=lambda one: one.at)
    before = last_checkpoint(settings.cosigned_log, COSIGNED)
    last = [before] if before else []
    seals = read_seals(settings.checkpoint_log, settings.cosigned_log)
    unsigned = [one for one in seals.seals if seals.cosigned_of(one.month) is None]
    later = not last or last[0].at < newest.at
    if not later and not unsigned:
        return Answer(f"Nothing is newer than {instant(last[0].at)}, which was signed already.")
    key = own.signing(COSIGNER)
    cosigners = _verifying(own, COSIGNER, key)
    months = MonthWitnesses(seals, own.verifying(), cosigners, demanded=bool(last))
    witnesses = Witnesses([newest], last, own.verifying(), cosigners, months=months)
    audit = await audited(ledger, None, witnesses.instants(), [one.month for one in unsigned])
    answer = verdict(audit, witnesses)
    if answer.status != OK:
        return answer
    logs.configure("pinctl", "info")
    log = logs.get()
    for seal in unsigned:
        witnessed = seal.cosigned(key)
        append(settings.cosigned_log, witnessed)
        log.info(SEAL_COSIGNED, **witnessed.fields())
    if later:
        made = newest.cosigned(key)
        append(settings.cosigned_log, made)
        log.info(COSIGNED, **made.fields())
    return Answer("")


def _verifying(keys: Keys, name: str, key: SigningKey) -> Sequence[VerifyKey]:
    """Return the keys that verify what this key, and earlier ones of its name, signed."""
    listed = keys.verifying(name) if (keys.folder / f"{name}.pub").exists() else ()
    return (key.verify_key, *(one for one in listed if one != key.verify_key))


async def _root(settings: LedgerSettings, at: datetime) -> Root:
    root = Root()
    ledger = await Ledger.open(settings.ledger_dsn.reveal(), "pinctl")
    try:
        async with ledger.snapshot():
            async for row in ledger.stream("checkpoint_heads", at):
                root.add(*row)
    finally:
        await ledger.close()
    return root
