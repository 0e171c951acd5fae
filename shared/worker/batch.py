"""Step 4: one transaction for a batch. Its messages are decided in order of arrival."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from shared.broker.message import Message
from shared.config.logs import reason_of
from shared.contract.reply import ACCEPTED, Reply, rejected
from shared.crypto.sealing import StateSeal
from shared.crypto.signing import Signer
from shared.domain.account import Account
from shared.domain.decision import Box, ContextWith, Decision, Event, Unkeyed
from shared.domain.pin import Pepper
from shared.domain.policy import PinPolicy
from shared.errors import UnsealableError, UnwritableError
from shared.ledger import Ledger
from shared.worker.contention import in_parts
from shared.worker.crash import crash_point
from shared.worker.lane import Lane
from shared.worker.outbound import Outbound
from shared.worker.reading import ReceivedMessage, Refusal
from shared.worker.settings import WorkerSettings
from shared.worker.unit_of_work import OutboxRow, UnitOfWork

_REUSED = rejected("message_id_reused")
_INTERNAL = rejected("internal_error")
_UNKEYED: Any = Unkeyed()
NO_ANSWER, PLAINLY_ACCEPTED, KEPT = "none", "accepted", "kept"
"""How the inbox keeps a reply: there was none, it was a plain acceptance, it is beside this, sealed."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A row of the inbox; `answer` is None in one that is older than answers are."""

    digest: bytes
    done: bool
    answer: str | None
    reply: bytes | None


@dataclass(slots=True)
class MessageResult:
    """The result of one message.

    Attributes:
        outcome: `accepted`, `rejected`, `done` (no reply), `repeated` or `parked`.
        reply: the reply's body, if there is one.
        code: the reply's code, or why it was parked.
        reason: a word for the log, where the code does not say why.
    """

    received: ReceivedMessage
    outcome: str
    code: str = ""
    reply: bytes | None = None
    reason: str = ""


@dataclass(slots=True)
class CommittedBatch:
    """A committed batch: the result of each message, what has to be published, and what has to be logged."""

    handled: list[MessageResult] = field(default_factory=list)
    outgoing: list[tuple[UUID, list[Message]]] = field(default_factory=list)
    alarms: list[Event] = field(default_factory=list)


class Boxes(Protocol):
    """The box of a worker, which opens for each message what was sealed for it."""

    def of(self, received: ReceivedMessage) -> Box:
        """Return the box of one message."""


@dataclass(frozen=True, slots=True)
class WorkerKeys:
    """The keys that the decisions of this worker use; None for those that they do not need."""

    pepper: Pepper | None = None
    boxes: Boxes | None = None
    state: StateSeal | None = None
    signer: Signer | None = None
    """Signs replies and events; None where they are not signed."""


@dataclass(slots=True)
class BatchProcessor:
    """Processes each batch in one transaction."""

    lane: Lane
    settings: WorkerSettings
    policy: PinPolicy
    worker_keys: WorkerKeys
    now: Any
    confirmed: list[UUID] = field(default_factory=list)
    """Rows of the outbox that the broker confirmed: the next transaction deletes them."""

    async def settle(self, batch: Sequence[ReceivedMessage], ledger: Ledger) -> CommittedBatch:
        """Decide a batch and commit it; a message that Postgres rejects is found by halving, and parked.

        Raises:
            LedgerLostError: the outcome is unknown; the messages are redelivered.
        """
        parts = await in_parts(batch, lambda part: self._without_guilty(part, ledger), _given_up)
        return CommittedBatch(
            [h for part in parts for h in part.handled],
            [o for part in parts for o in part.outgoing],
            [a for part in parts for a in part.alarms],
        )

    async def _without_guilty(self, batch: Sequence[ReceivedMessage], ledger: Ledger) -> CommittedBatch:
        """Decide and commit a batch; a message that cannot be written is parked in the next attempt."""
        for _ in batch:
            try:
                return await self._once(batch, ledger)
            except UnwritableError as guilty:
                guilty.received.parked = guilty.reason
        return await self._once(batch, ledger)

    async def _once(self, batch: Sequence[ReceivedMessage], ledger: Ledger) -> CommittedBatch:
        clearing = list(self.confirmed)
        attempt = BatchAttempt(self, self.now())
        async with ledger.transaction():
            await attempt.read(batch, ledger)
            crash_point("locked")
            for received in batch:
                attempt.decide(received)
            crash_point("decided")
            rows = attempt.outbound.pack(
                self.settings.outbox_lease, self.lane.channels, self.settings.bundle_size
            )
            await attempt.work.write(ledger, self.worker_keys.state)
            await _add_outbox(ledger, [row for row, _ in rows[0]] + rows[1], attempt.work.now)
            if clearing:
                await ledger.run("clear_outbox", clearing)
            crash_point("written")
        crash_point("committed")
        del self.confirmed[: len(clearing)]
        outgoing = [(row.id, messages) for row, messages in rows[0]]
        return CommittedBatch(attempt.handled, outgoing, attempt.outbound.alarms)


def _given_up(received: ReceivedMessage, reason: str) -> CommittedBatch:
    return CommittedBatch([parked(received, reason)])


def parked(received: ReceivedMessage, reason: str) -> MessageResult:
    """Park a message. Its sender gets a reply: a blind command the usual one, any other the fault.

    The inbox gets no row: the message can be replayed, or sent again, once the fault is fixed.
    """
    reply = received.refusal or (ACCEPTED if received.blind else _INTERNAL)
    return MessageResult(received, "parked", reason, reply.body())


