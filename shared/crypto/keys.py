"""The keys: files in one folder; each process gets only those that it needs."""

import base64
import os
import stat
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from nacl.public import PrivateKey
from nacl.signing import SigningKey, VerifyKey

from shared.contract.channels import CHANNELS, Channel
from shared.crypto.generations import Generations, key_id
from shared.errors import KeyFileError

SERVICES = ("issuer", "revoker", "dispositivo")
"""Whom portals may seal to."""
BOXES = (*SERVICES, *(channel.key for channel in CHANNELS))
"""Who has an X25519 key pair: `<name>.key` and `<name>.pub`, base64."""


SYMMETRIC = ("subject", "account", "pepper")
"""The 32-byte keys, base64: pseudonyms, sealed accounts, verifiers."""


PRIVATE = ".key"
"""The suffix of private and secret keys: nobody else may read their files."""
_NOT_OURS = stat.S_IRWXG | stat.S_IRWXO
_NOT_OUR_GROUP_S = stat.S_IWGRP | stat.S_IXGRP | stat.S_IRWXO


CHECKPOINT = "checkpoint"
"""The Ed25519 pair that signs the checkpoints over the ledger."""


SIGNERS = ("issuer", "notifier", "revoker", "dispositivo")
"""The workers, by their users on the broker: each signs with `<user>-signing.key`."""
ED25519 = (CHECKPOINT, *(f"{user}-signing" for user in SIGNERS))
"""Who has an Ed25519 key pair, beside the cosigner."""


COSIGNER = "cosigner"
"""The Ed25519 pair of a second witness, who holds it apart: it is made for itself, never with the others."""
SIGNING = (*ED25519, COSIGNER)
"""All whose private key signs, and whose public key is what others need for longer."""


@dataclass(frozen=True, slots=True)
class Keys:
    """A folder of keys, read one by one when asked for.

    Attributes:
        folder: where they are.
        ring: the files that may be read; None for all of them.
    """

    folder: Path
    ring: frozenset[str] | None = None

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

    def signing(self, name: str = CHECKPOINT) -> SigningKey:
        """Return an Ed25519 private key, by default the one that signs checkpoints."""
        return SigningKey(self.generations(f"{name}.key").current)

    def verifying(self, name: str = CHECKPOINT) -> tuple[VerifyKey, ...]:
        """Return the keys that verify checkpoints, or the witness's signatures, the current one first."""
        return tuple(VerifyKey(key) for key in self.generations(f"{name}.pub").every)

    def ids(self) -> dict[str, list[str]]:
        """Return the ids of our keys that are there, by file, the current one first."""
        names = (*BOXES, *SIGNING, *SYMMETRIC)
        ours = [file for half in ("key", "pub") for name in names if self._has(file := f"{name}.{half}")]
        return {file: self._ids(file) for file in ours}

    def _has(self, file: str) -> bool:
        return (self.ring is None or file in self.ring) and (self.folder / file).exists()

    def _ids(self, file: str) -> list[str]:
        known_by = [public_half(file.removesuffix(".key"), key) for key in self.generations(file).every]
        return [key_id(one) for one in known_by]

    def generations(self, name: str) -> Generations:
        """Return all keys in a file, such as `account.key`.

        Raises:
            KeyFileError: the file is missing, not on the ring, no key file, or may be read by others.
        """
        if self.ring is not None and name not in self.ring:
            raise KeyFileError(f"{name}: not on the ring of this process")
        try:
            path = self.folder / name
            return Generations.parse(
                private_text(path) if path.suffix == PRIVATE else path.read_text("ascii")
            )
        except (OSError, ValueError) as error:
            raise KeyFileError(f"{name}: {error}") from None


def public_half(name: str, key: bytes) -> bytes:
    """Return what a key is known by: the public half of a private one, else the key itself."""
    if name in SIGNING:
        return bytes(SigningKey(key).verify_key)
    return bytes(PrivateKey(key).public_key) if name in BOXES else key


def private_text(path: Path) -> str:
    """Return the text of a file with a private key.

    Raises:
        KeyFileError: others than its owner, and the group that it was given to us by, may read or change it.
        OSError: it cannot be read.
    """
    with path.open(encoding="ascii") as file:
        state = os.fstat(file.fileno())
        # Our own file is ours alone. One that belongs to another, as those which Kubernetes mounts belong to
        # root, can reach us only by its group. Where only we can enter the folder, such as one that
        # `deploy.secrets` made, the group reads nothing.
        ours = state.st_uid == os.geteuid()
        lax = _NOT_OURS if ours and not _closed(path.parent) else _NOT_OUR_GROUP_S
        if state.st_mode & lax:
            mode = stat.S_IMODE(state.st_mode)
            raise KeyFileError(f"{path}: mode {mode:04o} lets others at the key: chmod {mode & ~lax:04o}")
        return file.read()


def _closed(folder: Path) -> bool:
    """Return whether a folder is ours, and nobody else can enter it."""
    state = folder.stat()
    return state.st_uid == os.geteuid() and not state.st_mode & (stat.S_IRWXG | stat.S_IRWXO)


def make_keys(folder: Path) -> list[str]:
    """Generate the keys that are missing in a folder, never replacing one; return their names."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    made = [_make_pair(folder, name, _x25519) for name in BOXES]
    made.extend(_make_pair(folder, name, _ed25519) for name in ED25519)
    made.extend(_make(folder / f"{name}.key", os.urandom(32), 0o600) for name in SYMMETRIC)
    return [name for name in made if name]


def make_signing_key(folder: Path, name: str) -> str:
    """Generate an Ed25519 pair, such as `portal-signing`; return an empty text if it is there."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return _make_pair(folder, name, _ed25519)


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
