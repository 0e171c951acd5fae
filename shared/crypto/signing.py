"""Signatures on messages: Ed25519 (RFC 8032) over the exact bytes, with id, time and addressee.

What is signed is the line `pin-online signature v1` (with its line feed) and then, each preceded by its
length in bytes (4, big-endian): `type`, `message_id`, `correlation_id` (the `message_id` if a command has
none), `user_id`, the addressee, the text of `x-signed-at`, the body. The addressee of a command is its
`reply_to`, of a reply the queue that it goes to; an event has an empty one. A name of direct reply-to
counts as `amq.rabbitmq.reply-to`, as the broker rewrites it. The signature stands in the AMQP headers, with
the instant (RFC 3339, UTC) and the id of the key.
"""

import base64
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Self

from nacl.exceptions import CryptoError
from nacl.signing import SigningKey, VerifyKey

from shared.contract.instants import rfc3339

SIGNATURE, SIGNED_AT, KEY_ID = "x-signature", "x-signed-at", "x-key-id"
HEADERS = (SIGNATURE, SIGNED_AT, KEY_ID)
"""The AMQP headers of a signature."""
LONGEST_HEADER = 128
"""Characters of each that are read; a signature has 88."""
_PREFIX = b"pin-online signature v1\n"
_DIRECT = "amq.rabbitmq.reply-to"
_INSTANT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,6})?Z", re.ASCII)


@dataclass(frozen=True, slots=True)
class Signed:
    """What a signature covers, beside the time."""

    type: str
    message_id: str
    correlation_id: str
    user_id: str
    addressee: str
    body: bytes

    def bytes_at(self, signed_at: str) -> bytes:
        """Return the bytes that are signed at an instant."""
        to = _DIRECT if self.addressee.startswith(_DIRECT) else self.addressee
        texts = (self.type, self.message_id, self.correlation_id, self.user_id, to, signed_at)
        parts = (*(text.encode() for text in texts), self.body)
        return _PREFIX + b"".join(len(part).to_bytes(4) + part for part in parts)


def key_id(key: VerifyKey) -> str:
    """Return the id of a public key: 16 hexadecimal characters of its SHA-256."""
    return hashlib.sha256(bytes(key)).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Signer:
    """Signs the messages of one worker: some 30 µs each."""

    key: SigningKey
    id: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "id", key_id(self.key.verify_key))

    def headers(self, signed: Signed, now: datetime) -> dict[str, str]:
        """Return the AMQP headers that sign a message."""
        at = rfc3339(now)
        signature = self.key.sign(signed.bytes_at(at)).signature
        return {SIGNATURE: base64.b64encode(signature).decode(), SIGNED_AT: at, KEY_ID: self.id}


def signed_when(text: str) -> datetime | None:
    """Return the instant of a header `x-signed-at`, or None if it is none in UTC."""
    try:
        return datetime.fromisoformat(text).astimezone(UTC) if _INSTANT.fullmatch(text) else None
    except ValueError:
        return None


@dataclass(frozen=True, slots=True)
class SenderKeys:
    """The public keys of broker users outside: none for most of them, two while one is changed."""

    of: Mapping[str, tuple[VerifyKey, ...]] = field(default_factory=dict)

    @classmethod
    def read(cls, text: str) -> Self:
        """Read `user:key` pairs, separated by commas or spaces; the key is base64.

        Raises:
            ValueError: one is not such a pair.
        """
        keys: dict[str, tuple[VerifyKey, ...]] = {}
        for pair in text.replace(",", " ").split():
            user, _, key = pair.partition(":")
            try:
                keys[user] = (*keys.get(user, ()), VerifyKey(base64.b64decode(key, validate=True)))
            except (ValueError, TypeError, CryptoError):
                raise ValueError(f"{user}: no Ed25519 public key of 32 bytes in base64") from None
        return cls(keys)

    def __str__(self) -> str:
        return " ".join(
            f"{user}:{base64.b64encode(bytes(key)).decode()}"
            for user, keys in self.of.items()
            for key in keys
        )

    def verify(self, signed: Signed, signature: str, signed_at: str) -> bool:
        """Return whether one of the sender's keys made this signature, over these bytes and this time."""
        try:
            raw, over = base64.b64decode(signature, validate=True), signed.bytes_at(signed_at)
        except ValueError:
            return False
        return any(_made(key, over, raw) for key in self.of.get(signed.user_id, ()))


def _made(key: VerifyKey, over: bytes, signature: bytes) -> bool:
    try:
        key.verify(over, signature)
    except (CryptoError, ValueError):
        return False
    return True