class BatchAttempt:
    """One attempt at one batch."""

    def __init__(self, processor: BatchProcessor, now: datetime) -> None:
        self._processor = processor
        self._seen: dict[UUID, Seen] = {}
        self._seal = processor.worker_keys.state if processor.lane.accounts else None
        self.handled: list[MessageResult] = []
        self.work = UnitOfWork(now, processor.lane.worker, processor.settings.oldest_account_schema)
        self.outbound = Outbound(now, processor.lane.worker, processor.worker_keys.signer)

    async def read(self, batch: Sequence[ReceivedMessage], ledger: Ledger) -> None:
        """Lock the citizens of the batch and read their accounts and the inbox rows of its messages."""
        subjects = {subject for received in batch for subject in (*received.subjects, *received.shown)}
        await self.work.read(list(subjects), ledger, self._seal)
        for row in await ledger.rows("read_inbox", list({received.id for received in batch})):
            self._seen[UUID(bytes=row["message_id"].bytes)] = Seen(
                bytes(row["digest"]), row["done"], row["answer"], row["reply"]
            )
        await self._processor.lane.facts.read(batch, self.work, ledger)

    def decide(self, received: ReceivedMessage) -> None:
        """Decide one message: a repeated one gets its first reply again, a failing one is parked alone."""
        if received.alarms:
            self.outbound.add(received, Decision(events=received.alarms))
        seen = self._seen.get(received.id)
        if seen and seen.digest != received.digest:
            self.handled.append(MessageResult(received, "rejected", _REUSED.code, _REUSED.body()))
        elif seen and seen.done:
            self._repeat(received, seen)
        else:
            self._decide_anew(received)

    def _repeat(self, received: ReceivedMessage, seen: Seen) -> None:
        try:
            reply = self._first_reply(received, seen)
        except UnsealableError:
            self.handled.append(parked(received, "reply_unreadable"))
        else:
            self.handled.append(MessageResult(received, "repeated", reply=reply))

    def _decide_anew(self, received: ReceivedMessage) -> None:
        if reason := received.parked or self.work.unfit(received):
            self.handled.append(parked(received, reason))
            return
        account = self.work.account(received.subjects[0]) if received.subjects else self.work.account(b"")
        try:
            decision = self._decided(account, received)
        except Exception as error:  # noqa: BLE001 - any error parks this message only
            self.handled.append(parked(received, reason_of(error)))
            return
        try:
            self._accept(received, decision)
        except Exception as error:
            raise UnwritableError(received, reason_of(error)) from error

    def _decided(self, account: Account, received: ReceivedMessage) -> Decision:
        message, processor = received.message, self._processor
        if isinstance(message, Refusal):
            return Decision(reply=message.reply, events=message.events)
        known = processor.lane.facts.of(received, self.work)
        now, worker_keys = self.work.now, processor.worker_keys
        pepper = worker_keys.pepper or _UNKEYED
        box = worker_keys.boxes.of(received) if worker_keys.boxes else _UNKEYED
        ctx = ContextWith(now, os.urandom, processor.policy, pepper, box, known)
        return processor.lane.decisions[type(message)](account, message, ctx)

    def _accept(self, received: ReceivedMessage, decision: Decision) -> None:
        self.work.add(received, decision)
        self.outbound.add(received, decision)
        reply = decision.reply
        body = reply.body() if reply else None
        answer, kept = self._kept(received, reply, body)
        self.work.inbox.append((received.id, received.digest, received.correlation_id, answer, kept))
        self._seen[received.id] = Seen(received.digest, done=True, answer=answer, reply=kept)
        outcome = reply.outcome if reply else "done"
        code = reply.code if reply else ""
        self.handled.append(MessageResult(received, outcome, code, body, decision.reason))

    def _kept(
        self, received: ReceivedMessage, reply: Reply | None, body: bytes | None
    ) -> tuple[str, bytes | None]:
        """Return how a reply is kept in the inbox, and sealed what is kept of it.

        A worker that opens no account has no seal: its refusals of form can be made again.
        """
        seal = self._processor.worker_keys.state
        if reply is None or body is None:
            return NO_ANSWER, None
        if reply is ACCEPTED:
            return PLAINLY_ACCEPTED, None
        return KEPT, seal.seal(body, received.id.bytes) if seal else None

    def _first_reply(self, received: ReceivedMessage, seen: Seen) -> bytes | None:
        """Return the first reply to a message. One that is missing is never taken for an acceptance.

        Raises:
            UnsealableError: it is missing, or does not open.
        """
        seal = self._processor.worker_keys.state
        match seen.answer:
            case "none":
                return None
            case "accepted":
                return ACCEPTED.body()
            case _ if seen.reply and seal:
                return seal.open(seen.reply, received.id.bytes)
            case _ if received.refusal:
                return received.refusal.body()
            case None if not seen.reply:
                # From before answers were kept: what was not kept was an acceptance, or a refusal of form.
                return ACCEPTED.body()
            case _:
                raise UnsealableError("the reply is missing")


async def _add_outbox(ledger: Ledger, rows: list[OutboxRow], made_at: datetime) -> None:
    if rows:
        await ledger.run(
            "add_outbox",
            [row.id for row in rows],
            [row.due_at for row in rows],
            [row.content for row in rows],
            made_at,
        )
