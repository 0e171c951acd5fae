"""Signed checkpoints: the state of the whole ledger at an instant, in one line.

The chains and their heads are in the same database: an attacker who can rewrite one can rewrite both. A
checkpoint is kept elsewhere, in the log. It covers the entries up to an instant T and can be recomputed at
any later time from the entries alone, without the former heads: a citizen's head at T is the hash of
their last entry at or before T. Its root is the SHA-256 of (key, number of that entry, its hash) of every
citizen who has one, in key order. Removing, changing or inserting an entry before T changes the root,
even if all chains have been made consistent again.
"""

import hashlib
import os
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar, Protocol

import orjson
from nacl.signing import VerifyKey

from deploy.pinctl.chains import EntryRow
from deploy.pinctl.signed_line import WitnessedLine
from shared.contract.instants import rfc3339

EVENT = "ledger.checkpoint"
"""The name of the log line that holds a checkpoint."""
COSIGNED = "ledger.cosigned"
"""The name of the line by which a second witness vouches for a checkpoint."""
FRESH = timedelta(hours=26)
"""How old the newest checkpoint may be: one is made every hour, and the ledger is verified every day."""


@dataclass(frozen=True, slots=True)
class Checkpoint(WitnessedLine):
    """The state of the ledger at an instant.

    Attributes:
        at: covers the entries up to and including this instant.
        subjects: the number of citizens with such entries.
        entries: the number of such entries.
        root: SHA-256 in hex.
    """

    at: datetime
    subjects: int
    entries: int
    root: str
    cosigned_as: ClassVar[str] = COSIGNED

    @property
    def statement(self) -> bytes:
        """The signed text: the event's name, then one line per field."""
        at = rfc3339(self.at, to="microseconds")
        return f"{EVENT}\n{at}\n{self.subjects}\n{self.entries}\n{self.root}\n".encode()

    def fields(self) -> dict[str, Any]:
        """Return the fields as in the log line."""
        own = {
            "at": rfc3339(self.at, to="microseconds"),
            "subjects": self.subjects,
            "entries": self.entries,
            "root": self.root,
            "signature": self.signature,
            "key": self.key,
        }
        return own | ({"cosignature": self.cosignature} if self.cosignature else {})

    def line(self) -> bytes:
        """Return the checkpoint as a line that `read` finds."""
        event = COSIGNED if self.cosignature else EVENT
        return orjson.dumps({"event": event, **self.fields()}, option=orjson.OPT_APPEND_NEWLINE)


def read(lines: Iterable[str], event: str = EVENT) -> list[Checkpoint]:
    """Return the checkpoints among the lines of a log, or the cosigned ones; other lines are skipped.

    Raises:
        ValueError: a checkpoint line lacks fields.
    """
    return [_checkpoint(fields) for line in lines if (fields := fields_of(line)).get("event") == event]


def recent(checkpoints: Iterable[Checkpoint], since: datetime) -> list[Checkpoint]:
    """Return the checkpoints from an instant on, and of each month before it the last, oldest first."""
    ordered = sorted(checkpoints, key=lambda one: one.at)
    of_months = {(one.at.year, one.at.month): one for one in ordered if one.at < since}
    return [*of_months.values(), *(one for one in ordered if one.at >= since)]


class Record(Protocol):
    """What the log of checkpoints has as a line."""

    def line(self) -> bytes:
        """Return it as JSON, with an end of line."""


def append(path: Path, record: Record) -> None:
    """Append a record to a log, and wait until it is on the disk.

    A line that a full disk or a crash has cut off is ended first: it would take the new one along.

    Raises:
        OSError: it cannot be written.
    """
    with path.open("a+b") as log:
        if log.seek(0, os.SEEK_END):
            log.seek(-1, os.SEEK_END)
            if log.read(1) != b"\n":
                log.write(b"\n")
        log.write(record.line())
        log.flush()
        os.fsync(log.fileno())


def fields_of(line: str) -> dict[str, Any]:
    """Return the fields of a line of a log; none if it is no JSON object."""
    try:
        fields = orjson.loads(line)
    except orjson.JSONDecodeError:
        return {}
    return fields if isinstance(fields, dict) else {}


def _checkpoint(fields: dict[str, Any]) -> Checkpoint:
    try:
        at = datetime.fromisoformat(fields["at"])
        return Checkpoint(
            at,
            int(fields["subjects"]),
            int(fields["entries"]),
            str(fields["root"]),
            signature=str(fields["signature"]),
            cosignature=str(fields.get("cosignature", "")),
            key=str(fields.get("key", "")),
        )
    except (KeyError, TypeError) as error:
        raise ValueError(f"a checkpoint without {error}") from None


class Root:
    """The root over all heads, computed head by head in key order."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self._subjects = self._entries = 0

    def add(self, key: bytes, entries: int, head: bytes) -> None:
        """Add one citizen's head: 16, 8 and 32 bytes, so that the encoding of a list is unique."""
        self._hash.update(key + entries.to_bytes(8, "big") + head)
        self._subjects += 1
        self._entries += entries

    def at(self, moment: datetime) -> Checkpoint:
        """Return the checkpoint, not yet signed."""
        return Checkpoint(moment, self._subjects, self._entries, self._hash.hexdigest())


class Recount:
    """Recomputes the roots of several instants, in one pass over all entries."""

    def __init__(self, instants: Iterable[datetime]) -> None:
        self._instants = sorted(set(instants))
        self._roots = [Root() for _ in self._instants]
        self._last: list[tuple[int, bytes] | None] = [None] * len(self._instants)

    def begin(self, seq: int, head: bytes) -> None:
        """Begin with a citizen whose first entries have left the ledger, before any of the instants."""
        if self._last:
            self._last[0] = (seq, head)

    def follow(self, row: EntryRow) -> None:
        """Process the next entry of the citizen."""
        first = bisect_left(self._instants, row.at)
        if first < len(self._last):
            self._last[first] = (row.seq, row.hash)

    def end(self, subject: bytes) -> None:
        """Close the citizen: for each instant, the head is the highest entry at or before it."""
        head: tuple[int, bytes] | None = None
        for i, last in enumerate(self._last):
            if last and (head is None or last[0] > head[0]):
                head = last
            if head:
                self._roots[i].add(subject, *head)
            self._last[i] = None

    def checkpoints(self) -> dict[datetime, Checkpoint]:
        """Return the recomputed checkpoints by instant."""
        return {at: root.at(at) for at, root in zip(self._instants, self._roots, strict=True)}


def faults(checkpoint: Checkpoint, today: Checkpoint, keys: Iterable[VerifyKey]) -> Sequence[str]:
    """Return the faults of a checkpoint: a wrong signature, or fields that differ from the ledger."""
    found = []
    if not checkpoint.is_from(keys):
        found.append("the signature is not ours")
    then, now = (checkpoint.subjects, checkpoint.entries), (today.subjects, today.entries)
    if then != now:
        found.append(
            f"it counted {then[1]} entries of {then[0]} citizens; of that time there are {now[1]} of {now[0]}"
        )
    elif checkpoint.root != today.root:
        found.append("entries that it covers were changed or replaced")
    return found
