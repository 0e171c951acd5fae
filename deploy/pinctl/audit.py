"""`pinctl ledger`: verifies the chains, and compares the ledger with its checkpoints."""

from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar

from nacl.signing import VerifyKey

from deploy.errors import PinctlError
from deploy.pinctl.answer import ATTENTION, OK, UNKNOWN, Answer
from deploy.pinctl.chains import AccountRow, Break, Chain, EntryRow, HeadRow
from deploy.pinctl.checkpoints import EVENT, Checkpoint, Recount, Root, faults
from deploy.pinctl.settings import CheckpointSettings, KeySettings, LedgerSettings
from deploy.pinctl.tables import count, table
from shared.config import logs
from shared.crypto.keys import Keys
from shared.ledger import Ledger
from shared.worker.account_codec import SCHEMA

_KEPT = 1_000
"""Breaks that are listed; the rest is counted, so that memory stays bounded."""


Row = TypeVar("Row", bound=tuple[Any, ...])


class Ahead(Generic[Row]):
    """Rows in key order, one read ahead; the key is the first column."""

    def __init__(self, rows: AsyncIterator[Row]) -> None:
        self._rows = rows
        self.next: Row | None = None

    async def step(self) -> None:
        """Read the next row."""
        self.next = await anext(self._rows, None)

    async def of(self, key: bytes) -> Row | None:
        """Return the row of this key and read on; None if the next row is another's."""
        row = self.next
        if row is None or row[0] != key:
            return None
        await self.step()
        return row


@dataclass(slots=True)
class Audit:
    """One pass over the ledger, chain by chain, in key order; it holds only one chain's end in memory."""

    recount: Recount
    subjects: int = 0
    entries: int = 0
    unvouched: int = 0
    """Accounts of which no entry has the digest: not written since digests are kept, or without a PIN."""
    older: int = 0
    """Accounts in an older form than this release writes."""
    broken: int = 0
    breaks: list[Break] = field(default_factory=list)

    async def run(
        self,
        entries: AsyncIterator[EntryRow],
        heads: AsyncIterator[HeadRow],
        accounts: AsyncIterator[AccountRow],
    ) -> None:
        """Process entries, heads and accounts in parallel, all in key order."""
        chains = Ahead(entries), Ahead(heads), Ahead(accounts)
        for rows in chains:
            await rows.step()
        while keys := [bytes(rows.next[0]) for rows in chains if rows.next is not None]:
            await self._citizen(min(keys), *chains)

    async def _citizen(
        self, key: bytes, entries: Ahead[EntryRow], heads: Ahead[HeadRow], accounts: Ahead[AccountRow]
    ) -> None:
        self.subjects += 1
        chain = Chain(key)
        while row := await entries.of(key):
            self.entries += 1
            self._note(chain.follow(row))
            self.recount.follow(row)
        self.recount.end(key)
        self._note(chain.end(await heads.of(key)))
        account = await accounts.of(key)
        self._note(chain.account(account))
        if account:
            self.unvouched += not chain.vouched
            self.older += account.schema < SCHEMA

    def _note(self, breaks: Iterable[Break]) -> None:
        for one in breaks:
            self.broken += 1
            if len(self.breaks) < _KEPT:
                self.breaks.append(one)


async def _entries(ledger: Ledger, subject: bytes | None) -> AsyncIterator[EntryRow]:
    async for row in ledger.stream("audit_entries", subject):
        yield EntryRow(*row)


async def _heads(ledger: Ledger, subject: bytes | None) -> AsyncIterator[HeadRow]:
    async for row in ledger.stream("audit_subjects", subject):
        yield HeadRow(*row)


async def _accounts(ledger: Ledger, subject: bytes | None) -> AsyncIterator[AccountRow]:
    async for row in ledger.stream("audit_accounts", subject):
        yield AccountRow(*row)


async def verify(
    settings: LedgerSettings,
    subject: bytes | None = None,
    checkpoints: Sequence[Checkpoint] = (),
    key: VerifyKey | None = None,
) -> Answer:
    """Recompute every chain, or one citizen's; given checkpoints and their key, also compare those.

    Each checkpoint costs one step per citizen: a year of daily ones over a million citizens takes minutes.
    """
    audit = Audit(Recount(checkpoint.at for checkpoint in checkpoints))
    ledger = await Ledger.open(settings.ledger_dsn.reveal(), "pinctl")
    try:
        async with ledger.snapshot():
            await audit.run(_entries(ledger, subject), _heads(ledger, subject), _accounts(ledger, subject))
    finally:
        await ledger.close()
    if subject and not audit.subjects:
        raise PinctlError(f"the ledger knows no subject {subject.hex()}", UNKNOWN)
    today = audit.recount.checkpoints()
    compared = [(c, faults(c, today[c.at], key)) for c in checkpoints] if key else []
    return _verdict(audit, compared)


def _verdict(audit: Audit, compared: Sequence[tuple[Checkpoint, Sequence[str]]]) -> Answer:
    refuted = [(checkpoint, said) for checkpoint, said in compared if said]
    data = {
        "subjects": audit.subjects,
        "entries": audit.entries,
        "unvouched": audit.unvouched,
        "older_form": audit.older,
        "broken": audit.broken,
        "breaks": [
            {"subject": b.subject.hex(), "kind": b.kind, "seq": b.seq, "detail": b.detail}
            for b in audit.breaks
        ],
        "checkpoints": [{**c.fields(), "faults": list(said)} for c, said in compared],
    }
    sound = not audit.broken and not refuted
    return Answer(_text(audit, len(compared), refuted), data, OK if sound else ATTENTION)


def _text(audit: Audit, compared: int, refuted: Sequence[tuple[Checkpoint, Sequence[str]]]) -> str:
    parts = [f"{count(audit.entries, 'entry', 'entries')} of {count(audit.subjects, 'citizen')} read."]
    if audit.breaks:
        rows = [(b.subject, b.kind, b.seq, b.detail) for b in audit.breaks]
        cut = f", the first {len(audit.breaks):,}" if audit.broken > len(audit.breaks) else ""
        parts += [f"{count(audit.broken, 'break')}{cut}:", table(("subject", "kind", "seq", "what"), rows)]
    else:
        parts.append(
            "Every chain is whole and ends at its head, and every account is as its chain saw it last."
        )
    if audit.unvouched:
        parts.append(f"No entry vouches for {count(audit.unvouched, 'account')} yet.")
    if refuted:
        reasons = [(checkpoint.at, "; ".join(said)) for checkpoint, said in refuted]
        parts.append(f"{len(refuted)} of {count(compared, 'checkpoint')} do not hold:")
        parts.append(table(("at", "why"), reasons))
    elif compared:
        parts.append(f"{count(compared, 'checkpoint')} compared: the ledger is what they say.")
    return "\n".join(parts)


async def checkpoint(ledger: LedgerSettings, keys: KeySettings, margin: CheckpointSettings) -> Answer:
    """Create and sign the checkpoint up to `margin` ago, and log it as one line."""
    key = Keys(keys.keys_dir).signing()
    at = datetime.now(UTC) - margin.checkpoint_margin
    made = (await _root(ledger, at)).at(at).signed(key)
    logs.configure("pinctl", "info")
    logs.get("pinctl").info(EVENT, **made.fields())
    return Answer("")


async def _root(settings: LedgerSettings, at: datetime) -> Root:
    root = Root()
    ledger = await Ledger.open(settings.ledger_dsn.reveal(), "pinctl")
    try:
        async with ledger.snapshot():
            async for row in ledger.stream("checkpoint_heads", at):
                root.add(*row)
    finally:
        await ledger.close()
    return root
