"""Seals documents of letters to the print provider's key: whoever carries the spool reads no letter.

The format is in `docs/deliveries.md`; `docs/examples/open_letters.py` opens it.
"""

import base64
import hashlib
from collections.abc import Iterator

from nacl import bindings
from nacl.public import PublicKey, SealedBox
from nacl.utils import random

MAGIC = b"PIN-LETTERS-1\n"
"""The first bytes of every sealed document."""
CHUNK = 64 * 1024
"""Bytes of the document in each chunk; the last has fewer, or none."""


class LetterSeal:
    """Seals to one X25519 public key."""

    def __init__(self, public: bytes) -> None:
        self._box = SealedBox(PublicKey(public))
        self.fingerprint = hashlib.sha256(public).hexdigest()[:16]
        """Names the key in the manifest: the beginning of its SHA-256."""

    def seal(self, document: bytes) -> bytes:
        """Return a document sealed under a key of its own, which is sealed to the provider."""
        key = random(bindings.crypto_secretstream_xchacha20poly1305_KEYBYTES)
        state = bindings.crypto_secretstream_xchacha20poly1305_state()
        header = bindings.crypto_secretstream_xchacha20poly1305_init_push(state, key)
        chunks = [
            bindings.crypto_secretstream_xchacha20poly1305_push(state, chunk, None, tag)
            for chunk, tag in _chunks(document)
        ]
        return b"".join((MAGIC, self._box.encrypt(key), header, *chunks))


def _chunks(document: bytes) -> Iterator[tuple[bytes, int]]:
    """Yield the chunks, each with its tag: by the last one's tag a reader knows that nothing is missing."""
    last = len(document) - len(document) % CHUNK
    for start in range(0, last, CHUNK):
        yield document[start : start + CHUNK], bindings.crypto_secretstream_xchacha20poly1305_TAG_MESSAGE
    yield document[last:], bindings.crypto_secretstream_xchacha20poly1305_TAG_FINAL


def seal_to(text: str) -> LetterSeal | None:
    """Return the seal to a public key (base64), or None for an empty text."""
    return LetterSeal(base64.b64decode(text)) if text else None
