"""`pinctl dead`: lists, replays and drops the parked messages."""

import base64
from collections.abc import Sequence
from typing import Any

from deploy.errors import PinctlError
from deploy.pinctl.acts import Acts
from deploy.pinctl.answer import ATTENTION, MISUSE, OK, UNKNOWN, Answer
from deploy.pinctl.settings import BrokerSettings, LedgerSettings
from deploy.pinctl.tables import count, plain, table
from shared.broker.admin import BrokerAdmin, DeadLetter, can_be_replayed

_COLUMNS = ("position", "reason", "type", "queue", "sender", "message id", "bytes")
_CELL = 64


class Selection:
    """The selected messages: all, or those at a position or with a message id."""

    def __init__(self, words: Sequence[str], *, everything: bool) -> None:
        if everything == bool(words):
            raise PinctlError("name messages by their position or message id, or say --all")
        self._everything = everything
        self._missing = set(words)
        # Digits alone are a position: a sender could otherwise choose them as an id to be selected too.
        self._positions = {int(word) for word in words if word.isdecimal()}
        self._ids = {word for word in words if not word.isdecimal()}

    def has(self, letter: DeadLetter) -> bool:
        """Return whether this message is selected, and remove it from the missing ones."""
        if letter.position in self._positions:
            self._missing = {w for w in self._missing if not w.isdecimal() or int(w) != letter.position}
            return True
        if letter.message_id in self._ids:
            self._missing.discard(letter.message_id)
            return True
        return self._everything

    @property
    def missing(self) -> list[str]:
        """The named messages that were not found."""
        return sorted(self._missing)


async def listing(broker: BrokerSettings, limit: int) -> Answer:
    """List the oldest messages, without their bodies and without removing them."""
    facts: list[dict[str, Any]] = []
    total = 0
    async with BrokerAdmin.open(broker.amqp_url.reveal(), broker.amqp_tls) as desk, desk.dead() as dead:
        async for letter in dead.letters():
            total += 1
            if total <= limit:
                facts.append(_facts(letter))
    said = f"{count(total, 'message')} in pin.dead" + (f", the first {limit}:" if total > limit else ":")
    data = {"total": total, "dead": facts}
    return Answer(f"{said}\n{_table(facts)}", data, ATTENTION if total else OK)


async def show(broker: BrokerSettings, word: str, *, body: bool) -> Answer:
    """Show a message; the body only on request, because it may hold personal data."""
    selection = Selection([word], everything=False)
    async with BrokerAdmin.open(broker.amqp_url.reveal(), broker.amqp_tls) as desk, desk.dead() as dead:
        found = [_details(letter, body=body) async for letter in dead.letters() if selection.has(letter)]
    if not found:
        raise _unknown(selection.missing)
    blocks = ("\n".join(f"{name:14}  {plain(text, 2**20)}" for name, text in one.items()) for one in found)
    return Answer("\n\n".join(blocks), {"dead": found})


async def replay(
    broker: BrokerSettings, ledger: LedgerSettings, words: Sequence[str], *, everything: bool, by: str
) -> Answer:
    """Republish messages to their original lanes, as their senders; those that are forged, or cut, stay.

    Each is recorded in the ledger first, as the act of the person `by`.
    """
    selection = Selection(words, everything=everything)
    replayed: list[dict[str, Any]] = []
    stayed: list[dict[str, Any]] = []
    async with (
        Acts.open(ledger, by) as acts,
        BrokerAdmin.open(broker.amqp_url.reveal(), broker.amqp_tls) as desk,
        desk.dead() as dead,
    ):
        async for letter in dead.letters():
            if not selection.has(letter):
                continue
            gone = can_be_replayed(letter)
            if gone:
                await acts.record("dead.replayed", letter)
                gone = await dead.replay(letter)
            (replayed if gone else stayed).append(_facts(letter))
    parts = [f"Replayed {count(len(replayed), 'message')}.", *_listed(replayed)]
    if stayed:
        parts += [
            "These were not parked by a worker, were cut, or their lane is gone. They stay:",
            _table(stayed),
        ]
    status = ATTENTION if stayed else OK
    return _with_missing(selection, parts, {"replayed": replayed, "stayed": stayed}, status)


async def drop(
    broker: BrokerSettings, ledger: LedgerSettings, words: Sequence[str], *, everything: bool, by: str
) -> Answer:
    """Delete messages and list them; each is recorded in the ledger first, as the act of the person `by`."""
    selection = Selection(words, everything=everything)
    dropped = []
    async with (
        Acts.open(ledger, by) as acts,
        BrokerAdmin.open(broker.amqp_url.reveal(), broker.amqp_tls) as desk,
        desk.dead() as dead,
    ):
        async for letter in dead.letters():
            if selection.has(letter):
                await acts.record("dead.dropped", letter)
                await dead.drop(letter)
                dropped.append(_facts(letter))
    parts = [f"Dropped {count(len(dropped), 'message')}.", *_listed(dropped)]
    return _with_missing(selection, parts, {"dropped": dropped}, OK)


async def would_drop(broker: BrokerSettings, words: Sequence[str], *, everything: bool) -> Answer:
    """List what `drop` would delete."""
    selection = Selection(words, everything=everything)
    async with BrokerAdmin.open(broker.amqp_url.reveal(), broker.amqp_tls) as desk, desk.dead() as dead:
        found = [_facts(letter) async for letter in dead.letters() if selection.has(letter)]
    parts = [f"Nothing was dropped; --yes drops {count(len(found), 'message')}.", *_listed(found)]
    return _with_missing(selection, parts, {"dropped": [], "would_drop": found}, MISUSE)


def _with_missing(selection: Selection, parts: list[str], data: dict[str, Any], status: int) -> Answer:
    if selection.missing:
        parts.append(str(_unknown(selection.missing)))
        status = status or UNKNOWN
    return Answer("\n".join(parts), {**data, "missing": selection.missing}, status)


def _unknown(words: Sequence[str]) -> PinctlError:
    named = ", ".join(plain(word, _CELL) for word in words)
    return PinctlError(f"Not in pin.dead: {named}. `pinctl dead list` shows what is.", UNKNOWN)


def _facts(letter: DeadLetter) -> dict[str, Any]:
    return {
        "position": letter.position,
        "reason": letter.reason,
        "type": letter.type,
        "queue": letter.queue,
        "user_id": letter.user_id,
        "message_id": letter.message_id,
        "bytes": letter.length,
    }


def _details(letter: DeadLetter, *, body: bool) -> dict[str, Any]:
    more = {
        "correlation_id": letter.correlation_id,
        "routing_key": letter.routing_key,
        "reply_to": letter.reply_to,
        "traceparent": letter.traceparent,
    }
    return {**_facts(letter), **more, **(_body(letter.body) if body else {})}


def _body(body: bytes) -> dict[str, str]:
    try:
        return {"body": body.decode()}
    except UnicodeDecodeError:
        return {"body_base64": base64.b64encode(body).decode()}


def _listed(facts: Sequence[dict[str, Any]]) -> list[str]:
    return [_table(facts)] if facts else []


def _table(facts: Sequence[dict[str, Any]]) -> str:
    rows = [[plain(v, _CELL) if isinstance(v, str) else v for v in one.values()] for one in facts]
    return table(_COLUMNS, rows)
