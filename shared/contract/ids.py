"""Ids that begin with their time: what is written together lies together in every index, however large."""

import secrets
from collections.abc import Callable
from datetime import UTC, datetime
from uuid import UUID


def timed_id(now: datetime, random: Callable[[int], bytes] = secrets.token_bytes) -> UUID:
    """Return a new id: the time in milliseconds, and 74 random bits (RFC 9562, version 7).

    Args:
        now: its time.
        random: cryptographic randomness, n bytes.
    """
    drawn = bytearray(int(now.timestamp() * 1000).to_bytes(6) + random(10))
    drawn[6] = 0x70 | drawn[6] & 0x0F
    drawn[8] = 0x80 | drawn[8] & 0x3F
    return UUID(bytes=bytes(drawn))


def new_message_id() -> str:
    """Return a new `message_id`, as the contract recommends it."""
    return str(timed_id(datetime.now(UTC)))
