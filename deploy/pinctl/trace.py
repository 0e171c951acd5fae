"""`pinctl trace`: a timeline that identifies the citizen only by the pseudonym."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any
from uuid import UUID

import orjson

from deploy.errors import PinctlError
from deploy.pinctl.answer import UNKNOWN, Answer
from deploy.pinctl.settings import LedgerSettings
from deploy.pinctl.tables import table
from shared.ledger import Ledger

_COLUMNS = ("at", "what", "actor", "details")
_LAST = 2**31
"""Follows the entries of the same instant."""


@dataclass(slots=True)
class Timeline:
    """The timeline of one id or of one citizen."""

    title: str
    subjects: list[bytes] = field(default_factory=list)
    rows: list[dict[str, Any]] = field(default_factory=list)
    archived: dict[str, int] = field(default_factory=dict)
    """By subject, how many entries are in the archive alone."""

    def add_entries(self, entries: Iterable[Mapping[str, Any]]) -> None:
        """Add the ledger's entries."""
        for row in entries:
            message_id = row["message_id"] and str(row["message_id"])
            more = {"seq": row["seq"], "message_id": message_id, "correlation_id": row["correlation_id"]}
            self._add("entry", row["at"], row["kind"], row["actor"], facts(row["data"]), row["subject"], more)

    def add_deliveries(self, deliveries: Iterable[Mapping[str, Any]]) -> None:
        """Add the current status of the deliveries."""
        for row in deliveries:
            what, more = f"delivery is {row['status']}", {"correlation_id": row["correlation_id"]}
            details = {"delivery_id": str(row["id"]), "channel": row["channel"], "attempts": row["attempts"]}
            details |= {name: row[name] for name in ("letter", "job") if row[name]}
            self._add("delivery", row["at"], what, "notifier", details, row["subject"], more)

    def add_log_ins(self, log_ins: Iterable[Mapping[str, Any]]) -> None:
        """Add how many log-ins were counted that no entry tells of yet."""
        for row in log_ins:
            self._add(
                "log_in", row["last"], "last log-in counted", None, {"counted": row["times"]}, row["subject"]
            )

    def add_inbox(self, inbox: Iterable[Mapping[str, Any]]) -> None:
        """Add when the message was handled; a rejected message leaves no other trace."""
        for row in inbox:
            what = "message handled" if row["done"] else "message taken"
            self._add("inbox", row["at"], what, None, {"message_id": str(row["message_id"])})

    def add_outbox(self, outbox: Iterable[Mapping[str, Any]]) -> None:
        """Add the outbox rows, overdue or due later."""
        for row in outbox:
            details = {"routing_key": row["routing_key"], "tries": row["tries"]}
            self._add("outbox", row["due_at"], f"{row['type']} is due", row["worker"], details)

    def _add(  # noqa: PLR0913, PLR0917 - the columns of a timeline
        self,
        source: str,
        at: datetime,
        what: str,
        actor: str | None,
        details: Mapping[str, Any],
        subject: bytes = b"",
        more: Mapping[str, Any] = MappingProxyType({}),
    ) -> None:
        whom = bytes(subject).hex() or None
        row = {"at": at, "source": source, "what": what, "actor": actor, "subject": whom, "details": details}
        self.rows.append({**row, **more})

    def answer(self) -> Answer:
        """Return the timeline in time order; entries of one instant in chain order."""
        self.rows.sort(key=lambda row: (row["at"], row["subject"] or "", row.get("seq", _LAST)))
        subjects = [subject.hex() for subject in self.subjects]
        data = {"title": self.title, "subjects": subjects, "timeline": self.rows, "archived": self.archived}
        lines = [self.title]
        if len(subjects) == 1 and subjects[0] not in self.title:
            lines.append(f"Citizen {subjects[0]}")
        for subject, seq in self.archived.items():
            lines.append(f"Entries 1 to {seq} of {subject} are in the archive alone.")
        return Answer("\n".join((*lines, self._table(several=len(subjects) > 1))), data)

    def _table(self, *, several: bool) -> str:
        columns = (*_COLUMNS[:-1], "subject", _COLUMNS[-1]) if several else _COLUMNS
        cells = [{**row, "details": said(row["details"])} for row in self.rows]
        return table(columns, [[row[name] for name in columns] for row in cells])


def facts(data: str) -> dict[str, Any]:
    """Return the data of an entry; data that is not a JSON object (an altered entry) is shown verbatim."""
    try:
        loaded = orjson.loads(data)
    except orjson.JSONDecodeError:
        return {"unreadable": data}
    return loaded if isinstance(loaded, dict) else {"unreadable": data}


def said(details: Mapping[str, Any]) -> str:
    """Return details as `name=value` on one line."""
    return " ".join(
        f"{name}={value if isinstance(value, str | int) else orjson.dumps(value).decode()}"
        for name, value in details.items()
    )


def delivery_id(entry: Mapping[str, Any]) -> UUID | None:
    """Return the delivery id of an entry, if any."""
    try:
        return UUID(facts(entry["data"])["delivery_id"])
    except (KeyError, ValueError, TypeError, AttributeError):
        return None


