"""The file of a month's entries: written from the ledger, and verified from the file alone.

A gzip of lines of JSON. The first has the month's seal. Then each entry, chain by chain: subject, number,
microseconds since 1970 in UTC, kind, message id, actor, correlation id, data, writer, digest of the account,
hash; and of a chain's first in the month the hash that it follows. The last line has the number of entries,
and the SHA-256 of all lines before it. The seal has the digest of the entries: so nothing but it has to be
believed. The same entries give the same file.
"""

import gzip
import hashlib
import os
import zlib
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO, Any
from uuid import UUID

import orjson
from nacl.signing import VerifyKey

from deploy.errors import PinctlError
from deploy.pinctl.answer import ATTENTION, UNKNOWN
from deploy.pinctl.month_roots import Entries
from deploy.pinctl.seals import Seal, seal_of
from shared.ledger.chain import GENESIS, link

FORM = 1
"""The number of the form, in the first line."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_DAMAGES = (
    EOFError,
    zlib.error,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    OverflowError,
)
"""What reading a file raises whose content is not what was written."""
_PLAIN = 11
"""Fields of an entry that is not its chain's first in the month, or the first of all."""
_LONGEST = 1 << 20
"""Bytes of a line at most: no entry is nearly as long."""


@dataclass(frozen=True, slots=True)
class MonthFile:
    """What a file has been found to hold.

    Attributes:
        seal: of its month.
        subjects: the number of citizens with entries in the month.
        sha256: of the file, in hex.
    """

    seal: Seal
    subjects: int
    sha256: str


def path_of(folder: Path, month: str) -> Path:
    """Return the name of a month's file."""
    return folder / f"entries-{month}.jsonl.gz"


async def write(
    path: Path, seal: Seal, rows: AsyncIterator[Sequence[Any]], keys: Sequence[VerifyKey]
) -> None:
    """Write a month's file, read it again, and only then give it its name.

    Args:
        path: where; the folder is there.
        seal: of the month.
        rows: as `month_entries` returns them.
        keys: one of which signed the seal.

    Raises:
        PinctlError: it cannot be written, or what was written is not what was sealed.
    """
    unfinished = path.with_name(path.name + ".part")
    try:
        with unfinished.open("wb") as raw:
            with gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=0) as file:
                await _write(file, seal, rows)
            raw.flush()
            os.fsync(raw.fileno())
        verify(unfinished, keys)
        unfinished.rename(path)
        _sync(path.parent)
    except OSError as error:
        raise PinctlError(f"{path}: {error.strerror}", ATTENTION) from None


async def _write(file: gzip.GzipFile, seal: Seal, rows: AsyncIterator[Sequence[Any]]) -> None:
    digest = hashlib.sha256()
    number = 0

    def put(value: object) -> None:
        line = orjson.dumps(value, option=orjson.OPT_APPEND_NEWLINE)
        digest.update(line)
        file.write(line)

    put({"form": FORM, "seal": seal.fields()})
    async for row in rows:
        put(_fields(row))
        number += 1
    put({"entries": number, "sha256": digest.hexdigest()})


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _fields(row: Sequence[Any]) -> list[Any]:
    subject, seq, at, kind, message_id, actor, correlation_id, data, writer, account, hashed, before = row
    fields = [
        bytes(subject).hex(),
        seq,
        (at - _EPOCH) // _MICROSECOND,
        kind,
        message_id and str(message_id),
        actor,
        correlation_id,
        data,
        writer,
        account and bytes(account).hex(),
        bytes(hashed).hex(),
    ]
    return [*fields, bytes(before).hex()] if before else fields


def verify(path: Path, keys: Sequence[VerifyKey]) -> MonthFile:
    """Verify a month's file: its seal, every chain's part, and that these are the entries that were sealed.

    Raises:
        PinctlError: something does not hold, or the file cannot be read.
    """
    try:
        with path.open("rb") as raw:
            found = _verified(raw, keys)
            raw.seek(0)
            sha256 = hashlib.file_digest(raw, "sha256").hexdigest()
    except OSError as error:  # also what is no gzip file
        status = UNKNOWN if isinstance(error, FileNotFoundError) else ATTENTION
        raise PinctlError(f"{path}: {error.strerror or error}", status) from None
    except _DAMAGES as error:
        raise PinctlError(f"{path} does not hold: {error}", ATTENTION) from None
    return MonthFile(*found, sha256)


class _Chains:
    """The parts of chains, entry by entry."""

    def __init__(self, seal: Seal) -> None:
        self._seal = seal
        self.entries = Entries()
        self.subjects = 0
        self._subject, self._seq, self._hash = b"", 0, b""

    def follow(self, fields: Sequence[Any]) -> None:
        subject, hashed = bytes.fromhex(fields[0]), bytes.fromhex(fields[10])
        seq, at = fields[1], _EPOCH + fields[2] * _MICROSECOND
        where = f"entry {seq} of {subject.hex()}"
        if subject != self._subject:
            if subject < self._subject:
                raise ValueError(f"{where} is not in order")
            self.subjects += 1
            self._subject = subject
            self._hash = bytes.fromhex(fields[11]) if len(fields) > _PLAIN else GENESIS
        elif seq != self._seq + 1:
            raise ValueError(f"{where} does not follow entry {self._seq}")
        message_id, account = fields[4] and UUID(fields[4]), fields[9] and bytes.fromhex(fields[9])
        what = fields[3], message_id, *fields[5:9], account
        if link(self._hash, subject, seq, at, *what) != hashed:
            raise ValueError(f"{where} is not what its hash was made of")
        if at >= self._seal.sealed.until:
            raise ValueError(f"{where} is of a later month")
        self._seq, self._hash = seq, hashed
        self.entries.add(subject, seq, hashed)


def _verified(raw: IO[bytes], keys: Sequence[VerifyKey]) -> tuple[Seal, int]:
    digest = hashlib.sha256()
    with gzip.GzipFile(fileobj=raw, mode="rb") as file:
        lines = _lines(file)
        first = next(lines, b"{}")
        head = orjson.loads(first)
        if head.get("form") != FORM:
            raise ValueError("its first line is no month's, or of a later release")
        digest.update(first)
        seal = seal_of(head["seal"])
        if not seal.is_from(keys):
            raise ValueError("the signature of its seal is not ours")
        chains = _Chains(seal)
        end: dict[str, Any] = {}
        for line in lines:
            fields = orjson.loads(line)
            if end:
                raise ValueError("there is more after its last line")
            if isinstance(fields, dict):
                end = fields
            else:
                chains.follow(fields)
                digest.update(line)
    if end.get("sha256") != digest.hexdigest() or end.get("entries") != chains.entries.number:
        raise ValueError("it was cut, or its lines were changed")
    if (chains.entries.number, chains.entries.digest()) != (seal.sealed.of_month, seal.sealed.digest):
        raise ValueError("its entries are not those that were sealed")
    return seal, chains.subjects


def _lines(file: gzip.GzipFile) -> Iterator[bytes]:
    while line := file.readline(_LONGEST):
        yield line
