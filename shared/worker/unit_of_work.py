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
from shared.domain.log_ins import LogIns
from shared.errors import LedgerConflictError, UnsealableError
from shared.italy.dates import day_of
from shared.ledger import Ledger
from shared.ledger.chain import GENESIS, link
from shared.worker import account_codec
from shared.worker.reading import ReceivedMessage

UNREADABLE = "account_unreadable"
"""The reason for parking a message whose citizen's account does not open."""
CHANGED = "account.changed"
"""The kind of an entry that only vouches for the account: nothing else happened that is recorded."""


@dataclass(slots=True)
class ChainHead:
    """The end of one citizen's chain."""

    entries: int = 0
    hash: bytes = GENESIS
    vouched: bool = False
    """Whether an entry of the chain has the digest of the account."""
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
    step of a citizen who has several messages in the batch. The last entry of a citizen whose account
    changed has the digest of it, as it is stored at the end of the batch.

    Attributes:
        now: the instant of the batch.
        writer: the role on the ledger, which is in the hash of each entry.
        oldest_schema: the oldest form of accounts that is accepted.
    """

    now: datetime
    writer: str
    oldest_schema: int = account_codec.OLDEST
    heads: dict[bytes, ChainHead] = field(default_factory=dict)
    accounts: dict[bytes, Account] = field(default_factory=dict)
    strangers: dict[bytes, Account] = field(default_factory=dict)
    """Empty accounts of those who have none yet."""
    waves: list[dict[bytes, Account]] = field(default_factory=lambda: [{}])
    entries: list[tuple[Any, ...]] = field(default_factory=list)
    """What is appended, without what is known only at the end: the account's digest, and the hash."""
    changed: dict[bytes, ReceivedMessage] = field(default_factory=dict)
    """Whose account changed, by which message last."""
    records: dict[UUID, DeliveryRecord] = field(default_factory=dict)
    deliveries: dict[UUID, DeliveryRecord] = field(default_factory=dict)
    """The deliveries of the batch, in their present state."""
    sent_today: dict[bytes, int] = field(default_factory=dict)
    """How many messages went to each destination of the batch today, those of the batch included."""
    sent_to: Counter[bytes] = field(default_factory=Counter)
    """How many of them are from this batch."""
    log_ins: dict[bytes, LogIns] = field(default_factory=dict)
    """The log-ins of the batch's citizens that are counted without entries, those of the batch included."""
    logged_in: set[bytes] = field(default_factory=set)
    """Citizens whose count changed."""
    opened: dict[UUID, tuple[bytes, UUID, bytes]] = field(default_factory=dict)
    """The keys of the open attempts of the batch, by message: they close when that is handled."""
    inbox: list[tuple[UUID, bytes, str, str, bytes | None]] = field(default_factory=list)
    unreadable: set[bytes] = field(default_factory=set)
    """Citizens whose account does not open: only their messages are parked."""
    noted: set[bytes] = field(default_factory=set)
    """Citizens whose account is noted in the ledger as unreadable."""

    async def read(self, subjects: list[bytes], ledger: Ledger, seal: StateSeal | None) -> None:
        """Lock citizens, in the order of their keys, and read their chain heads and accounts."""
        for key, entries, head, vouched in await ledger.rows("lock_subjects", sorted(subjects)):
            self.heads[bytes(key)] = ChainHead(entries, bytes(head), vouched, known=True)
        if seal is None:
            return
        for row in await ledger.rows("read_accounts", subjects):
            if row["noted"]:
                self.noted.add(bytes(row["subject"]))
            try:
                account = account_codec.decode(row, seal, self.oldest_schema)
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

    async def read_log_ins(self, subjects: list[bytes], ledger: Ledger) -> None:
        """Read how many log-ins of citizens are counted, once they are locked."""
        for subject, times, last in await ledger.rows("read_log_ins", subjects) if subjects else ():
            self.log_ins[bytes(subject)] = LogIns(times, last)

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
        if account := self.accounts.get(subject) or self.strangers.get(subject):
            return account
        self.strangers[subject] = stranger = Account(subject=subject)
        return stranger

    def enter(self, subject: bytes) -> None:
        """Enter a citizen, if nobody did before, so that there is a row to lock."""
        self.heads.setdefault(subject, ChainHead()).moved = True

    def add(self, received: ReceivedMessage, decision: Decision) -> None:
        """Add the changes of a decision."""
        for entry in decision.entries:
            self._append(received, entry)
        for record in decision.records:
            self.records[record.id] = self.deliveries[record.id] = record
        for place in decision.sent_to:
            self.sent_to[place] += 1
            self.sent_today[place] = self.sent_today.get(place, 0) + 1
        if decision.log_ins is not None:
            subject = received.subjects[0]
            self.log_ins[subject] = decision.log_ins
            self.logged_in.add(subject)
        if decision.account is not None:
            self.change(decision.account, received)

    def _append(self, received: ReceivedMessage, entry: LedgerEntry) -> None:
        subject = entry.subject or received.subjects[0]
        head = self.heads.setdefault(subject, ChainHead())
        head.entries += 1
        head.moved = True
        actor, data = received.actor, entry.data
        if declared := received.operator:
            operator, office = declared
            # The broker vouches for the user alone: who acted is what that user says, so both are on record.
            actor, data = f"operator:{operator}", {**data, "office": office, "user": received.actor}
        self.entries.append(
            (
                subject,
                head.entries,
                self.now,
                entry.kind,
                received.id,
                actor,
                entry.correlation_id or received.correlation_id,
                orjson.dumps(data, default=str).decode(),
            )
        )

    def change(self, account: Account, received: ReceivedMessage) -> None:
        """Add a changed account.

        Args:
            account: as it shall be; its version is counted here.
            received: the message that changed it.
        """
        subject, old = account.subject, self.account(account.subject)
        self.enter(subject)
        if account.status != old.status and subject in self.waves[-1]:
            self.waves.append({})
        # Within one wave a citizen is written once, so the version increases once.
        version = old.version if subject in self.waves[-1] else old.version + 1
        self.waves[-1][subject] = self.accounts[subject] = account.model_copy(update={"version": version})
        self.changed[subject] = received

    async def write(self, ledger: Ledger, seal: StateSeal | None) -> None:
        """Write everything collected.

        Raises:
            LedgerConflictError: another worker inserted one of the citizens concurrently.
        """
        await self._write_subjects(ledger)
        await self._write_notes(ledger)
        digests: dict[bytes, bytes] = {}
        if seal:
            for wave in self.waves:
                digests |= await _write_accounts(ledger, wave, seal)
            self._vouch()
        if self.entries:
            await ledger.run("add_entries", *_columns(self._chained(digests)))
        if self.records:
            rows = [
                (
                    *(r.id, r.subject, r.channel, r.status, r.attempts, r.reference, r.correlation_id),
                    *(r.reported, r.awaits_since),
                )
                for r in self.records.values()
            ]
            await ledger.run("save_deliveries", *_columns(rows), self.now)
        if self.sent_to:
            counts = list(self.sent_to.items())
            await ledger.run("add_sent_to", *_columns(counts), day_of(self.now))
        if self.logged_in:
            counted = [(one, self.log_ins[one].times, self.log_ins[one].last) for one in self.logged_in]
            await ledger.run("save_log_ins", *_columns(counted))
        if closed := [key for row in self.inbox if (key := self.opened.get(row[0]))]:
            await ledger.run("close_attempts", *_columns(closed))
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
        """Enter new citizens. The heads of all of them follow the entries."""
        new = sorted(key for key, head in self.heads.items() if head.moved and not head.known)
        if new and await ledger.value("add_subjects", new) != len(new):
            raise LedgerConflictError("another worker entered the citizen")

    def _vouch(self) -> None:
        """Add an entry where an account changed without one.

        An account without a PIN needs none until the first digest of it: by guesses anybody can call such
        rows forth.
        """
        told = {row[0] for row in self.entries}
        for subject, received in self.changed.items():
            needed = self.heads[subject].vouched or self.accounts[subject].status != "none"
            if needed and subject not in told:
                self._append(received, LedgerEntry(CHANGED, subject=subject))

    def _chained(self, digests: dict[bytes, bytes]) -> list[tuple[Any, ...]]:
        """Return the entries with their hashes; the last of each citizen has the account's digest."""
        last = {row[0]: place for place, row in enumerate(self.entries)}
        chained = []
        for place, row in enumerate(self.entries):
            subject = row[0]
            head = self.heads[subject]
            account = digests.get(subject) if last[subject] == place else None
            head.hash = link(head.hash, *(*row, self.writer, account))
            chained.append((*row, account, head.hash))
        return chained


def _standing(row: Any) -> DeliveryRecord:  # noqa: ANN401 - a row of read_deliveries
    """Return the state of a delivery from its row."""
    return DeliveryRecord(
        id=UUID(bytes=row["id"].bytes),
        subject=bytes(row["subject"]),
        channel=row["channel"],
        status=row["status"],
        attempts=row["attempts"],
        correlation_id=row["correlation_id"],
        reported=row["reported"],
        awaits_since=row["awaits_since"],
    )


async def _write_accounts(ledger: Ledger, wave: dict[bytes, Account], seal: StateSeal) -> dict[bytes, bytes]:
    """Write accounts; return the digest of each as it is stored now."""
    if not wave:
        return {}
    digests, rows = {}, []
    for a in wave.values():
        state = account_codec.encode(a, seal)
        digests[a.subject] = account_codec.digest(a, state)
        columns = a.subject, a.version, a.status, a.level, a.review_since, account_codec.SCHEMA, state
        rows.append((*columns, a.pin.pepper or None if a.pin else None))
    await ledger.run("save_accounts", *_columns(rows))
    return digests


def _columns(rows: list[Any]) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)]
