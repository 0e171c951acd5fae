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
    writer: str | None
    account: bytes | None
    hash: bytes


class HeadRow(NamedTuple):
    """One citizen's head, as `audit_subjects` returns it."""

    key: bytes
    entries: int
    head: bytes


class SealedHead(NamedTuple):
    """Where a citizen's chain goes on, as `audit_sealed_heads` returns it: the end of the part before.

    Attributes:
        subject: 16 bytes.
        seq: of the last entry.
        hash: its hash.
        account_seq: the last entry with a digest of the account, if there is one.
        account: that digest.
        older: whether an entry does not say who wrote it.
        newer: whether one does.
    """

    subject: bytes
    seq: int
    hash: bytes
    account_seq: int | None
    account: bytes | None
    older: bool
    newer: bool

    def encoded(self) -> bytes:
        """Return 97 bytes, from which the fields can be told apart."""
        account = (self.account_seq or 0).to_bytes(8, "big") + (self.account or bytes(32))
        flags = bytes([self.older | self.newer << 1 | (self.account is not None) << 2])
        return self.subject + self.seq.to_bytes(8, "big") + self.hash + flags + account


class AccountRow(NamedTuple):
    """One account's digest as it is stored, as `audit_accounts` returns it."""

    subject: bytes
    version: int
    status: str
    schema: int
    digest: bytes


@dataclass(frozen=True, slots=True)
class Break:
    """One place where the ledger was altered.

    Attributes:
        kind: `entry_changed`, `entry_unsigned`, `entry_misplaced`, `entries_missing`, `tail_missing`,
            `head_behind`, `head_changed`, `head_missing`; `account_changed`, `account_missing`,
            `account_unknown`.
        seq: the entry where it is detected; of an account the last that vouches for it, or 0.
    """

    subject: bytes
    kind: str
    seq: int
    detail: str


class Chain:
    """One citizen's chain, processed from its first entry to its head.

    Args:
        subject: 16 bytes.
        base: where it goes on, if its first entries have left the ledger.
    """

    def __init__(self, subject: bytes, base: SealedHead | None = None) -> None:
        self.subject = subject
        self._seq, self._hash = (base.seq, bytes(base.hash)) if base else (0, GENESIS)
        self._older, self._newer = (base.older, base.newer) if base else (False, False)
        self._broken = False
        self._account: tuple[int, bytes] | None = None
        if base and base.account_seq is not None and base.account is not None:
            self._account = base.account_seq, bytes(base.account)

    def follow(self, row: EntryRow) -> Iterator[Break]:
        """Check the next entry, in the order of `seq`; yield its breaks.

        After a break the chain continues from the stored hash, so that one change is one break.
        """
        if row.seq != self._seq + 1:
            detail = f"entries {self._seq + 1} to {row.seq - 1} are not there"
            yield self._break("entries_missing", self._seq + 1, detail)
        elif row.writer is None and (self._newer or row.account is not None):
            detail = f"entry {row.seq} ({row.kind}) does not say who wrote it, and those before it do"
            yield self._break("entry_unsigned", row.seq, detail)
        elif link(self._hash, *row[:-1]) != row.hash:
            detail = f"entry {row.seq} ({row.kind}) is not what its hash was made of"
            yield self._break("entry_changed", row.seq, detail)
        self._seq, self._hash = row.seq, row.hash
        self._older |= row.writer is None
        self._newer |= row.writer is not None
        if row.account is not None:
            self._account = row.seq, row.account

    def misplaced(self, row: EntryRow) -> Break:
        """Return the break of an entry that is of an earlier month than the one before it."""
        return self._break(
            "entry_misplaced", row.seq, f"entry {row.seq} is of a month before that of the last"
        )

    def so_far(self) -> SealedHead | None:
        """Return where the chain goes on after the entries that were followed; None if there are none."""
        if not self._seq:
            return None
        account_seq, account = self._account or (None, None)
        return SealedHead(
            bytes(self.subject), self._seq, bytes(self._hash), account_seq, account, self._older, self._newer
        )

    def _break(self, kind: str, seq: int, detail: str) -> Break:
        self._broken = True
        return Break(self.subject, kind, seq, detail)

    @property
    def vouched(self) -> bool:
        """Whether an entry has the digest of the account."""
        return self._account is not None

    def account(self, row: AccountRow | None) -> Iterator[Break]:
        """Compare the account as stored (None if missing) with the last digest of the chain.

        A chain from before digests says nothing about the account until its first change, and a broken one
        nothing reliable. A citizen without a PIN may have a row that no entry vouches for: anybody can call
        such rows forth.
        """
        if self._broken:
            return
        if self._account:
            seq, digest = self._account
            if row is None:
                yield Break(self.subject, "account_missing", seq, f"entry {seq} vouches for an account")
            elif row.digest != digest:
                detail = (
                    f"the account (version {row.version}, {row.status}) is not the one that entry {seq} saw"
                )
                yield Break(self.subject, "account_changed", seq, detail)
        elif row and row.status != "none" and not self._older:
            detail = f"no entry vouches for the account (version {row.version}, {row.status})"
            yield Break(self.subject, "account_unknown", 0, detail)

    def end(self, head: HeadRow | None) -> Iterator[Break]:
        """Compare the end of the chain with the head (None if missing)."""
        if head is None and not self._seq:
            yield self._break("head_missing", 0, "an account has neither head nor entries")
        elif head is None:
            yield self._break("head_missing", self._seq, f"{self._seq} entries have no head")
        elif self._seq < head.entries:
            detail = f"the head counts {head.entries} entries, the last one there is {self._seq}"
            yield self._break("tail_missing", self._seq + 1, detail)
        elif self._seq > head.entries:
            detail = f"the head counts {head.entries} entries, the last one there is {self._seq}"
            yield self._break("head_behind", head.entries + 1, detail)
        elif self._hash != head.head:
            yield self._break("head_changed", self._seq, "the head is not the hash of the last entry")
