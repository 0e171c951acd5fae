"""The PIN itself: how it is generated, normalised and compared."""

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass

from shared.crypto.secret import Secret

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base 32: no I, L, O or U, so that nothing typed is ambiguous."""

_DIGITS = frozenset("0123456789")
_TYPED = str.maketrans({"O": "0", "I": "1", "L": "1", " ": None, "-": None, "\u00a0": None, "\t": None})


def new_half(random: Callable[[int], bytes]) -> Secret:
    """Generate eight characters that can never be mistaken for a word.

    Draws of 40 random bits that give no digit are discarded (one in twenty): that costs 0.07 bit and lets
    a reader distinguish a half from any word.
    """
    while True:
        number = int.from_bytes(random(5))
        text = "".join(ALPHABET[number >> shift & 31] for shift in range(35, -5, -5))
        if not _DIGITS.isdisjoint(text):
            return Secret(text)


def normalised(typed: Secret) -> Secret:
    """Return the typed text in the form of a PIN: case, spaces, hyphens, O→0, I and L→1."""
    return Secret(typed.reveal().upper().translate(_TYPED))


TAG_BITS = 10
"""Bits kept of the hash of one half.

Who has the pepper and the ledger tries all 2^40 halves against a whole hash in minutes, and has the PIN half
by half. A tag leaves 2^30 of them, and so 2^60 PINs to try. With fewer bits, wrong input is taken for a half
more often than now, when two of 1,024 are.
"""


def tag_of(verifier: bytes) -> bytes:
    """Return the first `TAG_BITS` bits of a hash, in two bytes; of a tag, the tag."""
    return (int.from_bytes(verifier[:2]) >> 16 - TAG_BITS << 16 - TAG_BITS).to_bytes(2)


@dataclass(frozen=True, slots=True)
class Pepper:
    """The key of the verifiers, which is not in the ledger."""

    key: bytes

    def keyed(self, purpose: bytes, salt: bytes, secret: Secret) -> bytes:
        """Return the keyed hash (32 bytes, BLAKE2b) of a secret, distinct for each purpose."""
        return hashlib.blake2b(
            secret.reveal().encode(), key=self.key, salt=salt[:16], person=purpose, digest_size=32
        ).digest()

    def initial(self, salt: bytes, pin: Secret) -> bytes:
        """Return the verifier of the 16 characters: 80 random bits, valid once, need no slow hash."""
        return self.keyed(b"pin-initial", salt, pin)

    def tag(self, salt: bytes, half: Secret) -> bytes:
        """Return the tag of one half: enough to recognise who typed only that, too short to guess it from."""
        return tag_of(self.initial(salt, half))

    def opens(self, salt: bytes, verifier: bytes, pin: Secret) -> bool:
        """Return whether the verifier was made from these 16 characters."""
        return hmac.compare_digest(self.initial(salt, pin), verifier)

    def place(self, address: str) -> bytes:
        """Return the digest (16 bytes) under which messages to an address are counted."""
        return hashlib.blake2b(address.encode(), key=self.key, person=b"place", digest_size=16).digest()

    def link(self, token: Secret) -> bytes:
        """Return the digest under which the token of a confirming link is stored."""
        return self.keyed(b"link", b"", token)
