"""Whether a command bears the signature that its sender owes."""

from datetime import datetime, timedelta

from shared.broker.message import Arrived
from shared.crypto.keys import SIGNERS
from shared.crypto.signing import Signed, signed_when
from shared.worker.settings import WorkerSettings

CLOCKS_APART = timedelta(minutes=5)
"""How far ahead of ours a sender's clock may be."""


def fault_of_signature(
    arrived: Arrived, correlation_id: str, settings: WorkerSettings, now: datetime
) -> str | None:
    """Return why the signature of a message is refused, or None.

    A user whose keys are known signs every command, so that nobody else speaks in its name; no other is
    held to it, unless the setting holds all. Messages of workers to workers are not signed: the broker
    vouches for them. The age of a signature is counted to now, not to its arrival, which only the broker
    knows: a command may have waited for a worker, or for an operator in `pin.dead`. But it must be younger
    than what the inbox remembers, or it could take effect twice.
    """
    if arrived.user_id in SIGNERS:
        return None
    if arrived.user_id not in settings.sender_keys.of:
        return "not_signed" if settings.require_signed_commands else None
    if not arrived.signature:
        return "not_signed"
    signed = Signed(
        type=arrived.type,
        message_id=arrived.message_id,
        correlation_id=correlation_id,
        user_id=arrived.user_id,
        addressee=arrived.reply_to,
        body=arrived.body,
    )
    at = signed_when(arrived.signed_at)
    if at is None or not settings.sender_keys.verify(signed, arrived.signature, arrived.signed_at):
        return "bad_signature"
    oldest = now - min(settings.signature_window, settings.inbox_retention)
    return None if oldest <= at <= now + CLOCKS_APART else "stale_signature"
