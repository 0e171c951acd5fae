"""`pinctl ledger verify`: verifies the chains, and compares the ledger with its checkpoints."""

from collections.abc import AsyncIterator, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar

from deploy.errors import PinctlError
from deploy.pinctl.answer import ATTENTION, OK, UNKNOWN, Answer
from deploy.pinctl.chains import AccountRow, Break, Chain, EntryRow, HeadRow, SealedHead
from deploy.pinctl.checkpoints import Checkpoint, Recount
from deploy.pinctl.month_roots import Faults, Month, MonthRoots
from deploy.pinctl.settings import LedgerSettings
from deploy.pinctl.tables import count, table
from deploy.pinctl.witnesses import NO_WITNESSES, Witnesses
from shared.ledger import Ledger
from shared.worker.account_codec import SCHEMA

_KEPT = 1_000
"""Breaks that are listed; the rest is counted, so that memory stays bounded."""
_MICROSECOND = timedelta(microseconds=1)
SOUND = "The ledger is sound."
"""Said when all is whole and witnesses agree; an alert misses it (deploy/monitoring/alerts.py)."""


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
    roots: MonthRoots = field(default_factory=MonthRoots)
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
        bases: AsyncIterator[SealedHead] | None = None,
    ) -> None:
        """Process entries, heads, accounts and where chains go on in parallel, all in key order."""
        chains = Ahead(entries), Ahead(heads), Ahead(accounts), Ahead(bases or _none())
        for rows in chains:
            await rows.step()
        while keys := [bytes(rows.next[0]) for rows in chains if rows.next is not None]:
            await self._citizen(min(keys), *chains)

    async def _citizen(
        self,
        key: bytes,
        entries: Ahead[EntryRow],
        heads: Ahead[HeadRow],
        accounts: Ahead[AccountRow],
        bases: Ahead[SealedHead],
    ) -> None:
        self.subjects += 1
        base = await bases.of(key)
        chain = Chain(key, base)
        self.roots.begin(base)
        if base:
            self.recount.begin(base.seq, base.hash)
        while row := await entries.of(key):
            self.entries += 1
            if not self.roots.follow(row, chain):
                self._note([chain.misplaced(row)])
            self._note(chain.follow(row))
            self.recount.follow(row)
        self.recount.end(key)
        self.roots.end(chain)
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


async def _bases(ledger: Ledger, subject: bytes | None) -> AsyncIterator[SealedHead]:
    async for row in ledger.stream("audit_sealed_heads", subject):
        yield SealedHead(*row)


async def _none() -> AsyncIterator[SealedHead]:
    nothing: tuple[SealedHead, ...] = ()
    for row in nothing:
        yield row


async def audited(
    settings: LedgerSettings,
    subject: bytes | None,
    instants: Iterable[datetime],
    months: Collection[str] = (),
) -> Audit:
    """Read every chain, or one citizen's, in one snapshot; recompute checkpoints and seals.

    Args:
        settings: where the ledger is.
        subject: one citizen, or all.
        instants: of the checkpoints; those before the months that have left are passed over.
        months: those whose seals are recomputed, besides that of the last one that has left.
    """
    ledger = await Ledger.open(settings.ledger_dsn.reveal(), "pinctl")
    try:
        async with ledger.snapshot():
            roots = MonthRoots([Month(*row) for row in await ledger.rows("entry_months")], months)
            since = roots.base.until - _MICROSECOND if roots.base else None
            audit = Audit(Recount(at for at in instants if since is None or at >= since), roots)
            await audit.run(
                _entries(ledger, subject),
                _heads(ledger, subject),
                _accounts(ledger, subject),
                _bases(ledger, subject),
            )
    finally:
        await ledger.close()
    return audit


async def verify(
    settings: LedgerSettings, subject: bytes | None = None, witnesses: Witnesses = NO_WITNESSES
) -> Answer:
    """Recompute every chain, or one citizen's, and compare the accounts with them, and all with witnesses.

    Each checkpoint costs one step per citizen: a year of daily ones over a million citizens takes minutes. Of
    seals, that of the last month that has left and the newest are recomputed: chains hold the others.
    """
    newest = [seal.month for seal in witnesses.months.log.seals[-1:]]
    audit = await audited(settings, subject, witnesses.instants(), newest)
    if subject and not audit.subjects:
        raise PinctlError(f"the ledger knows no subject {subject.hex()}", UNKNOWN)
    return verdict(audit, witnesses, alone=subject is not None)


def verdict(audit: Audit, witnesses: Witnesses, *, alone: bool = False) -> Answer:
    """Return what an audit found, and what its witnesses say about it.

    Args:
        audit: of the ledger, or of one citizen.
        witnesses: to compare it with.
        alone: whether it is of one citizen, whom no seal or checkpoint covers alone.
    """
    months = [] if alone else witnesses.months.faults(audit.roots)
    compared = witnesses.compared(audit.recount.checkpoints())
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
        "months": [
            {"month": name, "faults": list(dict(months).get(name, ()))} for name in _months(audit, witnesses)
        ],
        "missing": list(witnesses.missing),
    }
    sound = not audit.broken and not refuted and not months and not witnesses.missing
    text = [*_told(audit), *refuted_text(len(compared), refuted)]
    text += [*_months_text(audit, witnesses, months), *witnesses.missing]
    if sound and compared:
        text.append(SOUND)
    return Answer("\n".join(text), data, OK if sound else ATTENTION)


def _months(audit: Audit, witnesses: Witnesses) -> list[str]:
    """Return the names of the months that are sealed, or have left."""
    retired = {month.name for month in audit.roots.months if month.retired}
    return sorted(retired | {seal.month for seal in witnesses.months.log.seals})


def _months_text(audit: Audit, witnesses: Witnesses, faults: Faults) -> Iterator[str]:
    """Yield the lines about months; an alert finds the first of those that do not hold."""
    if faults:
        yield f"{count(len(faults), 'month')} do not hold:"
        yield table(("month", "why"), [(name, "; ".join(said)) for name, said in faults])
    elif sealed := witnesses.months.log.seals:
        yield f"{count(len(sealed), 'month is', 'months are')} sealed, to {sealed[-1].month}, and as sealed."
    if audit.roots.base:
        yield f"The entries to {audit.roots.base.name} are in the archive alone."


def _told(audit: Audit) -> Iterator[str]:
    yield f"{count(audit.entries, 'entry', 'entries')} of {count(audit.subjects, 'citizen')} read."
    if audit.breaks:
        rows = [(b.subject, b.kind, b.seq, b.detail) for b in audit.breaks]
        cut = f", the first {len(audit.breaks):,}" if audit.broken > len(audit.breaks) else ""
        yield f"{count(audit.broken, 'break')}{cut}:"
        yield table(("subject", "kind", "seq", "what"), rows)
    else:
        yield "Every chain is whole and ends at its head, and every account is as its chain saw it last."
    if audit.unvouched:
        yield f"No entry vouches for {count(audit.unvouched, 'account')} yet."


def refuted_text(compared: int, refuted: Sequence[tuple[Checkpoint, Sequence[str]]]) -> Iterator[str]:
    """Yield the lines about the checkpoints that were compared; an alert finds the first of refuted ones."""
    if refuted:
        yield f"{len(refuted):,} of {count(compared, 'checkpoint')} do not hold:"
        yield table(("at", "why"), [(checkpoint.at, "; ".join(said)) for checkpoint, said in refuted])
    elif compared:
        yield f"{count(compared, 'checkpoint')} compared: the ledger is what they say."
