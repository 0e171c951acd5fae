"""`pinctl ledger checkpoint` and `cosign`: make a checkpoint, and witness it with a second key."""

from collections.abc import Sequence
from datetime import UTC, datetime

from nacl.signing import SigningKey, VerifyKey

from deploy.errors import PinctlError
from deploy.pinctl.answer import ATTENTION, OK, Answer
from deploy.pinctl.audit import audited, refuted_text, verdict
from deploy.pinctl.checkpoints import COSIGNED, EVENT, Checkpoint, Root, append, faults
from deploy.pinctl.settings import CheckpointSettings, KeySettings, LedgerSettings
from deploy.pinctl.tables import instant
from deploy.pinctl.witnesses import Witnesses, read_log
from shared.config import logs
from shared.crypto.keys import CHECKPOINT, COSIGNER, Keys
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
    logs.configure("pinctl", "info")
    logs.get("pinctl").info(EVENT, **made.fields())
    if settings.checkpoint_log:
        append(settings.checkpoint_log, made)
    return Answer("\n".join(refuted_text(1, refuted)), status=ATTENTION) if refuted else Answer("")


async def _last_refuted(
    ledger: LedgerSettings, settings: CheckpointSettings, keys: Sequence[VerifyKey]
) -> Sequence[tuple[Checkpoint, Sequence[str]]]:
    if settings.checkpoint_log is None or not settings.checkpoint_log.exists():
        return ()
    last = max(read_log(settings.checkpoint_log), key=lambda one: one.at)
    said = faults(last, (await _root(ledger, last.at)).at(last.at), keys)
    return [(last, said)] if said else ()


async def cosign(ledger: LedgerSettings, keys: KeySettings, settings: CheckpointSettings) -> Answer:
    """Witness the newest checkpoint: verify it and the ledger, and sign it with a key of one's own.

    It must be of a ledger that only grew since the one that was signed last: that one still holds, too.

    Raises:
        PinctlError: a file is missing.
    """
    if settings.checkpoint_log is None or settings.cosigned_log is None:
        raise PinctlError("PIN_CHECKPOINT_LOG and PIN_COSIGNED_LOG: both are needed to witness a checkpoint")
    own = Keys(keys.keys_dir)
    newest = max(read_log(settings.checkpoint_log), key=lambda one: one.at)
    before = read_log(settings.cosigned_log, COSIGNED) if settings.cosigned_log.exists() else []
    last = sorted(before, key=lambda one: one.at)[-1:]
    if last and last[0].at >= newest.at:
        return Answer(f"Nothing is newer than {instant(last[0].at)}, which was signed already.")
    key = own.signing(COSIGNER)
    witnesses = Witnesses([newest], last, own.verifying(), _verifying(own, COSIGNER, key))
    audit = await audited(ledger, None, witnesses.instants())
    answer = verdict(audit, witnesses)
    if answer.status != OK:
        return answer
    made = newest.cosigned(key)
    append(settings.cosigned_log, made)
    logs.configure("pinctl", "info")
    logs.get("pinctl").info(COSIGNED, **made.fields())
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
