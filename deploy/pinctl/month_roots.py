"""Recomputes what seals say, month by month, in one pass over all chains; and compares."""

import hashlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import NamedTuple

from nacl.signing import VerifyKey

from deploy.pinctl.chains import Chain, EntryRow, SealedHead
from deploy.pinctl.seals import Seal, Sealed, SealLog

Faults = list[tuple[str, list[str]]]
"""By month, in order, what does not hold."""


class Month(NamedTuple):
    """A month of the ledger, as `entry_months` returns it.

    Attributes:
        name: as in `2026-11`.
        month: its first day.
        until: its entries are before that instant.
        closed: whether it takes no entry any more.
        retired: whether its entries have left.
    """

    name: str
    month: date
    until: datetime
    closed: bool
    retired: bool


class Heads:
    """The digest of where chains go on, citizen by citizen in the order of the keys."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self.subjects = self.entries = 0

    def add(self, head: SealedHead) -> None:
        """Add a citizen."""
        self._hash.update(head.encoded())
        self.subjects += 1
        self.entries += head.seq

    def digest(self) -> str:
        """Return the digest so far, in hex."""
        return self._hash.hexdigest()


class Entries:
    """The digest of a month's entries, chain by chain."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self.number = 0

    def add(self, subject: bytes, seq: int, hashed: bytes) -> None:
        """Add an entry."""
        self._hash.update(subject + seq.to_bytes(8, "big") + hashed)
        self.number += 1

    def digest(self) -> str:
        """Return the digest so far, in hex."""
        return self._hash.hexdigest()


class MonthRoots:
    """The months of the ledger, and what the seals of some of them have to say.

    Args:
        months: all, in order.
        wanted: the names of those to recompute; the last that has left is recomputed always.
    """

    def __init__(self, months: Sequence[Month] = (), wanted: Collection[str] = ()) -> None:
        self.months = months
        self._untils = [month.until for month in months]
        self._left = sum(month.retired for month in months)
        self._counts = {
            i: (Heads(), Entries())
            for i, month in enumerate(months)
            if i == self._left - 1 or (not month.retired and month.name in wanted)
        }
        self._at = 0

    @property
    def base(self) -> Month | None:
        """The last month that has left."""
        return self.months[self._left - 1] if self._left else None

    def begin(self, base: SealedHead | None) -> None:
        """Begin with a citizen, where the chain goes on."""
        self._at = self._left
        if base and self._left:
            self._counts[self._left - 1][0].add(base)

    def follow(self, row: EntryRow, chain: Chain) -> bool:
        """Count the next entry, before its chain follows it; return whether its month is no earlier one."""
        while self._at < len(self._untils) and row.at >= self._untils[self._at]:
            self._close(chain.so_far())
        if count := self._counts.get(self._at):
            count[1].add(row.subject, row.seq, row.hash)
        return self._at == 0 or row.at >= self._untils[self._at - 1]

    def end(self, chain: Chain) -> None:
        """Close the citizen: later months find the chain as it ends."""
        while self._at < len(self._untils):
            self._close(chain.so_far())

    def _close(self, head: SealedHead | None) -> None:
        if head and (count := self._counts.get(self._at)):
            count[0].add(head)
        self._at += 1

    def found(self) -> Mapping[str, Sealed]:
        """Return what seals have to say of the months that were recomputed; of one that has left, its end."""
        return {
            (month := self.months[i]).name: Sealed(
                month.name,
                month.until,
                heads.subjects,
                heads.entries,
                entries.number,
                entries.digest(),
                heads.digest(),
            )
            for i, (heads, entries) in self._counts.items()
        }


@dataclass(frozen=True, slots=True)
class MonthWitnesses:
    """Who vouches for months.

    Attributes:
        log: what is written about months.
        keys: the current and earlier ones, one of which verifies each signature.
        cosigners: likewise for the second ones.
        demanded: whether a month may leave only with a second signature.
    """

    log: SealLog = field(default_factory=SealLog)
    keys: Sequence[VerifyKey] = ()
    cosigners: Sequence[VerifyKey] = ()
    demanded: bool = False

    def faults(self, roots: MonthRoots) -> Faults:
        """Return what does not hold, given the months of the ledger."""
        months = {month.name: month for month in roots.months}
        found = roots.found()
        said: dict[str, list[str]] = {}
        before = ""
        for seal in self.log.seals:
            faults = said.setdefault(seal.month, [])
            faults += self._of_seal(seal, before, months.get(seal.month), found.get(seal.month))
            before = seal.id
        for month in roots.months:
            if month.retired:
                said.setdefault(month.name, []).extend(self._of_retired(month, last=month == roots.base))
        return [(name, faults) for name, faults in sorted(said.items()) if faults]

    def _of_seal(self, seal: Seal, before: str, month: Month | None, found: Sealed | None) -> Iterator[str]:
        if not seal.is_from(self.keys):
            yield "the signature of its seal is not ours"
        if seal.previous != before:
            yield "its seal follows another than the one before it"
        cosigned = self.log.cosigned_of(seal.month)
        if cosigned and (cosigned.id != seal.id or not cosigned.is_cosigned_by(self.cosigners)):
            yield "the second witness signed another seal"
        if month is None or month.until != seal.sealed.until:
            yield "it is sealed, and the ledger knows no such month"
        elif not month.closed:
            yield "it is sealed, and takes entries"
        elif found:
            yield from differing(seal.sealed, found, whole=not month.retired)

    def _of_retired(self, month: Month, *, last: bool) -> Iterator[str]:
        seal = self.log.seal_of(month.name)
        if not self.log.known:
            if last:
                yield "it has left, and there is no log of seals to compare: PIN_CHECKPOINT_LOG"
        elif seal is None:
            yield "it has left without a seal"
        else:
            record = self.log.retirement_of(seal)
            if record is None or not record.is_from(self.keys):
                yield "it has left, and nobody has signed that it may"
            if last and self.demanded and self.log.cosigned_of(month.name) is None:
                yield "it has left, and no second witness has signed its seal"


def differing(seal: Sealed, found: Sealed, *, whole: bool) -> Iterator[str]:
    """Yield how the ledger differs from a seal; `whole`: the month's own entries are still there."""
    if whole and found.of_month != seal.of_month:
        yield f"it had {seal.of_month} entries when it was sealed, and there are {found.of_month}"
    elif whole and found.digest != seal.digest:
        yield "entries of it were changed or replaced"
    if (found.subjects, found.entries) != (seal.subjects, seal.entries):
        yield (
            f"up to its end its seal counts {seal.entries} entries of {seal.subjects} citizens;"
            f" there are {found.entries} of {found.subjects}"
        )
    elif found.heads != seal.heads:
        yield "where chains go on after it is not what was sealed"