def belonging(
    entries: Iterable[Mapping[str, Any]], deliveries: Iterable[Mapping[str, Any]], correlation_ids: set[str]
) -> list[Mapping[str, Any]]:
    """Return the entries that belong to these correlation ids.

    Bundles mix deliveries of several citizens: an entry about a delivery belongs to the delivery's
    correlation id, whatever the bundle's id.
    """
    of = {UUID(str(row["id"])): row["correlation_id"] for row in deliveries}
    return [
        entry
        for entry in entries
        if of.get(delivery_id(entry) or UUID(int=0), entry["correlation_id"]) in correlation_ids
    ]


async def of_id(settings: LedgerSettings, word: str, *, life: bool) -> Answer:
    """Trace a correlation id, a message id or a delivery id; with `life` the citizen's whole timeline."""
    ledger = await Ledger.open(settings.ledger_dsn.reveal(), "pinctl")
    try:
        async with ledger.snapshot():
            return await _of_id(ledger, word, life=life)
    finally:
        await ledger.close()


async def _of_id(ledger: Ledger, word: str, *, life: bool) -> Answer:
    ids = [UUID(word)] if _is_uuid(word) else []
    inbox = await ledger.rows("trace_inbox", ids)
    named = await ledger.rows("trace_deliveries", ids)
    wanted = {word, *(row["correlation_id"] for row in (*inbox, *named))}
    correlated = [row for one in sorted(wanted) for row in await ledger.rows("trace_correlated", one)]
    deliveries = await _deliveries(ledger, correlated)
    core = belonging(correlated, deliveries, wanted)
    subjects = sorted({bytes(row["subject"]) for row in (*core, *named)})
    if life and subjects:
        return await _life(ledger, subjects, f"The life of {', '.join(s.hex() for s in subjects)}")
    return await _timeline(ledger, Timeline(f"What belongs to {word}", subjects), wanted, inbox)


async def _timeline(
    ledger: Ledger, timeline: Timeline, wanted: set[str], inbox: Sequence[Mapping[str, Any]]
) -> Answer:
    entries = await ledger.rows("trace_life", timeline.subjects)
    deliveries = await _deliveries(ledger, entries)
    timeline.archived = await _archived(ledger, timeline.subjects)
    timeline.add_entries(belonging(entries, deliveries, wanted))
    timeline.add_deliveries(row for row in deliveries if row["correlation_id"] in wanted)
    timeline.add_inbox(inbox)
    moments = _moments(entries, deliveries, inbox)
    timeline.add_outbox(await ledger.rows("trace_outbox", sorted(wanted), moments))
    if not timeline.rows:
        raise PinctlError(
            "nothing is known under this id; a message that was refused or led to nothing is remembered for"
            " PIN_INBOX_RETENTION only, one that could not be read is in `pinctl dead list`, and what was"
            " in months that have left the ledger is in the archive",
            UNKNOWN,
        )
    return timeline.answer()


async def of_subject(settings: LedgerSettings, subject: bytes) -> Answer:
    """Trace one citizen's whole timeline, by pseudonym."""
    ledger = await Ledger.open(settings.ledger_dsn.reveal(), "pinctl")
    try:
        async with ledger.snapshot():
            return await _life(ledger, [subject], f"The life of {subject.hex()}")
    finally:
        await ledger.close()


async def _life(ledger: Ledger, subjects: list[bytes], title: str) -> Answer:
    entries = await ledger.rows("trace_life", subjects)
    archived = await _archived(ledger, subjects)
    if not entries and not archived:
        raise PinctlError("the ledger knows nothing of this citizen", UNKNOWN)
    deliveries = await _deliveries(ledger, entries)
    timeline = Timeline(title, subjects)
    timeline.archived = archived
    timeline.add_entries(entries)
    timeline.add_deliveries(deliveries)
    timeline.add_log_ins(await ledger.rows("trace_log_ins", subjects))
    needles = [subject.hex() for subject in subjects]
    timeline.add_outbox(await ledger.rows("trace_outbox", needles, _moments(entries, deliveries)))
    return timeline.answer()


async def _archived(ledger: Ledger, subjects: list[bytes]) -> dict[str, int]:
    return {bytes(row["subject"]).hex(): row["seq"] for row in await ledger.rows("trace_archived", subjects)}


def _moments(*written: Iterable[Mapping[str, Any]]) -> list[datetime]:
    """Return the instants of the batches that wrote these rows: their outbox rows were created then."""
    return sorted({row["at"] for rows in written for row in rows})


async def _deliveries(ledger: Ledger, entries: Iterable[Mapping[str, Any]]) -> Sequence[Any]:
    ids = sorted({found for entry in entries if (found := delivery_id(entry))})
    return await ledger.rows("trace_deliveries", ids)


def _is_uuid(word: str) -> bool:
    try:
        UUID(word)
    except ValueError:
        return False
    return True
