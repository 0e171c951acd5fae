"""Sealing: encryption that only the intended process can open.

Secrets in commands, replies and deliveries travel in libsodium sealed boxes; the state of an account
is stored under AES-256-GCM, bound to its subject and version. The keys are files in one folder; each
process gets only those that it needs. Of a key that is being changed it has several generations.
"""

import base64
import binascii
import hashlib
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from nacl.exceptions import CryptoError
from nacl.public import PrivateKey, PublicKey, SealedBox

from shared.crypto.generations import Generations, key_id
from shared.crypto.secret import Secret
from shared.errors import UnsealableError

_Boxes = Mapping[str, SealedBox[PrivateKey]]
"""The sealed boxes of a key's generations, by key id, in the order in which to try them."""
_NONCE = 12
_FORM = b"\x01"
"""The first byte of a seal that names its key. Seals of earlier releases begin with their nonce."""
_MARK = 5
"""Bytes of form and key id."""


@dataclass(frozen=True, slots=True)
class Pseudonyms:
    """Turns a codice fiscale into the subject: a keyed hash, the same in every process, irreversible.

    Its key is the only one that never changes: all rows about a citizen, and hashes of entries, have it.
    """

    key: bytes | Generations

    def of(self, codice_fiscale: str) -> bytes:
        """Return the 16-byte subject of a canonical codice fiscale."""
        return hashlib.blake2b(
            codice_fiscale.encode(), key=Generations.of(self.key).current, digest_size=16, person=b"subject"
        ).digest()


class ServiceBox:
    """The sealed boxes of one service (libsodium `crypto_box_seal`, standard base64).

    Args:
        key: of the service.
        earlier: called with the id of an earlier key, and who sealed to it, when something is sealed to that.
    """

    def __init__(
        self, key: PrivateKey | Generations, earlier: Callable[[str, str], None] = lambda *_: None
    ) -> None:
        self._boxes, self._earlier = _boxes(key), earlier
        self._outdated = () if isinstance(key, PrivateKey) else tuple(_id_of(one.key) for one in key.previous)

    def open(self, sealed: str, user: str = "") -> Secret | None:
        """Return what is inside, or None when it was not sealed to this service; `user` is who sealed it."""
        try:
            opened, known = _first_opened(self._boxes, base64.b64decode(sealed, validate=True))
            if known in self._outdated:
                self._earlier(known, user)
            return Secret(opened.decode())
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


def _id_of(private: bytes) -> str:
    return key_id(bytes(PrivateKey(private).public_key))


def _boxes(key: PrivateKey | Generations) -> _Boxes:
    keys = (bytes(key),) if isinstance(key, PrivateKey) else key.every
    return {_id_of(one): SealedBox(PrivateKey(one)) for one in keys}


def _first_opened(boxes: _Boxes, sealed: bytes) -> tuple[bytes, str]:
    """Open a box with the first key that fits: a box does not name its key, and a try costs 60 µs.

    Raises:
        CryptoError, ValueError: none fits.
    """
    for known, box in boxes.items():
        with suppress(CryptoError):
            return bytes(box.decrypt(sealed)), known
    raise CryptoError("sealed to another key")


def mark_of(key: bytes) -> bytes:
    """Return the first bytes of whatever is sealed with a key: form and id."""
    return _FORM + bytes.fromhex(key_id(key))


class StateSeal:
    """AES-256-GCM for data stored in the ledger, bound to the place where they are stored.

    A seal names its key: form (one byte), key id (4), nonce (12), ciphertext and tag. Form and id are
    authenticated too. One of an earlier release has neither: it is opened with the key that fits.
    """

    def __init__(self, key: bytes | Generations) -> None:
        generations = Generations.of(key)
        self._ciphers = {mark_of(one): AESGCM(one) for one in generations.every}
        self._mark = mark_of(generations.current)
        self._cipher = self._ciphers[self._mark]
        self.outdated = bool(generations.previous)
        """Whether anything may still be sealed with an earlier key."""
        self.up_to_date = [mark_of(one) for one in (generations.current, generations.coming) if one]
        """How all that is sealed with the current or next key begins."""

    def seal(self, plain: bytes, place: bytes) -> bytes:
        """Seal bytes to a place, such as the subject and version of a row."""
        return self._mark + _sealed(self._cipher, plain, self._mark + place)

    def open(self, sealed: bytes, place: bytes) -> bytes:
        """Open what was sealed to this place.

        Raises:
            UnsealableError: it was sealed to another place or with another key.
        """
        mark = sealed[:_MARK]
        if named := self._ciphers.get(mark):
            try:
                return _opened(named, sealed[_MARK:], mark + place)
            except UnsealableError:
                pass  # it may be of an earlier release: a nonce can look like a mark
        for cipher in self._ciphers.values():
            with suppress(UnsealableError):
                return _opened(cipher, sealed, place)
        raise UnsealableError("sealed to another place or with another key")


def _sealed(cipher: AESGCM, plain: bytes, place: bytes) -> bytes:
    nonce = os.urandom(_NONCE)
    return nonce + cipher.encrypt(nonce, plain, place)


def _opened(cipher: AESGCM, sealed: bytes, place: bytes) -> bytes:
    try:
        return cipher.decrypt(sealed[:_NONCE], sealed[_NONCE:], place)
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
        self.key_id = key_id(channel)
        """Which of the channel's keys it is sealed to."""
        self._cipher = AESGCM(key)

    def seal(self, content: bytes, delivery: bytes) -> str:
        """Seal one delivery's content to its id (16 bytes); returns base64."""
        return base64.b64encode(_sealed(self._cipher, content, delivery)).decode()


class BundleOpener:
    """Opens the bundles of one channel."""

    def __init__(self, key: PrivateKey | Generations) -> None:
        self._boxes = _boxes(key)

    def open(self, key: str, named: str = "") -> Callable[[str, bytes], bytes]:
        """Open a bundle's key; returns the function that opens one delivery, given its seal and id.

        Args:
            key: of the bundle, sealed.
            named: the id of the channel's key that it is sealed to; empty in bundles of earlier releases.

        Raises:
            UnsealableError: the bundle is not for this channel; the function raises it for one delivery.
        """
        boxes = {named: self._boxes[named]} if named in self._boxes else self._boxes
        try:
            opened, _ = _first_opened(boxes, base64.b64decode(key, validate=True))
            cipher = AESGCM(opened)
        except (CryptoError, ValueError):
            raise UnsealableError("the bundle is not sealed to this channel") from None

        def open_one(seal: str, delivery: bytes) -> bytes:
            try:
                return _opened(cipher, base64.b64decode(seal, validate=True), delivery)
            except binascii.Error:
                raise UnsealableError("not base64") from None

        return open_one
