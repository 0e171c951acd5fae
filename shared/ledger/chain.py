"""The hash chain of a citizen's entries: each entry's hash covers the one before it."""

import hashlib
from datetime import UTC, datetime, timedelta
from uuid import UUID

GENESIS = bytes(32)
"""The hash that the first entry of every chain follows."""

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
) -> bytes:
    """Return the SHA-256 (32 bytes) of an entry, given the hash of the one before it.

    Fields are joined by the unit separator, which none of them can contain.
    """
    fields = (
        subject.hex(),
        str(seq),
        str((at - _EPOCH) // _MICROSECOND),
        kind,
        str(message_id or ""),
        actor,
        correlation_id,
        data,
    )
    return hashlib.sha256(head + "\x1f".join(fields).encode()).digest()
