"""Sealing: who may open what.

Secrets in commands, replies and deliveries travel in libsodium sealed boxes; the state of an account
rests under AES-256-GCM, bound to its subject and version. The keys are files in one folder, of which
every process is given only those that it needs.
"""

import base64
import binascii
import hashlib
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from nacl.exceptions import CryptoError
from nacl.public import PrivateKey, PublicKey, SealedBox
from nacl.signing import SigningKey, VerifyKey

from shared.channels import CHANNELS, Channel
from shared.secret import Secret

BOXES = ("issuer", "revoker", "dispositivo", *(channel.key for channel in CHANNELS))
"""Who has an X25519 key pair: `<name>.key` and `<name>.pub`, base64."""
SYMMETRIC = ("subject", "account", "pepper")
"""The 32-byte keys, base64: pseudonyms, sealed accounts, verifiers."""
CHECKPOINT = "checkpoint"
"""The Ed25519 pair that signs the checkpoints over the ledger."""

_NONCE = 12


class KeyFault(Exception):  # noqa: N818 - reads as what it says
    """A key is missing or is no key: put the right file into the keys folder and start again."""


class Unsealable(Exception):  # noqa: N818 - reads as what it says
    """What should be sealed for us is not: a wrong key, a cut text, or a row moved to another place."""


@dataclass(frozen=True, slots=True)
class Keys:
    """A folder of keys, read one by one when asked for."""

    folder: Path

    def symmetric(self, name: str) -> bytes:
        """Return a 32-byte key.

        Raises:
            KeyFault: the file is not there or does not hold 32 bytes of base64.
        """
        return self._read(f"{name}.key")

    def public(self, name: str) -> bytes:
        """Return an X25519 or Ed25519 public key, as 32 raw bytes."""
        return self._read(f"{name}.pub")

    def of_channels(self, channels: Iterable[Channel]) -> dict[str, bytes]:
        """Return the public key of each channel, by the channel's name."""
        return {channel.name: self.public(channel.key) for channel in channels}

    def private(self, name: str) -> PrivateKey:
        """Return an X25519 private key."""
        return PrivateKey(self._read(f"{name}.key"))

    def signing(self) -> SigningKey:
        """Return the key that signs checkpoints."""
        return SigningKey(self._read(f"{CHECKPOINT}.key"))

    def verifying(self) -> VerifyKey:
        """Return the key that checkpoints are verified with."""
        return VerifyKey(self._read(f"{CHECKPOINT}.pub"))

    def _read(self, name: str) -> bytes:
        try:
            key = base64.b64decode((self.folder / name).read_text(encoding="ascii").strip(), validate=True)
        except (OSError, ValueError) as error:
            raise KeyFault(f"{name}: {error}") from None
        if len(key) != 32:  # noqa: PLR2004 - every key here has 256 bits
            raise KeyFault(f"{name}: {len(key)} bytes, not 32")
        return key


def make_keys(folder: Path) -> list[str]:
    """Make the keys that are missing in a folder, never replacing one; return the names made."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    made = [_make_pair(folder, name, _x25519) for name in BOXES]
    made.append(_make_pair(folder, CHECKPOINT, _ed25519))
    made.extend(_make(folder / f"{name}.key", os.urandom(32), 0o600) for name in SYMMETRIC)
    return [name for name in made if name]


def _x25519() -> tuple[bytes, bytes]:
    key = PrivateKey.generate()
    return bytes(key), bytes(key.public_key)


def _ed25519() -> tuple[bytes, bytes]:
    key = SigningKey.generate()
    return bytes(key), bytes(key.verify_key)


def _make_pair(folder: Path, name: str, generate: Callable[[], tuple[bytes, bytes]]) -> str:
    if (folder / f"{name}.key").exists():
        return ""
    private, public = generate()
    _make(folder / f"{name}.pub", public, 0o644)
    return _make(folder / f"{name}.key", private, 0o600)


def _make(path: Path, key: bytes, mode: int) -> str:
    try:
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    except FileExistsError:
        return ""
    with os.fdopen(file, "w", encoding="ascii") as out:
        out.write(base64.b64encode(key).decode() + "\n")
    return path.name


@dataclass(frozen=True, slots=True)
class Pseudonyms:
    """Turns a codice fiscale into the subject: a keyed hash, the same everywhere, readable nowhere."""

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
            ValueError: the key is not one.
        """
        return seal_to(base64.b64decode(key, validate=True), secret)


def seal_to(public: bytes, secret: Secret) -> str:
    """Seal a secret to a raw X25519 public key; returns standard base64."""
    box = SealedBox(PublicKey(public))
    return base64.b64encode(box.encrypt(secret.reveal().encode())).decode()


class StateSeal:
    """AES-256-GCM over what rests in the ledger, bound to the place where it rests."""

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)

    def seal(self, plain: bytes, place: bytes) -> bytes:
        """Seal bytes to a place (subject and version of a row, say)."""
        nonce = os.urandom(_NONCE)
        return nonce + self._cipher.encrypt(nonce, plain, place)

    def open(self, sealed: bytes, place: bytes) -> bytes:
        """Open what was sealed to this place.

        Raises:
            Unsealable: it was not.
        """
        try:
            return self._cipher.decrypt(sealed[:_NONCE], sealed[_NONCE:], place)
        except (InvalidTag, ValueError):
            raise Unsealable("sealed to another place or with another key") from None


class BundleSeal:
    """Seals the deliveries of one bundle to one channel.

    The bundle's own key goes to the channel in a sealed box, once; every delivery has a seal of its own
    under that key, bound to its id. That is one elliptic-curve operation a bundle in place of one a
    delivery, and no process but the channel can open any of them.
    """

    def __init__(self, channel: bytes) -> None:
        key = os.urandom(32)
        self.key = base64.b64encode(SealedBox(PublicKey(channel)).encrypt(key)).decode()
        self._cipher = StateSeal(key)

    def seal(self, content: bytes, delivery: bytes) -> str:
        """Seal one delivery's content to its id (16 bytes); returns base64."""
        return base64.b64encode(self._cipher.seal(content, delivery)).decode()


class BundleOpener:
    """What a channel opens its bundles with."""

    def __init__(self, key: PrivateKey) -> None:
        self._box = SealedBox(key)

    def open(self, key: str) -> Callable[[str, bytes], bytes]:
        """Open a bundle's key; returns the function that opens one delivery, given its seal and id.

        Raises:
            Unsealable: the bundle is not for this channel; the function raises it for one delivery.
        """
        try:
            cipher = StateSeal(self._box.decrypt(base64.b64decode(key, validate=True)))
        except (CryptoError, ValueError):
            raise Unsealable("the bundle is not sealed to this channel") from None

        def open_one(seal: str, delivery: bytes) -> bytes:
            try:
                return cipher.open(base64.b64decode(seal, validate=True), delivery)
            except binascii.Error:
                raise Unsealable("not base64") from None

        return open_one
