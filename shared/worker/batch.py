"""Step 4: one transaction for a batch. Each message is folded through its decision, in order of arrival."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from shared.account import Account
from shared.amqp import Message
from shared.contract.reply import ACCEPTED, Reply, rejected
from shared.crash import crash_point
from shared.decision import Box, ContextWith, Decision
from shared.ledger import Ledger
from shared.lifecycle import Lifecycle
from shared.logs import reason_of
from shared.pin import Pepper
from shared.sealing import StateSeal, Unsealable
from shared.worker.contention import settled
from shared.worker.lane import Guilty, Lane, Taken
from shared.worker.outbound import Outbound
from shared.worker.reading import Refusal
from shared.worker.settings import WorkerSettings
from shared.worker.writing import Parcel, Writing

_REUSED = rejected("message_id_reused")
_INTERNAL = rejected("internal_error")


@dataclass(slots=True)
class Handled:
    """What became of one message.

    Attributes:
        outcome: `accepted`, `rejected`, `done` (nothing to answer), `repeated` or `parked`.
        reply: the reply's body, if there is one.
        code: the reply's code, or why it was parked.
    """

    taken: Taken
    outcome: str
    code: str = ""
    reply: bytes | None = None


@dataclass(slots=True)
class Settled:
    """A batch as committed: what became of each message, and what has to be published."""

    handled: list[Handled] = field(default_factory=list)
    outgoing: list[tuple[UUID, list[Message]]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Trust:
    """The keys that the decisions of this worker work with."""

    pepper: Pepper
    box: Box
    state: StateSeal | None


@dataclass(slots=True)
class Clerk:
    """Takes batches through their transaction."""

    lane: Lane
    settings: WorkerSettings
    life: Lifecycle
    trust: Trust
    now: Any
    confirmed: list[UUID] = field(default_factory=list)
    """Rows of the outbox that the broker has: they leave with the next transaction."""

    async def settle(self, batch: Sequence[Taken], ledger: Ledger) -> Settled:
        """Decide a batch and commit it; what Postgres does not take is found by halving, and parked alone.

        Raises:
            LedgerLost: nothing is known to have happened; the messages come again.
        """
        parts = await settled(batch, lambda part: self._without_guilty(part, ledger), _given_up)
        return Settled(
            [h for part in parts for h in part.handled], [o for part in parts for o in part.outgoing]
        )

    async def _without_guilty(self, batch: Sequence[Taken], ledger: Ledger) -> Settled:
        """Decide and commit a batch; what cannot be written down is parked in the next attempt."""
        for _ in batch:
            try:
                return await self._once(batch, ledger)
            except Guilty as guilty:
                guilty.taken.parked = guilty.reason
        return await self._once(batch, ledger)

    async def _once(self, batch: Sequence[Taken], ledger: Ledger) -> Settled:
        clearing = list(self.confirmed)
        fold = Fold(self, self.now())
        async with ledger.transaction():
            await fold.read(batch, ledger)
            crash_point("locked")
            for taken in batch:
                fold.decide(taken)
            crash_point("decided")
            parcels = fold.outbound.pack(
                self.settings.outbox_lease, self.lane.channels, self.settings.bundle_size
            )
            await fold.writing.write(ledger, self.trust.state)
            await _add_outbox(ledger, [parcel for parcel, _ in parcels[0]] + parcels[1], fold.writing.now)
            if clearing:
                await ledger.run("clear_outbox", clearing)
            crash_point("written")
        crash_point("committed")
        del self.confirmed[: len(clearing)]
        return Settled(fold.handled, [(parcel.id, messages) for parcel, messages in parcels[0]])


def _given_up(taken: Taken, reason: str) -> Settled:
    return Settled([parked(taken, reason)])


def parked(taken: Taken, reason: str) -> Handled:
    """Park a message. Its sender is answered too: a blind command as always, any other with the fault.

    Nothing is noted in the inbox: the message can be replayed, or sent again, once the fault is mended.
    """
    reply = taken.refusal or (ACCEPTED if taken.blind else _INTERNAL)
    return Handled(taken, "parked", reason, reply.body())


class Fold:
    """One attempt at one batch."""

    def __init__(self, clerk: Clerk, now: datetime) -> None:
        self._clerk = clerk
        self._seen: dict[UUID, tuple[bytes, bool, bytes | None]] = {}
        self._seal = clerk.trust.state if clerk.lane.accounts else None
        self.handled: list[Handled] = []
        self.writing = Writing(now, {}, {})
        self.outbound = Outbound(now, clerk.lane.worker)

    async def read(self, batch: Sequence[Taken], ledger: Ledger) -> None:
        """Lock the citizens of the batch and read what is known of them and of its messages."""
        subjects = {subject for taken in batch for subject in (*taken.subjects, *taken.shown)}
        await self.writing.read(list(subjects), ledger, self._seal)
        for row in await ledger.rows("read_inbox", list({taken.id for taken in batch})):
            self._seen[UUID(bytes=row["message_id"].bytes)] = (
                bytes(row["digest"]),
                row["done"],
                row["reply"],
            )
        await self._clerk.lane.facts.read(batch, self.writing, ledger)

    def decide(self, taken: Taken) -> None:
        """Fold one message: a repeated one gets its first reply again, a failing one is parked alone."""
        seen = self._seen.get(taken.id)
        if seen and seen[0] != taken.digest:
            self.handled.append(Handled(taken, "rejected", _REUSED.code, _REUSED.body()))
        elif seen and seen[1]:
            self._repeat(taken, seen[2])
        else:
            self._decide_anew(taken)

    def _repeat(self, taken: Taken, kept: bytes | None) -> None:
        try:
            reply = self._first_reply(taken, kept)
        except Unsealable:
            self.handled.append(parked(taken, "reply_unreadable"))
        else:
            self.handled.append(Handled(taken, "repeated", reply=reply))

    def _decide_anew(self, taken: Taken) -> None:
        if reason := taken.parked or self.writing.unfit(taken):
            self.handled.append(parked(taken, reason))
            return
        account = self.writing.account(taken.subjects[0]) if taken.subjects else self.writing.account(b"")
        try:
            decision = self._decided(account, taken)
        except Exception as error:  # noqa: BLE001 - whatever it is, it parks this message and no other
            self.handled.append(parked(taken, reason_of(error)))
            return
        try:
            self._accept(taken, decision)
        except Exception as error:
            raise Guilty(taken, reason_of(error)) from error

    def _decided(self, account: Account, taken: Taken) -> Decision:
        message, clerk = taken.message, self._clerk
        if isinstance(message, Refusal):
            return Decision(reply=message.reply, events=message.events)
        known = clerk.lane.facts.of(taken, self.writing)
        now, trust = self.writing.now, clerk.trust
        at = ContextWith(now, os.urandom, clerk.life, trust.pepper, trust.box, known)
        return clerk.lane.decisions[type(message)](account, message, at)

    def _accept(self, taken: Taken, decision: Decision) -> None:
        self.writing.add(taken, decision)
        self.outbound.add(taken, decision)
        reply = decision.reply
        body = reply.body() if reply else None
        kept = self._kept(taken, reply, body)
        self.writing.inbox.append((taken.id, taken.digest, taken.correlation_id, kept))
        self._seen[taken.id] = (taken.digest, True, kept)
        outcome = reply.outcome if reply else "done"
        self.handled.append(Handled(taken, outcome, reply.code if reply else "", body))

    def _kept(self, taken: Taken, reply: Reply | None, body: bytes | None) -> bytes | None:
        """Seal a reply for the inbox; the plain `accepted` and refusals of form need not be kept."""
        seal = self._clerk.trust.state
        if reply is None or body is None or seal is None or reply is ACCEPTED or taken.refusal:
            return None
        return seal.seal(body, taken.id.bytes)

    def _first_reply(self, taken: Taken, kept: bytes | None) -> bytes | None:
        if taken.refusal:
            return taken.refusal.body()
        seal = self._clerk.trust.state
        return seal.open(kept, taken.id.bytes) if kept and seal else ACCEPTED.body()


async def _add_outbox(ledger: Ledger, parcels: list[Parcel], made_at: datetime) -> None:
    if parcels:
        await ledger.run(
            "add_outbox",
            [parcel.id for parcel in parcels],
            [parcel.due_at for parcel in parcels],
            [parcel.content for parcel in parcels],
            made_at,
        )
