"""The keys: files in one folder; each process gets only those that it needs."""

import base64
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from nacl.public import PrivateKey
from nacl.signing import SigningKey, VerifyKey

from shared.contract.channels import CHANNELS, Channel
from shared.crypto.generations import Generations, key_id
from shared.errors import KeyFileError

BOXES = ("issuer", "revoker", "dispositivo", *(channel.key for channel in CHANNELS))
"""Who has an X25519 key pair: `<name>.key` and `<name>.pub`, base64."""


SYMMETRIC = ("subject", "account", "pepper")
"""The 32-byte keys, base64: pseudonyms, sealed accounts, verifiers."""


CHECKPOINT = "checkpoint"
"""The Ed25519 pair that signs the checkpoints over the ledger."""


@dataclass(frozen=True, slots=True)
class Keys:
    """A folder of keys, read one by one when asked for."""

    folder: Path

    def symmetric(self, name: str) -> Generations:
        """Return the generations of a 32-byte key.

        Raises:
            KeyFileError: the file is missing or does not hold 32 bytes of base64.
        """
        return self.generations(f"{name}.key")

    def public(self, name: str) -> bytes:
        """Return the X25519 public key to seal to, as 32 raw bytes."""
        return self.generations(f"{name}.pub").current

    def of_channels(self, channels: Iterable[Channel]) -> dict[str, bytes]:
        """Return the public key of each channel, by the channel's name."""
        return {channel.name: self.public(channel.key) for channel in channels}

    def private(self, name: str) -> Generations:
        """Return the generations of an X25519 private key, each of 32 raw bytes."""
        return self.generations(f"{name}.key")

    def signing(self) -> SigningKey:
        """Return the key that signs checkpoints."""
        return SigningKey(self.generations(f"{CHECKPOINT}.key").current)

    def verifying(self) -> tuple[VerifyKey, ...]:
        """Return the keys that checkpoints are verified with: the current one, and all others it lists."""
        return tuple(VerifyKey(key) for key in self.generations(f"{CHECKPOINT}.pub").every)

    def ids(self) -> dict[str, list[str]]:
        """Return the ids of our keys that are there, by file, the current one first."""
        names = (*BOXES, CHECKPOINT, *SYMMETRIC)
        there = [f"{name}.key" for name in names] + [f"{name}.pub" for name in names]
        return {file: self._ids(file) for file in there if (self.folder / file).exists()}

    def _ids(self, file: str) -> list[str]:
        known_by = [public_half(file.removesuffix(".key"), key) for key in self.generations(file).every]
        return [key_id(one) for one in known_by]

    def generations(self, name: str) -> Generations:
        """Return all keys in a file, such as `account.key`.

        Raises:
            KeyFileError: the file is missing or does not hold keys.
        """
        try:
            return Generations.parse((self.folder / name).read_text(encoding="ascii"))
        except (OSError, ValueError) as error:
            raise KeyFileError(f"{name}: {error}") from None


def public_half(name: str, key: bytes) -> bytes:
    """Return what a key is known by: the public half of a private one, else the key itself."""
    if name == CHECKPOINT:
        return bytes(SigningKey(key).verify_key)
    return bytes(PrivateKey(key).public_key) if name in BOXES else key


def make_keys(folder: Path) -> list[str]:
    """Generate the keys that are missing in a folder, never replacing one; return their names."""
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
