"""The hash chain of a citizen's entries: each entry's hash covers the one before it."""

import hashlib
from datetime import UTC, datetime, timedelta
from uuid import UUID

GENESIS = bytes(32)
"""The hash that the first entry of every chain follows."""

_FORM = "2"
"""The first field of an entry that says who wrote it. In an older one that is the subject."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def link(  # noqa: PLR0913, PLR0917 - the columns of an entry
    head: bytes,
    subject: bytes,
    seq: int,
    at: datetime,
    kind: str,
    message_id: UUID | None,
    actor: str,
    correlation_id: str,
    data: str,
    writer: str | None = None,
    account: bytes | None = None,
) -> bytes:
    """Return the SHA-256 (32 bytes) of an entry, given the hash of the one before it.

    Fields are joined by the unit separator, which none of them can contain. The function `entry_hash` of the
    ledger does the same, and lets nobody append an entry with another hash.

    Args:
        head: the hash of the entry before, or `GENESIS`.
        subject: 16 bytes.
        seq: from 1.
        at: to the microsecond.
        kind: what happened.
        message_id: of the message that caused it.
        actor: who sent that.
        correlation_id: of the message, or of what the entry is about.
        data: JSON.
        writer: the role that wrote it; None for an entry from before this was recorded, whose hash covers
            neither it nor `account`. The number of the form begins a newer one, so that none is both.
        account: the digest of the citizen's account as of this entry, if that changed with it.
    """
    fields: tuple[str, ...] = (
        subject.hex(),
        str(seq),
        str((at - _EPOCH) // _MICROSECOND),
        kind,
        str(message_id or ""),
        actor,
        correlation_id,
        data,
    )
    if writer is not None:
        fields = (_FORM, *fields, writer, account.hex() if account else "")
    return hashlib.sha256(head + "\x1f".join(fields).encode()).digest()
