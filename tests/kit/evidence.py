"""The observable state of a stack at one instant, on which the invariants are checked."""

import json
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property, lru_cache
from uuid import UUID

import aio_pika
import asyncpg

from deploy.broker import render
from deploy.local.captured import Captured, PageCopy
from deploy.local.client import Client
from deploy.local.inbox import Event
from deploy.local.postgres import SUPERUSER
from deploy.local.rabbitmq import ADMIN
from deploy.local.stack import Stack
from shared.crypto.keys import Keys
from shared.crypto.sealing import Pseudonyms, StateSeal
from shared.domain.account import Account
from shared.domain.pin import Pepper
from shared.worker import account_codec

DEAD = "pin.dead"
SOON = timedelta(seconds=1.2)
"""Longer than the tests' lease of rows (`PIN_OUTBOX_LEASE`), shorter than what is timed."""


@dataclass(frozen=True)
class Asked:
    """One message that was published and confirmed, however often."""

    message_id: str
    type: str
    answered: bool = True
    """Whether a reply was asked for."""


@dataclass(frozen=True)
class LedgerEntry:
    """One row of the chains."""

    subject: bytes
    seq: int
    at: datetime
    kind: str
    message_id: UUID | None
    actor: str
    correlation_id: str
    text: str
    writer: str | None
    account: bytes | None
    hash: bytes

    @property
    def data(self) -> dict[str, object]:
        """The entry's data."""
        return _parsed(self.text)

    @property
    def carriers(self) -> dict[str, UUID]:
        """The deliveries that carry the halves of a PIN, by channel; empty for other entries."""
        deliveries = self.data.get("deliveries")
        return {k: UUID(str(v)) for k, v in deliveries.items()} if isinstance(deliveries, dict) else {}


@dataclass
class Evidence:
    """The ledger, the queues, the providers, and the clients' replies and events."""

    pepper: Pepper
    asked: Sequence[Asked] = ()
    heads: dict[bytes, tuple[int, bytes]] = field(default_factory=dict)
    entries: list[LedgerEntry] = field(default_factory=list)
    accounts: dict[bytes, Account] = field(default_factory=dict)
    digests: dict[bytes, bytes] = field(default_factory=dict)
    """Of the accounts as they are stored."""
    handled: dict[UUID, bool] = field(default_factory=dict)
    """The inbox: whether each message is done, or only claimed."""
    attempts: int = 0
    """Attempts that are open."""
    log_ins: dict[bytes, int] = field(default_factory=dict)
    """How many log-ins of each citizen were counted since the last entry of one."""
    overdue: int = 0
    """Rows of the outbox that are due and still there."""
    reserved: int = 0
    """Rows that are due within `SOON`, as those whose publish is in doubt until their lease ends."""
    deliveries: dict[UUID, str] = field(default_factory=dict)
    waiting: dict[str, int] = field(default_factory=dict)
    """Messages in each queue that nobody has taken."""
    copies: dict[UUID, list[PageCopy]] = field(default_factory=lambda: defaultdict(list))
    events: list[Event] = field(default_factory=list)
    replies: dict[str, list[bytes]] = field(default_factory=lambda: defaultdict(list))

    def chains(self) -> dict[bytes, list[LedgerEntry]]:
        """Return the entries of each citizen, in order."""
        chains: dict[bytes, list[LedgerEntry]] = {subject: [] for subject in self.heads}
        for entry in self.entries:
            chains.setdefault(entry.subject, []).append(entry)
        return chains

    def of_message(self, message_id: str, *kinds: str) -> list[LedgerEntry]:
        """Return the entries of some kinds that one message caused."""
        return [e for e in self._by_message.get(UUID(message_id), []) if e.kind in kinds]

    def log_ins_of(self, subject: bytes) -> int:
        """Return how many log-ins of a citizen the ledger knows: those with an entry, and those counted."""
        told = (e.data for e in self.entries if e.subject == subject and e.kind == "pin.verified")
        return sum(1 + int(str(data.get("counted", 0))) for data in told) + self.log_ins.get(subject, 0)

    @cached_property
    def _by_message(self) -> dict[UUID | None, list[LedgerEntry]]:
        by_message: dict[UUID | None, list[LedgerEntry]] = defaultdict(list)
        for entry in self.entries:
            by_message[entry.message_id].append(entry)
        return by_message

    def token_of(self, entry: LedgerEntry) -> str:
        """Return the token of the confirmation link recorded by an entry."""
        tokens = {copy.token for copy in self.copies[UUID(str(entry.data["delivery_id"]))]}
        (token,) = tokens
        return token or ""

    def sealed_pins(self, message_id: str) -> set[str]:
        """Return the sealed PINs in the replies to one message."""
        return {json.loads(body)["data"]["pin_sealed"] for body in self.replies.get(message_id, [])}


