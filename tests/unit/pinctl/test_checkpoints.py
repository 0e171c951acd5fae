"""Chains and checkpoints, on rows: what was tampered with shows."""

import hashlib
from collections.abc import AsyncIterator, Iterable
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from nacl.signing import SigningKey

from shared.ledger.chain import GENESIS, link
from shared.pinctl.audit import Audit
from shared.pinctl.chains import EntryRow, HeadRow
from shared.pinctl.checkpoints import Checkpoint, Recount, Root, faults, read

START = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
ANNA, BRUNO = b"a" * 16, b"b" * 16
KEY = SigningKey(b"k" * 32)


def chain(subject: bytes, length: int, *, data: str = "{}") -> list[EntryRow]:
    rows, head = [], GENESIS
    for seq in range(1, length + 1):
        at = START + timedelta(minutes=seq)
        fields = (subject, seq, at, "pin.issued", UUID(int=seq), "portal", "c1", data)
        head = link(head, *fields)
        rows.append(EntryRow(*fields, head))
    return rows


def head_of(rows: list[EntryRow]) -> HeadRow:
    return HeadRow(rows[-1].subject, len(rows), rows[-1].hash)


async def stream[T](rows: Iterable[T]) -> AsyncIterator[T]:
    for row in rows:
        yield row
