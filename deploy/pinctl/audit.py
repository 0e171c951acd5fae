"""`pinctl ledger`: verifies the chains, and compares the ledger with its checkpoints."""

from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from nacl.signing import VerifyKey

from deploy.errors import PinctlError
from deploy.pinctl.answer import ATTENTION, OK, UNKNOWN, Answer
from deploy.pinctl.chains import Break, Chain, EntryRow, HeadRow
from deploy.pinctl.checkpoints import EVENT, Checkpoint, Recount, Root, faults
from deploy.pinctl.settings import CheckpointSettings, KeySettings, LedgerSettings
from deploy.pinctl.tables import count, table
from shared.config import logs
from shared.crypto.keys import Keys
from shared.ledger import Ledger

_KEPT = 1_000
"""Breaks that are listed; the rest is counted, so that memory stays bounded."""


@dataclass(slots=True)
class Audit:
    """One pass over the ledger, chain by chain, in key order; it holds only one chain's end in memory."""

    recount: Recount
    subjects: int = 0
    entries: int = 0
    broken: int = 0
    breaks: list[Break] = field(default_factory=list)
    _chain: Chain | None = None

    async def run(self, entries: AsyncIterator[EntryRow], heads: AsyncIterator[HeadRow]) -> None:
        """Process entries and heads in parallel, both in key order."""
        head = await anext(heads, None)
        async for row in entries:
            if self._chain is None or self._chain.subject != row.subject:
                head = await self._next(row.subject, head, heads)
            self._follow(row)
        await self._next(None, head, heads)

    def _follow(self, row: EntryRow) -> None:
        if self._chain is None:
            raise AssertionError("an entry stands in a chain")
        self.entries += 1
        self._note(self._chain.follow(row))
        self.recount.follow(row)

    async def _next(
        self, subject: bytes | None, head: HeadRow | None, heads: AsyncIterator[HeadRow]
    ) -> HeadRow | None:
        """Close the open chain, and the heads without entries before the next chain."""
        if self._chain:
            own = head if head and head.key == self._chain.subject else None
            self._close(self._chain, own)
            head = await anext(heads, None) if own else head
        while head and (subject is None or head.key < subject):
            self._close(Chain(head.key), head)
            head = await anext(heads, None)
        self._chain = Chain(subject) if subject is not None else None
        return head

    def _close(self, chain: Chain, head: HeadRow | None) -> None:
        self.subjects += 1
        self._note(chain.end(head))
        self.recount.end(chain.subject)

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


async def verify(
    settings: LedgerSettings,
    subject: bytes | None = None,
    checkpoints: Sequence[Checkpoint] = (),
    keys: Sequence[VerifyKey] = (),
) -> Answer:
    """Recompute every chain, or one citizen's; given checkpoints and their keys, also compare those.

    Each checkpoint costs one step per citizen: a year of daily ones over a million citizens takes minutes.
    """
    audit = Audit(Recount(checkpoint.at for checkpoint in checkpoints))
    ledger = await Ledger.open(settings.ledger_dsn.reveal(), "pinctl")
    try:
        async with ledger.snapshot():
            await audit.run(_entries(ledger, subject), _heads(ledger, subject))
    finally:
        await ledger.close()
    if subject and not audit.subjects:
        raise PinctlError(f"the ledger knows no subject {subject.hex()}", UNKNOWN)
    today = audit.recount.checkpoints()
    compared = [(c, faults(c, today[c.at], keys)) for c in checkpoints]
    return _verdict(audit, compared)


def _verdict(audit: Audit, compared: Sequence[tuple[Checkpoint, Sequence[str]]]) -> Answer:
    refuted = [(checkpoint, said) for checkpoint, said in compared if said]
    data = {
        "subjects": audit.subjects,
        "entries": audit.entries,
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
        parts.append("Every chain is whole and ends at its head.")
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
