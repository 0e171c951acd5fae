"""The keys: files in one folder; each process gets only those that it needs."""

import base64
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from nacl.public import PrivateKey
from nacl.signing import SigningKey, VerifyKey

from shared.contract.channels import CHANNELS, Channel
from shared.errors import KeyFileError

BOXES = ("issuer", "revoker", "dispositivo", *(channel.key for channel in CHANNELS))
"""Who has an X25519 key pair: `<name>.key` and `<name>.pub`, base64."""


SYMMETRIC = ("subject", "account", "pepper")
"""The 32-byte keys, base64: pseudonyms, sealed accounts, verifiers."""


CHECKPOINT = "checkpoint"
"""The Ed25519 pair that signs the checkpoints over the ledger."""


COSIGNER = "cosigner"
"""The Ed25519 pair of a second witness, who holds it apart: it is made for itself, never with the others."""


@dataclass(frozen=True, slots=True)
class Keys:
    """A folder of keys, read one by one when asked for."""

    folder: Path

    def symmetric(self, name: str) -> bytes:
        """Return a 32-byte key.

        Raises:
            KeyFileError: the file is missing or does not hold 32 bytes of base64.
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

    def signing(self, name: str = CHECKPOINT) -> SigningKey:
        """Return the key that signs checkpoints, or the witness's."""
        return SigningKey(self._read(f"{name}.key"))

    def verifying(self, name: str = CHECKPOINT) -> VerifyKey:
        """Return the key that checkpoints, or the witness's signatures, are verified with."""
        return VerifyKey(self._read(f"{name}.pub"))

    def _read(self, name: str) -> bytes:
        try:
            key = base64.b64decode((self.folder / name).read_text(encoding="ascii").strip(), validate=True)
        except (OSError, ValueError) as error:
            raise KeyFileError(f"{name}: {error}") from None
        if len(key) != 32:  # noqa: PLR2004 - every key here has 256 bits
            raise KeyFileError(f"{name}: {len(key)} bytes, not 32")
        return key


def make_keys(folder: Path) -> list[str]:
    """Generate the keys that are missing in a folder, never replacing one; return their names."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    made = [_make_pair(folder, name, _x25519) for name in BOXES]
    made.append(_make_pair(folder, CHECKPOINT, _ed25519))
    made.extend(_make(folder / f"{name}.key", os.urandom(32), 0o600) for name in SYMMETRIC)
    return [name for name in made if name]


def make_cosigner(folder: Path) -> list[str]:
    """Generate the pair of a second witness, unless it is there; return its name."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    made = _make_pair(folder, COSIGNER, _ed25519)
    return [made] if made else []


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
