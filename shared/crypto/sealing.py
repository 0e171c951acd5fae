"""Sealing: encryption that only the intended process can open.

Secrets in commands, replies and deliveries travel in libsodium sealed boxes; the state of an account
is stored under AES-256-GCM, bound to its subject and version. The keys are files in one folder; each
process gets only those that it needs.
"""

import base64
import binascii
import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from nacl.exceptions import CryptoError
from nacl.public import PrivateKey, PublicKey, SealedBox

from shared.crypto.secret import Secret
from shared.errors import UnsealableError

_NONCE = 12


@dataclass(frozen=True, slots=True)
class Pseudonyms:
    """Turns a codice fiscale into the subject: a keyed hash, the same in every process, irreversible."""

    key: bytes

    def of(self, codice_fiscale: str) -> bytes:
        """Return the 16-byte subject of a canonical codice fiscale."""
        return hashlib.blake2b(
            codice_fiscale.encode(), key=self.key, digest_size=16, person=b"subject"
        ).digest()


class ServiceBox:
    """The sealed boxes of one service (libsodium `crypto_box_seal`, standard base64)."""

    def __init__(self, key: PrivateKey) -> None:
        self._box = SealedBox(key)

    def open(self, sealed: str) -> Secret | None:
        """Return what is inside, or None when it was not sealed to this service."""
        try:
            return Secret(self._box.decrypt(base64.b64decode(sealed, validate=True)).decode())
        except (CryptoError, binascii.Error, ValueError):
            return None

    def seal(self, secret: Secret, key: str) -> str:
        """Seal a secret to an X25519 public key (base64).

        Raises:
            ValueError: the key is not valid.
        """
        return seal_to(base64.b64decode(key, validate=True), secret)


def seal_to(public: bytes, secret: Secret) -> str:
    """Seal a secret to a raw X25519 public key; returns standard base64."""
    box = SealedBox(PublicKey(public))
    return base64.b64encode(box.encrypt(secret.reveal().encode())).decode()


class StateSeal:
    """AES-256-GCM for data stored in the ledger, bound to the place where they are stored."""

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)

    def seal(self, plain: bytes, place: bytes) -> bytes:
        """Seal bytes to a place, such as the subject and version of a row."""
        nonce = os.urandom(_NONCE)
        return nonce + self._cipher.encrypt(nonce, plain, place)

    def open(self, sealed: bytes, place: bytes) -> bytes:
        """Open what was sealed to this place.

        Raises:
            UnsealableError: it was sealed to another place or with another key.
        """
        try:
            return self._cipher.decrypt(sealed[:_NONCE], sealed[_NONCE:], place)
        except (InvalidTag, ValueError):
            raise UnsealableError("sealed to another place or with another key") from None


class BundleSeal:
    """Seals the deliveries of one bundle to one channel.

    The bundle's own key goes to the channel once, in a sealed box; each delivery is sealed separately
    under that key, bound to its id. That takes one elliptic-curve operation a bundle, not one a delivery,
    and only the channel can open them.
    """

    def __init__(self, channel: bytes) -> None:
        key = os.urandom(32)
        self.key = base64.b64encode(SealedBox(PublicKey(channel)).encrypt(key)).decode()
        self._cipher = StateSeal(key)

    def seal(self, content: bytes, delivery: bytes) -> str:
        """Seal one delivery's content to its id (16 bytes); returns base64."""
        return base64.b64encode(self._cipher.seal(content, delivery)).decode()


class BundleOpener:
    """Opens the bundles of one channel."""

    def __init__(self, key: PrivateKey) -> None:
        self._box = SealedBox(key)

    def open(self, key: str) -> Callable[[str, bytes], bytes]:
        """Open a bundle's key; returns the function that opens one delivery, given its seal and id.

        Raises:
            UnsealableError: the bundle is not for this channel; the function raises it for one delivery.
        """
        try:
            cipher = StateSeal(self._box.decrypt(base64.b64decode(key, validate=True)))
        except (CryptoError, ValueError):
            raise UnsealableError("the bundle is not sealed to this channel") from None

        def open_one(seal: str, delivery: bytes) -> bytes:
            try:
                return cipher.open(base64.b64decode(seal, validate=True), delivery)
            except binascii.Error:
                raise UnsealableError("not base64") from None

        return open_one
