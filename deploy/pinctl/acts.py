"""Records what an operator of the system does to messages, as entries of the ledger.

They are a chain of their own, under a subject that no citizen has: `pinctl ledger verify` and checkpoints
cover it like any other.
"""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Final, Literal
from uuid import UUID

import orjson

from deploy.errors import PinctlError
from deploy.pinctl.settings import LedgerSettings
from shared.broker.admin import DeadLetter
from shared.ledger import Ledger
from shared.ledger.chain import link

OPERATORS: Final = bytes(16)
"""The subject of these entries; a citizen's is a keyed hash."""
ACTOR: Final = "pinctl"
"""What acted; `data.operator` is the person who did it, as they said."""
WRITER: Final = "pinctl"
"""The role that writes them: the ledger takes no other, and from this one no other entries."""
_NAME = re.compile(r"[a-z_]{1,64}(\.[a-z_]{1,64}){0,3}")
"""What the types of messages and the broker's users look like. What a stranger wrote may be anything."""
_LONGEST = 100


def person(by: str) -> str:
    """Return the person who acts, as recorded.

    Raises:
        PinctlError: nobody is named, or in an unprintable way.
    """
    named = by.strip()
    if not named:
        raise PinctlError("say who does it: --by PERSON, or PIN_OPERATOR_NAME")
    if len(named) > _LONGEST or not named.isprintable():
        raise PinctlError(f"a person's name has at most {_LONGEST} printable characters")
    return named


class Acts:
    """The acts of one person."""

    def __init__(self, ledger: Ledger, operator: str) -> None:
        self._ledger, self._operator = ledger, operator

    @classmethod
    @asynccontextmanager
    async def open(cls, settings: LedgerSettings, by: str) -> AsyncIterator["Acts"]:
        """Connect to the ledger, on behalf of a person.

        Raises:
            PinctlError: nobody is named.
            LedgerLostError: the ledger cannot be reached.
        """
        operator = person(by)
        ledger = await Ledger.open(settings.ledger_dsn.reveal(), "pinctl")
        try:
            yield cls(ledger, operator)
        finally:
            await ledger.close()

    async def record(self, kind: Literal["dead.replayed", "dead.dropped"], letter: DeadLetter) -> None:
        """Record an act, before it is done.

        A crash in between leaves an entry, and the message where it was: no act goes unrecorded.

        Raises:
            LedgerLostError, LedgerRefusedError: it is not recorded, and must not be done.
        """
        facts = {
            "message_id": str(_id(letter) or ""),
            "type": _name(letter.type),
            "queue": letter.queue,
            "sender": _name(letter.user_id),
            "operator": self._operator,
        }
        await self._append(kind, _id(letter), _correlation(letter), orjson.dumps(facts).decode())

    async def record_retirement(self, month: str, seal: str, archive: str) -> None:
        """Record that a month is let go, before it is; the operator is all who do it.

        Raises:
            LedgerLostError, LedgerRefusedError: it is not recorded, and must not be done.
        """
        facts = {"month": month, "seal": seal, "archive": archive, "operator": self._operator}
        await self._append("month.retired", None, "", orjson.dumps(facts).decode())

    async def _append(self, kind: str, message_id: UUID | None, correlation_id: str, data: str) -> None:
        async with self._ledger.transaction():
            await self._ledger.value("add_subjects", [OPERATORS])
            (head,) = await self._ledger.rows("lock_subjects", [OPERATORS])
            row = (
                OPERATORS,
                head["entries"] + 1,
                datetime.now(UTC),
                kind,
                message_id,
                ACTOR,
                correlation_id,
                data,
            )
            hashed = link(bytes(head["head"]), *row, WRITER)
            await self._ledger.run("add_entries", *([value] for value in (*row, None, hashed)))


def _id(letter: DeadLetter) -> UUID | None:
    try:
        return UUID(letter.message_id)
    except ValueError:
        return None


def _name(text: str) -> str:
    return text if _NAME.fullmatch(text) else ""


def _correlation(letter: DeadLetter) -> str:
    """Return the correlation id that a worker gave the message; a stranger's may say anything."""
    return "" if letter.forged else letter.correlation_id
