"""Generations of a key: one is used to write, all of them to read, so that a key can change under load.

A key file has one key a line, base64. The first line is the current key. Each other line states what its
key is: `KEY next` will take the place of the current one once every process can read with it; `KEY previous
TIME` was the current one until then, and is read with until nothing needs it any more.
"""

import base64
import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from shared.contract.instants import rfc3339

_BYTES = 32
_ID_BYTES = 4
_FINGERPRINT_BYTES = 8
_NEXT, _PREVIOUS = "next", "previous"


def fingerprint(key: bytes) -> str:
    """Return 64 bits of a hash of a key: enough to distinguish keys, not to recover one."""
    digest = hashlib.blake2b(key, digest_size=_FINGERPRINT_BYTES, person=b"fingerprint").digest()
    return digest.hex()


def key_id(key: bytes) -> str:
    """Return the name of a key in what is sealed or made with it: the first 32 bits of its fingerprint."""
    return fingerprint(key)[: 2 * _ID_BYTES]


@dataclass(frozen=True, slots=True)
class Previous:
    """A key that was current, and the instant at which another took its place."""

    key: bytes
    since: datetime


@dataclass(frozen=True, slots=True)
class Generations:
    """The keys of one kind that may be in use at the same time.

    Attributes:
        current: what is written with, unless a process has not been restarted since it became current.
        coming: the next one: some process may write with it already.
        previous: earlier ones, newest first.
    """

    current: bytes
    coming: bytes | None = None
    previous: tuple[Previous, ...] = ()

    @classmethod
    def of(cls, key: "bytes | Generations") -> "Generations":
        """Return a single key as the only generation."""
        return key if isinstance(key, Generations) else cls(key)

    @property
    def every(self) -> tuple[bytes, ...]:
        """All keys, in the order in which to try them."""
        coming = (self.coming,) if self.coming is not None else ()
        return (self.current, *coming, *(one.key for one in self.previous))

    @property
    def oldest(self) -> bytes:
        """The key of what names none: of what was made before keys had names."""
        return self.previous[-1].key if self.previous else self.current

    @property
    def outdated(self) -> frozenset[str]:
        """The ids of the keys that nothing should be sealed with any more."""
        return frozenset(key_id(one.key) for one in self.previous)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the generations in a key file.

        Raises:
            ValueError: a line is not a key of 32 bytes, or states something else.
        """
        first, *others = text.strip().splitlines() or [""]
        current, coming, previous = _key(first), None, []
        for line in others:
            match line.split():
                case [key, word] if word == _NEXT and coming is None:
                    coming = _key(key)
                case [key, word, since] if word == _PREVIOUS:
                    previous.append(Previous(_key(key), datetime.fromisoformat(since)))
                case _:
                    raise ValueError("a line that is neither `KEY next` nor `KEY previous TIME`")
        found = cls(current, coming, tuple(previous))
        if len(set(found.every)) != len(found.every):
            raise ValueError("one key twice")
        return found

    def text(self) -> str:
        """Return the content of the key file."""
        lines = [_text(self.current)]
        if self.coming is not None:
            lines.append(f"{_text(self.coming)} {_NEXT}")
        lines += [f"{_text(one.key)} {_PREVIOUS} {rfc3339(one.since)}" for one in self.previous]
        return "".join(f"{line}\n" for line in lines)

    def with_next(self, key: bytes) -> "Generations":
        """Return the generations with the key that will be the current one.

        Raises:
            ValueError: there is one already.
        """
        if self.coming is not None:
            raise ValueError("there is a next key already")
        return Generations(self.current, key, self.previous)

    def promoted(self, at: datetime) -> "Generations":
        """Return the generations with the next key as the current one.

        Raises:
            ValueError: there is no next key.
        """
        if self.coming is None:
            raise ValueError("there is no next key")
        return Generations(self.coming, None, (Previous(self.current, at), *self.previous))

    def without(self, gone: Collection[bytes]) -> "Generations":
        """Return the generations without some previous keys."""
        kept = tuple(one for one in self.previous if one.key not in gone)
        return Generations(self.current, self.coming, kept)


def _key(text: str) -> bytes:
    key = base64.b64decode(text, validate=True)
    if len(key) != _BYTES:
        raise ValueError(f"{len(key)} bytes, not {_BYTES}")
    return key


def _text(key: bytes) -> str:
    return base64.b64encode(key).decode()
