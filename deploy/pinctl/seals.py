"""The seals of months that are over: what a month and all before it are, signed, one line each.

A seal is what a month may leave the ledger by. It covers every entry of the month, and where each citizen's
chain goes on after it; so the chains of those whose first months have left are verified from there. It names
the seal before it: none can be left out. Like checkpoints, which they lie among, seals are kept where who
administers the ledger cannot write.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar

import orjson

from deploy.pinctl.checkpoints import fields_of
from deploy.pinctl.signed_line import SignedLine, WitnessedLine
from shared.contract.instants import rfc3339

SEALED = "ledger.month_sealed"
"""The name of the log line that seals a month."""
COSIGNED = "ledger.month_cosigned"
"""The name of the line by which a second witness vouches for a seal."""
RETIRED = "ledger.month_retired"
"""The name of the line that says who let a month leave the ledger."""


@dataclass(frozen=True, slots=True)
class Sealed:
    """What a seal says.

    Attributes:
        month: as in `2026-11`.
        until: the month's entries are before that instant.
        subjects: the number of citizens with entries before it.
        entries: the number of such entries, of all months.
        of_month: the number of those of the month.
        digest: SHA-256 in hex, over subject, number and hash of each of the month's entries, chain by chain.
        heads: SHA-256 in hex, over where each citizen's chain goes on (`SealedHead.encoded`), by key.
    """

    month: str
    until: datetime
    subjects: int
    entries: int
    of_month: int
    digest: str
    heads: str


@dataclass(frozen=True, slots=True)
class Seal(WitnessedLine):
    """The seal of a month.

    Attributes:
        sealed: what it says.
        previous: the id of the seal before it; empty for the first.
    """

    sealed: Sealed
    previous: str
    cosigned_as: ClassVar[str] = COSIGNED

    @property
    def month(self) -> str:
        """The month."""
        return self.sealed.month

    @property
    def statement(self) -> bytes:
        """The signed text: the line's name, then one line per field."""
        one = self.sealed
        until = rfc3339(one.until, to="microseconds")
        fields = (one.month, until, one.subjects, one.entries, one.of_month, one.digest, one.heads)
        return "".join(f"{text}\n" for text in (SEALED, *fields, self.previous)).encode()

    @property
    def id(self) -> str:
        """SHA-256 of the statement, in hex."""
        return hashlib.sha256(self.statement).hexdigest()

    def fields(self) -> dict[str, Any]:
        """Return the fields as in the log line."""
        one = self.sealed
        own = {
            "month": one.month,
            "until": rfc3339(one.until, to="microseconds"),
            "subjects": one.subjects,
            "entries": one.entries,
            "of_month": one.of_month,
            "digest": one.digest,
            "heads": one.heads,
            "previous": self.previous,
            "signature": self.signature,
            "key": self.key,
        }
        return own | ({"cosignature": self.cosignature} if self.cosignature else {})

    def line(self) -> bytes:
        """Return the seal as a line of the log."""
        event = COSIGNED if self.cosignature else SEALED
        return orjson.dumps({"event": event, **self.fields()}, option=orjson.OPT_APPEND_NEWLINE)


@dataclass(frozen=True, slots=True)
class Retirement(SignedLine):
    """Who let a month leave the ledger, and to where.

    Attributes:
        month: as in `2026-11`.
        seal: the id of its seal.
        archive: SHA-256 of the file of its entries, in hex.
        by: the persons.
        at: when.
    """

    month: str
    seal: str
    archive: str
    by: tuple[str, ...]
    at: datetime

    @property
    def statement(self) -> bytes:
        """The signed text: the line's name, then one line per field; names cannot break a line."""
        at = rfc3339(self.at, to="microseconds")
        fields = (RETIRED, self.month, self.seal, self.archive, at, *self.by)
        return "".join(f"{text}\n" for text in fields).encode()

    def fields(self) -> dict[str, Any]:
        """Return the fields as in the log line."""
        at = rfc3339(self.at, to="microseconds")
        own = {"month": self.month, "seal": self.seal, "archive": self.archive, "by": list(self.by), "at": at}
        return own | {"signature": self.signature, "key": self.key}

    def line(self) -> bytes:
        """Return the record as a line of the log."""
        return orjson.dumps({"event": RETIRED, **self.fields()}, option=orjson.OPT_APPEND_NEWLINE)


@dataclass(frozen=True, slots=True)
class SealLog:
    """What the logs say about months.

    Attributes:
        seals: in the order of the months.
        cosigned: as a second witness signed them.
        retired: by whom months were let go.
        known: whether there is a log at all.
    """

    seals: tuple[Seal, ...] = ()
    cosigned: tuple[Seal, ...] = ()
    retired: tuple[Retirement, ...] = ()
    known: bool = field(default=False, kw_only=True)

    def seal_of(self, month: str) -> Seal | None:
        """Return the seal of a month."""
        return next((seal for seal in self.seals if seal.month == month), None)

    def cosigned_of(self, month: str) -> Seal | None:
        """Return the seal of a month as the second witness signed it."""
        return next((seal for seal in self.cosigned if seal.month == month), None)

    def retirement_of(self, seal: Seal) -> Retirement | None:
        """Return who let a sealed month go."""
        return next((one for one in self.retired if one.seal == seal.id), None)


def seal_log(lines: Iterable[str], cosigned: Iterable[str] = ()) -> SealLog:
    """Return what is said about months among the lines of a log, and of that of a second witness.

    Raises:
        ValueError: a line lacks fields.
    """
    seals: list[Seal] = []
    retired: list[Retirement] = []
    for line in lines:
        found = fields_of(line)
        if found.get("event") == SEALED:
            seals.append(seal_of(found))
        elif found.get("event") == RETIRED:
            retired.append(_retirement(found))
    witnessed = [seal_of(found) for line in cosigned if (found := fields_of(line)).get("event") == COSIGNED]
    return SealLog(_in_order(seals), _in_order(witnessed), tuple(dict.fromkeys(retired)), known=True)


def _in_order(seals: Iterable[Seal]) -> tuple[Seal, ...]:
    return tuple(sorted(dict.fromkeys(seals), key=lambda seal: seal.sealed.until))


def seal_of(fields: dict[str, Any]) -> Seal:
    """Return the seal that a line of a log, or of an archive, holds.

    Raises:
        ValueError: it lacks fields.
    """
    try:
        sealed = Sealed(
            str(fields["month"]),
            datetime.fromisoformat(fields["until"]),
            int(fields["subjects"]),
            int(fields["entries"]),
            int(fields["of_month"]),
            str(fields["digest"]),
            str(fields["heads"]),
        )
        return Seal(
            sealed,
            str(fields["previous"]),
            signature=str(fields["signature"]),
            key=str(fields["key"]),
            cosignature=str(fields.get("cosignature", "")),
        )
    except (KeyError, TypeError) as error:
        raise ValueError(f"a sealed month without {error}") from None


def _retirement(fields: dict[str, Any]) -> Retirement:
    try:
        return Retirement(
            str(fields["month"]),
            str(fields["seal"]),
            str(fields["archive"]),
            tuple(str(name) for name in fields["by"]),
            datetime.fromisoformat(fields["at"]),
            signature=str(fields["signature"]),
            key=str(fields["key"]),
        )
    except (KeyError, TypeError) as error:
        raise ValueError(f"a month that has left without {error}") from None
