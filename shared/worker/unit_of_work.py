"""What one batch writes: collected while its messages are decided, one statement per table."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from pydantic import ValidationError

from shared.crypto.sealing import StateSeal
from shared.domain.account import Account
from shared.domain.decision import Decision, DeliveryRecord, LedgerEntry
from shared.errors import LedgerConflictError, UnsealableError
from shared.italy.dates import day_of
from shared.ledger import Ledger
from shared.ledger.chain import GENESIS, link
from shared.worker import account_codec
from shared.worker.reading import ReceivedMessage

UNREADABLE = "account_unreadable"
"""The reason for parking a message whose citizen's account does not open."""


@dataclass(slots=True)
class ChainHead:
    """The end of one citizen's chain."""

    entries: int = 0
    hash: bytes = GENESIS
    known: bool = False
    moved: bool = False


@dataclass(slots=True)
class OutboxRow:
    """Messages that are published together, as one row of the outbox."""

    id: UUID
    due_at: datetime
    content: bytes


@dataclass(slots=True)
class UnitOfWork:
    """The rows of one batch.

    Accounts are written in waves, with one status change per citizen in each, so that Postgres sees every
    step of a citizen who has several messages in the batch.
    """

    now: datetime
    heads: dict[bytes, ChainHead]
    accounts: dict[bytes, Account]
    waves: list[dict[bytes, Account]] = field(default_factory=lambda: [{}])
    entries: list[tuple[Any, ...]] = field(default_factory=list)
    records: dict[UUID, DeliveryRecord] = field(default_factory=dict)
    deliveries: dict[UUID, DeliveryRecord] = field(default_factory=dict)
    """The deliveries of the batch, in their present state."""
    sent_today: dict[bytes, int] = field(default_factory=dict)
    """How many messages went to each destination of the batch today, those of the batch included."""
    sent_to: Counter[bytes] = field(default_factory=Counter)
    """How many of them are from this batch."""
    inbox: list[tuple[UUID, bytes, str, bytes | None]] = field(default_factory=list)
    unreadable: set[bytes] = field(default_factory=set)
    """Citizens whose account does not open: only their messages are parked."""
    noted: set[bytes] = field(default_factory=set)
    """Citizens whose account is noted in the ledger as unreadable."""

    async def read(self, subjects: list[bytes], ledger: Ledger, seal: StateSeal | None) -> None:
        """Lock citizens, in the order of their keys, and read their chain heads and accounts."""
        for key, entries, head in await ledger.rows("lock_subjects", sorted(subjects)):
            self.heads[bytes(key)] = ChainHead(entries, bytes(head), known=True)
        if seal is None:
            return
        for row in await ledger.rows("read_accounts", subjects):
            if row["noted"]:
                self.noted.add(bytes(row["subject"]))
            try:
                account = account_codec.decode(row, seal)
            except (UnsealableError, ValidationError):
                self.unreadable.add(bytes(row["subject"]))
            else:
                self.accounts[account.subject] = account

    async def read_deliveries(self, ids: list[UUID], ledger: Ledger) -> None:
        """Read the state of deliveries, once their citizens are locked."""
        for row in await ledger.rows("read_deliveries", ids) if ids else ():
            record = _standing(row)
            self.deliveries[record.id] = record

    async def count_sent(self, places: list[bytes], ledger: Ledger) -> None:
        """Read how many messages went to destinations today, without those of concurrent batches."""
        for place, messages in await ledger.rows("count_sent_to", places, day_of(self.now)) if places else ():
            self.sent_today[bytes(place)] = messages

    def unfit(self, received: ReceivedMessage) -> str:
        """Return why a message cannot be decided (an account does not open), or an empty text."""
        return "" if self.unreadable.isdisjoint(received.subjects) else UNREADABLE

    def account(self, subject: bytes) -> Account:
        """Return a citizen's account as of the last decision of this batch.

        Raises:
            KeyError: it does not open. A new account in its place would overwrite it.
        """
        if subject in self.unreadable:
            raise KeyError(UNREADABLE)
        return self.accounts.get(subject) or Account(subject=subject)

    def add(self, received: ReceivedMessage, decision: Decision) -> None:
        """Add the changes of a decision."""
        for entry in decision.entries:
            self._append(received, entry)
        for record in decision.records:
            self.records[record.id] = self.deliveries[record.id] = record
        for place in decision.sent_to:
            self.sent_to[place] += 1
            self.sent_today[place] = self.sent_today.get(place, 0) + 1
        if decision.account is not None:
            self.change(decision.account)

    def _append(self, received: ReceivedMessage, entry: LedgerEntry) -> None:
        subject = entry.subject or received.subjects[0]
        head = self.heads.setdefault(subject, ChainHead())
        head.entries += 1
        head.moved = True
        row = (
            subject,
            head.entries,
            self.now,
            entry.kind,
            received.id,
            entry.actor or received.actor,
            entry.correlation_id or received.correlation_id,
            orjson.dumps(entry.data, default=str).decode(),
        )
        head.hash = link(head.hash, *row)
        self.entries.append((*row, head.hash))

    def change(self, account: Account) -> None:
        """Add a changed account."""
        subject, old = account.subject, self.account(account.subject)
        self.heads.setdefault(subject, ChainHead()).moved = True
        if account.status != old.status and subject in self.waves[-1]:
            self.waves.append({})
        # Within one wave a citizen is written once, so the version increases once.
        version = old.version if subject in self.waves[-1] else old.version + 1
        self.waves[-1][subject] = self.accounts[subject] = account.but(version=version)

    async def write(self, ledger: Ledger, seal: StateSeal | None) -> None:
        """Write everything collected.

        Raises:
            LedgerConflictError: another worker inserted one of the citizens concurrently.
        """
        await self._write_subjects(ledger)
        await self._write_notes(ledger)
        if seal:
            for wave in self.waves:
                await _write_accounts(ledger, wave, seal)
        if self.entries:
            await ledger.run("add_entries", *_columns(self.entries))
        if self.records:
            rows = [
                (r.id, r.subject, r.channel, r.status, r.attempts, r.reference, r.correlation_id)
                for r in self.records.values()
            ]
            await ledger.run("save_deliveries", *_columns(rows), self.now)
        if self.sent_to:
            counts = list(self.sent_to.items())
            await ledger.run("add_sent_to", *_columns(counts), day_of(self.now))
        if self.inbox:
            rows_written = await ledger.run("add_inbox", *_columns(self.inbox), self.now)
            if rows_written != len(self.inbox):
                raise LedgerConflictError("a message was handled by another worker")

    async def _write_notes(self, ledger: Ledger) -> None:
        """Note unreadable accounts, for `pinctl status` and queries; remove the notes of readable ones."""
        if self.unreadable:
            await ledger.run("note_unreadable", sorted(self.unreadable), self.now)
        if opened := self.noted - self.unreadable:
            await ledger.run("strike_unreadable", sorted(opened))

    async def _write_subjects(self, ledger: Ledger) -> None:
        moved = sorted(((k, h) for k, h in self.heads.items() if h.moved), key=lambda pair: pair[0])
        new = [(key, head.entries, head.hash) for key, head in moved if not head.known]
        old = [(key, head.entries, head.hash) for key, head in moved if head.known]
        if new and await ledger.run("add_subjects", *_columns(new)) != len(new):
            raise LedgerConflictError("another worker entered the citizen")
        if old:
            await ledger.run("save_subjects", *_columns(old))


def _standing(row: Any) -> DeliveryRecord:  # noqa: ANN401 - a row of read_deliveries
    """Return the state of a delivery from its row."""
    return DeliveryRecord(
        id=UUID(bytes=row["id"].bytes),
        subject=bytes(row["subject"]),
        channel=row["channel"],
        status=row["status"],
        attempts=row["attempts"],
        correlation_id=row["correlation_id"],
    )


async def _write_accounts(ledger: Ledger, wave: dict[bytes, Account], seal: StateSeal) -> None:
    if not wave:
        return
    rows = [
        (
            a.subject,
            a.version,
            a.status,
            a.level,
            a.review_since,
            account_codec.SCHEMA,
            account_codec.encode(a, seal),
            a.pin.pepper or None if a.pin else None,
        )
        for a in wave.values()
    ]
    await ledger.run("save_accounts", *_columns(rows))


def _columns(rows: list[Any]) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)]
