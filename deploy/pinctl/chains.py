"""Verifies the ledger's chains: recomputes them entry by entry and compares them with their heads."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from shared.ledger.chain import GENESIS, link


class EntryRow(NamedTuple):
    """One entry, as `audit_entries` returns it."""

    subject: bytes
    seq: int
    at: datetime
    kind: str
    message_id: UUID | None
    actor: str
    correlation_id: str
    data: str
    hash: bytes


class HeadRow(NamedTuple):
    """One citizen's head, as `audit_subjects` returns it."""

    key: bytes
    entries: int
    head: bytes


@dataclass(frozen=True, slots=True)
class Break:
    """One place where the ledger was altered.

    Attributes:
        kind: `entry_changed`, `entries_missing`, `tail_missing`, `head_behind`, `head_changed`,
            `head_missing`.
        seq: the entry where it is detected.
    """

    subject: bytes
    kind: str
    seq: int
    detail: str


class Chain:
    """One citizen's chain, processed from its first entry to its head."""

    def __init__(self, subject: bytes) -> None:
        self.subject = subject
        self._seq, self._hash = 0, GENESIS

    def follow(self, row: EntryRow) -> Iterator[Break]:
        """Check the next entry, in the order of `seq`; yield its breaks.

        After a break the chain continues from the stored hash, so that one change is one break.
        """
        if row.seq != self._seq + 1:
            detail = f"entries {self._seq + 1} to {row.seq - 1} are not there"
            yield Break(self.subject, "entries_missing", self._seq + 1, detail)
        elif link(self._hash, *row[:-1]) != row.hash:
            detail = f"entry {row.seq} ({row.kind}) is not what its hash was made of"
            yield Break(self.subject, "entry_changed", row.seq, detail)
        self._seq, self._hash = row.seq, row.hash

    def end(self, head: HeadRow | None) -> Iterator[Break]:
        """Compare the end of the chain with the head (None if missing)."""
        if head is None:
            yield Break(self.subject, "head_missing", self._seq, f"{self._seq} entries have no head")
        elif self._seq < head.entries:
            detail = f"the head counts {head.entries} entries, the last one there is {self._seq}"
            yield Break(self.subject, "tail_missing", self._seq + 1, detail)
        elif self._seq > head.entries:
            detail = f"the head counts {head.entries} entries, the last one there is {self._seq}"
            yield Break(self.subject, "head_behind", head.entries + 1, detail)
        elif self._hash != head.head:
            yield Break(self.subject, "head_changed", self._seq, "the head is not the hash of the last entry")
