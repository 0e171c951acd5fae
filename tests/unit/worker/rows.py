"""An in-memory ledger for a single worker, without constraint checks."""

import copy
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from shared.errors import LedgerConflictError, LedgerRefusedError
from shared.ledger import Ledger
from shared.ledger.chain import GENESIS

Row = dict[str, Any]
_ACCOUNT = ("subject", "version", "status", "level", "review_since", "schema", "state", "pepper")
_DELIVERY = (
    "id",
    "subject",
    "channel",
    "status",
    "attempts",
    "reference",
    "correlation_id",
    "reported",
    "awaits_since",
)
_INBOX = ("message_id", "digest", "correlation_id", "answer", "reply")


def _keyed(names: tuple[str, ...], rows: Iterable[tuple[Any, ...]], **more: object) -> dict[Any, Row]:
    return {row[0]: {**dict(zip(names, row, strict=True)), **more} for row in rows}


class Rows(Ledger):
    """The tables that a batch reads and writes, by the names of the queries.

    Attributes:
        refused: kinds of entry that it refuses, as Postgres does a value that it cannot hold.
        conflicts: how many transactions find that another worker was quicker.
    """

    def __init__(self) -> None:
        self.subjects: dict[bytes, tuple[int, bytes, bool]] = {}
        self.accounts: dict[bytes, Row] = {}
        self.entries: list[Row] = []
        self.deliveries: dict[UUID, Row] = {}
        self.inbox: dict[UUID, Row] = {}
        self.sent_to: dict[bytes, int] = {}
        self.lookups: dict[tuple[datetime, str, str], int] = {}
        self.attempts: dict[tuple[bytes, UUID, bytes], datetime] = {}
        self.log_ins: dict[bytes, tuple[int, datetime]] = {}
        self.unreadable: set[bytes] = set()
        self.refused: frozenset[str] = frozenset()
        self.conflicts = 0

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[None]:
        """Keep what is written inside, all or nothing of it."""
        before = copy.deepcopy({name: kept for name, kept in vars(self).items() if name != "conflicts"})
        try:
            yield
            self._commit()
        except BaseException:
            vars(self).update(before)
            raise

    def _commit(self) -> None:
        if self.conflicts:
            self.conflicts -= 1
            raise LedgerConflictError("another worker was quicker")

    async def rows(self, query: str, *values: Any) -> Sequence[Any]:  # noqa: ANN401 - what Postgres takes
        """Answer what a batch asks."""
        answers: dict[str, Callable[[Any], Iterable[Any]]] = {
            "lock_subjects": lambda keys: [(k, *self.subjects[k]) for k in keys if k in self.subjects],
            "read_accounts": lambda keys: [self._account(k) for k in keys if k in self.accounts],
            "read_inbox": lambda keys: [self.inbox[k] for k in keys if k in self.inbox],
            "read_deliveries": lambda keys: [self.deliveries[k] for k in keys if k in self.deliveries],
            "count_sent_to": lambda keys: [(k, self.sent_to[k]) for k in keys if k in self.sent_to],
            "read_attempts": self._opened,
            "read_log_ins": lambda keys: [(k, *self.log_ins[k]) for k in keys if k in self.log_ins],
            "draw_protocols": lambda many: [(2026_0000000001 + number,) for number in range(many)],
            "count_lookups": lambda _: self._look(*values),
            "review_queue": lambda many: [a for a in self.accounts.values() if a["review_since"]][:many],
        }
        return list(answers[query](values[0]))

    def _opened(self, keys: list[bytes]) -> list[tuple[Any, ...]]:
        return sorted((s, at, id_, digest) for (s, id_, digest), at in self.attempts.items() if s in keys)

    def _look(
        self, users: list[str], operators: list[str], looks: list[int], hour: datetime
    ) -> Iterator[tuple[str, str, int]]:
        for user, operator, many in zip(users, operators, looks, strict=True):
            self.lookups[hour, user, operator] = self.lookups.get((hour, user, operator), 0) + many
            yield user, operator, self.lookups[hour, user, operator]

    def _account(self, key: bytes) -> Row:
        return {**self.accounts[key], "noted": key in self.unreadable}

    async def value(self, query: str, *values: Any) -> Any:  # noqa: ANN401 - what Postgres gives
        """Enter citizens, as a batch does."""
        assert query == "add_subjects"
        new = [key for key in values[0] if key not in self.subjects]
        self.subjects.update((key, (0, GENESIS, False)) for key in new)
        return len(new)

    async def run(self, query: str, *values: Any) -> int:  # noqa: ANN401 - what Postgres takes
        """Write what a batch writes, a list a column."""
        rows = list(zip(*(column for column in values if isinstance(column, list)), strict=True))
        writes: dict[str, Callable[[], Any]] = {
            "save_accounts": lambda: self.accounts.update(_keyed(_ACCOUNT, rows)),
            "add_entries": lambda: self._enter(rows),
            "save_deliveries": lambda: self.deliveries.update(_keyed(_DELIVERY, rows)),
            "add_sent_to": lambda: self.sent_to.update((k, self.sent_to.get(k, 0) + n) for k, n in rows),
            "add_inbox": lambda: self.inbox.update(_keyed(_INBOX, rows, done=True)),
            "add_outbox": lambda: None,
            "open_attempts": lambda: self.attempts.update(dict.fromkeys(rows, values[-1])),
            "close_attempts": lambda: [self.attempts.pop(row, None) for row in rows],
            "save_log_ins": lambda: self.log_ins.update((row[0], row[1:]) for row in rows),
            "note_unreadable": lambda: self.unreadable.update(values[0]),
            "strike_unreadable": lambda: self.unreadable.difference_update(values[0]),
        }
        writes[query]()
        return len(rows)

    def _enter(self, rows: Iterable[tuple[Any, ...]]) -> None:
        for row in rows:
            if row[3] in self.refused:
                raise LedgerRefusedError("DataError")
            self.entries.append(
                {
                    "subject": row[0],
                    "kind": row[3],
                    "message_id": row[4],
                    "actor": row[5],
                    "data": orjson.loads(row[7]),
                    "account": row[8],
                }
            )
            self.subjects[row[0]] = row[1], row[9], self.subjects[row[0]][2] or row[8] is not None