@lru_cache(maxsize=100_000)
def _parsed(text: str) -> dict[str, object]:
    data: dict[str, object] = json.loads(text)
    return data


def subject_of(stack: Stack, codice_fiscale: str) -> bytes:
    """Return the pseudonym of a citizen in the ledger."""
    return Pseudonyms(Keys(stack.state / "keys").symmetric("subject")).of(codice_fiscale)


async def gathered(
    stack: Stack, clients: Sequence[Client], asked: Sequence[Asked], captured: Captured | None = None
) -> Evidence:
    """Gather the evidence of this instant.

    Args:
        stack: whose.
        clients: whose replies; the events are those of the first.
        asked: what has been published.
        captured: of the stack; a reader that has looked before reads only what came since.
    """
    keys = Keys(stack.state / "keys")
    found = Evidence(Pepper(keys.symmetric("pepper")), asked)
    await _read_queues(stack, found)
    async with _ledger(stack) as ledger:
        await _read_chains(ledger, StateSeal(keys.symmetric("account")), found)
        await _read_work(ledger, found)
    for copy in (captured or Captured(stack.state)).all():
        found.copies[copy.id].append(copy)
    _hear(clients, found)
    return found


async def glimpsed(stack: Stack, clients: Sequence[Client], asked: Sequence[Asked]) -> Evidence:
    """Gather what is read in a moment: queues, inbox, outbox, replies; no chain and nothing captured."""
    found = Evidence(Pepper(Keys(stack.state / "keys").symmetric("pepper")), asked)
    await _read_queues(stack, found)
    async with _ledger(stack) as ledger:
        await _read_work(ledger, found)
    _hear(clients, found)
    return found


async def _read_queues(stack: Stack, found: Evidence) -> None:
    async with await aio_pika.connect(stack.rabbitmq.url(ADMIN)) as connection:
        channel = await connection.channel()
        for name in render.queues():
            queue = await channel.get_queue(name, ensure=True)
            found.waiting[name] = queue.declaration_result.message_count or 0


def _hear(clients: Sequence[Client], found: Evidence) -> None:
    found.events += clients[0].events if clients else []
    for client in clients:
        for message_id, bodies in client.replies.items():
            found.replies[message_id] += bodies


@asynccontextmanager
async def _ledger(stack: Stack) -> "AsyncIterator[asyncpg.Connection]":
    """Yield the ledger of one instant."""
    ledger = await asyncpg.connect(stack.postgres.dsn(SUPERUSER, stack.database))
    try:
        async with ledger.transaction(isolation="repeatable_read", readonly=True):
            yield ledger
    finally:
        await ledger.close()


async def _read_chains(ledger: "asyncpg.Connection", seal: StateSeal, found: Evidence) -> None:
    """Read the citizens' chains and accounts, and the deliveries."""
    for key, entries, head in await ledger.fetch("select key, entries, head from subject"):
        found.heads[bytes(key)] = (entries, bytes(head))
    for row in await ledger.fetch("select * from entry order by subject, seq"):
        found.entries.append(_entry(row))
    for row in await ledger.fetch("select * from account"):
        found.accounts[bytes(row["subject"])] = account_codec.decode(row, seal)
    for subject, digest in await ledger.fetch("select subject, digest from account_digest"):
        found.digests[bytes(subject)] = bytes(digest)
    for subject, times in await ledger.fetch("select subject, times from log_in"):
        found.log_ins[bytes(subject)] = times
    deliveries = await ledger.fetch("select id, status from delivery")
    found.deliveries = {UUID(bytes=id_.bytes): status for id_, status in deliveries}


async def _read_work(ledger: "asyncpg.Connection", found: Evidence) -> None:
    """Read what is done and what is still to be done: inbox, open attempts, rows of the outbox."""
    inbox = await ledger.fetch("select message_id, done from inbox")
    found.handled = {UUID(bytes=message_id.bytes): done for message_id, done in inbox}
    found.attempts = await ledger.fetchval("select count(*) from attempt")
    ((found.overdue, found.reserved),) = await ledger.fetch(
        "select count(*) filter (where due_at <= now()), count(*) filter (where due_at > now())"
        " from outbox where due_at <= now() + $1",
        SOON,
    )


def _entry(row: "asyncpg.Record") -> LedgerEntry:
    return LedgerEntry(
        subject=bytes(row["subject"]),
        seq=row["seq"],
        at=row["at"],
        kind=row["kind"],
        message_id=row["message_id"] and UUID(bytes=row["message_id"].bytes),
        actor=row["actor"],
        correlation_id=row["correlation_id"],
        text=row["data"],
        writer=row["writer"],
        account=row["account"] and bytes(row["account"]),
        hash=bytes(row["hash"]),
    )
