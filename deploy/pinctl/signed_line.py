"""Lines of the log of checkpoints: each a statement that is signed, and by choice by a second witness."""

import base64
import binascii
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import ClassVar, Self

from nacl.exceptions import CryptoError
from nacl.signing import SigningKey, VerifyKey

from shared.crypto.generations import key_id


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedLine:
    """A statement and its signature.

    Attributes:
        signature: Ed25519 in base64, over `statement`.
        key: the id of the key that signed it; empty in those of earlier releases.
    """

    signature: str = ""
    key: str = ""

    @property
    def statement(self) -> bytes:
        """The signed text: the line's name, then one line per field."""
        raise NotImplementedError

    def signed(self, key: SigningKey) -> Self:
        """Return the line with its signature."""
        own = key_id(bytes(key.verify_key))
        return replace(self, signature=_signature(key, self.statement), key=own)

    def is_from(self, keys: Iterable[VerifyKey]) -> bool:
        """Return whether the signature is one of these keys' over these fields."""
        return any(_verifies(key, self.statement, self.signature) for key in keys)


@dataclass(frozen=True, slots=True, kw_only=True)
class WitnessedLine(SignedLine):
    """A statement that a second witness may vouch for.

    Attributes:
        cosignature: the second witness's, over `witnessed`; empty where there is none.
    """

    cosigned_as: ClassVar[str]
    """The name of the line by which a second witness vouches for it."""

    cosignature: str = ""

    @property
    def witnessed(self) -> bytes:
        """What the second witness signs: the statement and its signature, under another name."""
        return f"{self.cosigned_as}\n{self.signature}\n".encode() + self.statement

    def cosigned(self, key: SigningKey) -> Self:
        """Return the line with the signature of a second witness beside its own."""
        return replace(self, cosignature=_signature(key, self.witnessed))

    def is_cosigned_by(self, keys: Iterable[VerifyKey]) -> bool:
        """Return whether the second signature is one of these keys' over the fields and first signature."""
        return any(_verifies(key, self.witnessed, self.cosignature) for key in keys)


def _signature(key: SigningKey, statement: bytes) -> str:
    return base64.b64encode(key.sign(statement).signature).decode()


def _verifies(key: VerifyKey, statement: bytes, signed: str) -> bool:
    try:
        key.verify(statement, base64.b64decode(signed, validate=True))
    except (CryptoError, binascii.Error, ValueError):
        return False
    return True
