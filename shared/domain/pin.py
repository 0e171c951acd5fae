"""The PIN itself: how it is generated, normalised and compared."""

import hashlib
import hmac
from collections.abc import Callable

from shared.crypto.generations import Generations, key_id
from shared.crypto.secret import Secret

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base 32: no I, L, O or U, so that nothing typed is ambiguous."""

_INITIAL, _LINK = b"pin-initial", b"link"
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


class Pepper:
    """The key of the verifiers, which is not in the ledger; while it is being changed, several generations.

    Whatever is made is made with the current one. What has 80 random bits or more is compared under each of
    them: that costs a fast hash. The eight characters name their pepper, as each comparison is slow.
    """

    def __init__(self, key: bytes | Generations) -> None:
        self._generations = Generations.of(key)
        self._named = {key_id(one): one for one in self._generations.every}
        self.name = key_id(self._generations.current)
        """The id of the current one."""

    def keyed(self, purpose: bytes, salt: bytes, secret: Secret, name: str | None = None) -> bytes:
        """Return the keyed hash (32 bytes, BLAKE2b) of a secret, distinct for each purpose.

        Args:
            purpose: what it is for, at most 16 bytes.
            salt: at most 16 bytes of it are used.
            secret: what is hashed.
            name: of the pepper to use; empty for the oldest, None for the current one. One that is gone gives
                a hash that nothing has.
        """
        match name:
            case None:
                key = self._generations.current
            case "":
                key = self._generations.oldest
            case _:
                key = self._named.get(name, self._generations.current)
        return _keyed(key, purpose, salt, secret)

    def outdated(self, name: str) -> bool:
        """Return whether a verifier under this pepper should be made anew under the current one."""
        return (name or key_id(self._generations.oldest)) in self._generations.outdated

    def initial(self, salt: bytes, pin: Secret) -> bytes:
        """Return the verifier of the 16 characters: 80 random bits, valid once, need no slow hash."""
        return self.keyed(_INITIAL, salt, pin)

    def tag(self, salt: bytes, half: Secret, name: str | None = None) -> bytes:
        """Return the tag of one half: enough to recognise who typed only that, too short to guess it from.

        Args:
            salt: of the PIN.
            half: of its 16 characters.
            name: of the pepper to use, as in `keyed`. A tag under any of them would fit too many others.
        """
        return tag_of(self.keyed(_INITIAL, salt, half, name))

    def opens(self, salt: bytes, verifier: bytes, pin: Secret) -> bool:
        """Return whether the verifier was made from these 16 characters."""
        return self._made(_INITIAL, salt, verifier, pin)

    def place(self, address: str) -> bytes:
        """Return the digest (16 bytes) under which messages to an address are counted."""
        return _place(self._generations.current, address)

    def places(self, address: str) -> tuple[bytes, ...]:
        """Return the digests under which messages to an address may have been counted: one per generation."""
        return tuple(_place(key, address) for key in self._generations.every)

    def link(self, token: Secret) -> bytes:
        """Return the digest under which the token of a confirming link is stored."""
        return self.keyed(_LINK, b"", token)

    def opens_link(self, digest: bytes, token: Secret) -> bool:
        """Return whether the digest is that of this token."""
        return self._made(_LINK, b"", digest, token)

    def _made(self, purpose: bytes, salt: bytes, verifier: bytes, secret: Secret) -> bool:
        # All are compared, for constant time.
        keys = self._generations.every
        return sum(hmac.compare_digest(_keyed(key, purpose, salt, secret), verifier) for key in keys) > 0


def _keyed(key: bytes, purpose: bytes, salt: bytes, secret: Secret) -> bytes:
    return hashlib.blake2b(
        secret.reveal().encode(), key=key, salt=salt[:16], person=purpose, digest_size=32
    ).digest()


def _place(key: bytes, address: str) -> bytes:
    return hashlib.blake2b(address.encode(), key=key, person=b"place", digest_size=16).digest()
