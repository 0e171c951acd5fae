"""The shell of every worker: reads, batches, reconnects to lost servers, stops gracefully."""

import asyncio
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack, suppress
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from shared.broker.session import Session
from shared.domain.policy import PinPolicy
from shared.errors import BrokerLostError, ConsumerGoneError, LedgerLostError
from shared.ledger import Ledger
from shared.worker.batch import BatchProcessor, WorkerKeys, parked
from shared.worker.budgets import PortalBudgets
from shared.worker.crash import crash_point
from shared.worker.holding import held
from shared.worker.housekeeping import Housekeeping
from shared.worker.intake import parse
from shared.worker.lane import Lane, Upkeep
from shared.worker.publishing import PendingAck, Publisher
from shared.worker.reading import ReceivedMessage, Rejected
from shared.worker.relay import relay
from shared.worker.replies import DirectReplies
from shared.worker.resealing import Resealing
from shared.worker.settings import WorkerSettings
from shared.worker.tracing.opening import Tracing

_SUSPECT = 3
"""Redeliveries after which a message is handled alone, and its attempts are counted."""
_TRIES = 3
"""Attempts alone, each ended by a crash of the process, after which a message is parked."""
_SHORTEST_PAUSE, _LONGEST_PAUSE = 0.1, 1.0
_STOP_LIMIT = 5.0
"""Seconds for what is in progress at the stop: with the time to leave silent servers it ends within ten."""
_WATCH = 2.0
"""Seconds between two looks for our consumer."""
_LOOKS = 2
"""Looks in a row at a queue of which nothing is heard, before the worker leaves: its leader may be busy."""
_REST = 10.0
"""Seconds that a batch's transaction may rest: deciding 500 messages takes half of one."""


class Worker:
    """Processes one lane until it is stopped."""

    def __init__(  # noqa: PLR0913, PLR0917 - one a part
        self,
        lane: Lane,
        settings: WorkerSettings,
        policy: PinPolicy,
        worker_keys: WorkerKeys,
        log: Any,  # noqa: ANN401
        tracing: Tracing | None = None,
    ) -> None:
        self._lane, self._settings, self._log, self._tracing = lane, settings, log, tracing
        self._processor = BatchProcessor(lane, settings, policy, worker_keys, now=lambda: datetime.now(UTC))
        self._budgets = PortalBudgets(settings.budget_per_portal_user, settings.portal_users, lane.name)
        self._direct = DirectReplies(lambda: self._open(f"{lane.name}-replies"), time.monotonic)
        self._publisher = Publisher(lane, settings, self._direct, log, worker_keys.signer)
        self._stopping = asyncio.Event()
        self._performing = asyncio.Lock()
        """Held during an effect: it is not cut short."""
        self._session: Session | None = None
        self._ledger: Ledger | None = None
        self._consuming = False
        self._missed = False
        """Whether messages waited and the broker had no consumer of ours when it was last looked for."""
        self._pause = _SHORTEST_PAUSE
        self._tried: set[UUID] = set()
        """The message in hand, if it is alone and this try of it was counted."""
        self._acquitted: set[UUID] = set()
        """Those whose try is to be taken back."""
        self._unwritten = False
        """Whether a write failed by no message's fault (a full disk), and no room was found since."""
        self._unpublished: set[UUID] = set()
        """Rows of the outbox that were committed here and are not confirmed."""

    def missing(self) -> list[str]:
        """Return what is missing to be ready: `ledger`, `broker`, `consumer`."""
        return [
            name
            for name, there in (
                ("ledger", self._ledger is not None and self._ledger.alive),
                ("broker", self._session is not None and not self._session.lost.is_set()),
                ("consumer", self._consuming and not self._stopping.is_set()),
            )
            if not there
        ]

    def stop(self) -> None:
        """Stop consuming, finish the work in progress, and return from `run`."""
        self._stopping.set()

    async def run(self) -> None:
        """Work until stopped, reconnecting after every loss of a server.

        Raises:
            ConsumerGoneError: connected anew, but the broker reports no consumer again.
        """
        await self._until_one_ends(self._reconnecting(), self._cut_short())
        if self._lane.effect:
            await self._lane.effect.close()

    async def _cut_short(self) -> None:
        """End soon after the stop, whatever is waited for; what is being sent would be sent again."""
        await self._stopping.wait()
        await asyncio.sleep(_STOP_LIMIT)
        while self._performing.locked():
            async with self._performing:
                pass
            await asyncio.sleep(_STOP_LIMIT)
        self._log.warning("worker.stop_cut_short")

    async def _reconnecting(self) -> None:
        while not self._stopping.is_set():
            try:
                await self._connected()
            except (BrokerLostError, LedgerLostError) as loss:
                self._unwritten |= isinstance(loss, LedgerLostError) and loss.blameless
                pause = self._pause
                self._log.warning("worker.waiting", loss=loss.loss, detail=str(loss), pause=pause)
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._stopping.wait(), pause)
                self._pause = min(_LONGEST_PAUSE, pause * 2)

    async def _connected(self) -> None:
        lane, settings = self._lane, self._settings
        async with AsyncExitStack() as stack:
            ledger = await Ledger.open(settings.ledger_dsn.reveal(), lane.name, rest=_REST, copied=True)
            stack.push_async_callback(ledger.close)
            sweeping = await Ledger.open(
                settings.ledger_dsn.reveal(),
                f"{lane.name}-relay",
                rest=_REST + settings.publish_limit.total_seconds(),
                copied=True,
            )
            stack.push_async_callback(sweeping.close)
            await self._forgive(ledger)
            if self._unwritten:
                await _find_room(ledger)
                self._unwritten = False
            session = await self._open(lane.name)
            stack.push_async_callback(session.close)
            stack.push_async_callback(self._direct.close)
            await session.consume(lane.queue, held(lane.batch), lambda m: parse(m, lane, settings))
            self._session, self._ledger, self._consuming = session, ledger, True
            self._processor.confirmed.clear()
            self._log.info("worker.ready", queue=lane.queue)
            await self._release(ledger)
            try:
                await self._until_one_ends(
                    self._work(session, ledger),
                    relay(sweeping, session, settings, self._upkeep(), self._log),
                    self._watch(session),
                )
            finally:
                self._consuming = False
                if self._tracing:
                    self._tracing.abandon()

    def _upkeep(self) -> list[Upkeep]:
        """Return what is done by the clock beside the relay."""
        housekeeping = Housekeeping(self._settings.inbox_retention, self._lane.forgets)
        resealing = Resealing(self._processor, self._log)
        return [housekeeping, resealing, *([self._lane.upkeep] if self._lane.upkeep else [])]

    async def _open(self, name: str) -> Session:
        return await Session.open(self._settings.amqp_url.reveal(), name, tls=self._settings.amqp_tls)

    async def _until_one_ends(self, *parts: Any) -> None:  # noqa: ANN401 - coroutines
        tasks = [asyncio.ensure_future(part) for part in parts]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _watch(self, session: Session) -> None:
        """Look whether the broker still has our consumer.

        Where a queue's messages wait and nobody consumes them, a new session mends that; if that one has no
        consumer either, only a new process is left to try. A queue of which nothing is heard has no leader:
        its node is in a minority, or its cluster is, and the worker looks for another and says that it waits.
        One that delivers has a leader and a consumer, whatever the broker says of it: it may be busy.
        """
        unheard = taken = 0
        while True:
            await asyncio.sleep(_WATCH)
            if not self._consuming or self._stopping.is_set():
                continue
            waiting, consumers = await session.depth(self._lane.queue)
            delivers, taken = session.taken > taken, session.taken
            if consumers or delivers:
                self._missed, unheard = False, 0
            elif not waiting and unheard < _LOOKS:
                unheard += 1
            elif waiting and self._missed:
                raise ConsumerGoneError(self._lane.queue)
            else:
                self._missed = bool(waiting)
                raise BrokerLostError(f"no consumer on {self._lane.queue}")

    async def _work(self, session: Session, ledger: Ledger) -> None:
        stopper = asyncio.ensure_future(self._stop_consuming(session))
        pending: asyncio.Task[None] | None = None
        try:
            while not self._stopping.is_set():
                gathered = await session.gather(self._lane.batch, self._settings.linger.total_seconds())
                if pending and pending.done():
                    pending.result()
                if gathered:
                    crash_point("gathered")
                    pending = asyncio.ensure_future(
                        self._close(await self._handle(gathered, ledger), session, pending)
                    )
                    pending.add_done_callback(_retrieved)
                elif self._processor.confirmed:
                    await self._clear(ledger)
            if pending:
                await pending
            await self._clear(ledger)
        finally:
            stopper.cancel()
            if pending:
                pending.cancel()
                await asyncio.gather(pending, return_exceptions=True)

    async def _stop_consuming(self, session: Session) -> None:
        await self._stopping.wait()
        await session.stop_consuming()

    async def _clear(self, ledger: Ledger) -> None:
        """Delete, outside a batch, the rows of the outbox that the broker confirmed."""
        confirmed, self._processor.confirmed[:] = list(self._processor.confirmed), []
        if confirmed:
            await ledger.run("clear_outbox", confirmed)

    async def _handle(self, gathered: Sequence[ReceivedMessage | Rejected], ledger: Ledger) -> PendingAck:
        pending = PendingAck(tag=gathered[-1].arrived.tag, gathered_at=gathered[0].arrived.arrived_at)
        pending.unreadable += [message for message in gathered if isinstance(message, Rejected)]
        received = [message for message in gathered if isinstance(message, ReceivedMessage)]
        if self._tracing:
            self._tracing.begin(received)
        crash_point("parsed")
        usual = [t for t in received if t.arrived.deliveries < _SUSPECT]
        for batch in [usual, *([t] for t in received if t.arrived.deliveries >= _SUSPECT)]:
            if batch:
                self._tried.clear()
                try:
                    await self._settle(batch, ledger, pending)
                except LedgerLostError as loss:
                    if loss.blameless:
                        await self._acquit(ledger)
                    raise
                await self._acquit(ledger)
        return pending

    async def _settle(self, batch: list[ReceivedMessage], ledger: Ledger, pending: PendingAck) -> None:
        if await self._deadly(batch[0], ledger):
            pending.handled.append(parked(batch[0], "ends_the_process"))
            return
        if self._lane.effect:
            await self._mark_handled(batch, ledger)
            async with self._performing:
                await self._lane.effect(batch, ledger)
            crash_point("performed")
        self._budgets.count(batch, datetime.now(UTC))
        settled = await self._processor.settle(batch, ledger)
        self._budgets.settled(batch)
        pending.handled += settled.handled
        pending.alarms += settled.alarms
        pending.outgoing += settled.outgoing

    async def _deadly(self, suspect: ReceivedMessage, ledger: Ledger) -> bool:
        """Count an attempt at a message that was redelivered too often; return whether to park it."""
        if suspect.arrived.deliveries < _SUSPECT:
            return False
        tries = await ledger.value("count_try", suspect.id, datetime.now(UTC))
        self._tried.add(suspect.id)
        return bool(tries > _TRIES)

    async def _acquit(self, ledger: Ledger) -> None:
        """Take back the count of a try that no crash ended."""
        self._acquitted |= self._tried
        with suppress(LedgerLostError):  # at once, if it can be: other processes and copies count theirs, too
            await self._forgive(ledger)

    async def _forgive(self, ledger: Ledger) -> None:
        if self._acquitted:
            await ledger.run("forgive_tries", list(self._acquitted))
            self._acquitted.clear()

    async def _release(self, ledger: Ledger) -> None:
        """Let the relay publish at once what a lost session left: nobody else waits for its lease to end."""
        if self._unpublished:
            await ledger.run("release_outbox", list(self._unpublished))
            self._unpublished.clear()

    async def _mark_handled(self, batch: list[ReceivedMessage], ledger: Ledger) -> None:
        """Mark messages that are in the inbox or repeated within the batch: they get no effect."""
        rows = await ledger.rows("read_inbox", [t.id for t in batch])
        done = {row["message_id"].bytes for row in rows if row["done"]}
        for received in batch:
            received.handled = received.id.bytes in done
            done.add(received.id.bytes)

    async def _close(
        self, pending: PendingAck, session: Session, before: "asyncio.Task[None] | None"
    ) -> None:
        """Publish a batch and acknowledge it after the one before, while the next is processed."""
        rows = {row for row, _ in pending.outgoing}
        self._unpublished |= rows
        self._processor.confirmed += await self._publisher.publish(pending, session)
        self._unpublished -= rows
        crash_point("published")
        if before:
            await before
        await session.acknowledge(pending.tag)
        crash_point("acknowledged")
        self._pause = _SHORTEST_PAUSE
        self._log_handled(pending)

    def _log_handled(self, pending: PendingAck) -> None:
        now = datetime.now(UTC)
        loop_now = asyncio.get_running_loop().time()
        size = len(pending.handled)
        if self._tracing:
            self._tracing.end(pending.handled, pending.unreadable)
        for handled in pending.handled:
            received, enqueued = handled.received, handled.received.arrived.enqueued_at
            self._log.info(
                "message.handled",
                type=received.arrived.type,
                outcome=handled.outcome,
                code=handled.code,
                reason=handled.reason,
                actor=received.actor,
                message_id=received.arrived.message_id,
                correlation_id=received.correlation_id,
                subject=received.subjects[0].hex() if len(received.subjects) == 1 else None,
                attempt=received.arrived.deliveries + 1,
                waited_ms=round((now - enqueued).total_seconds() * 1000) if enqueued else None,
                took_ms=round((loop_now - pending.gathered_at) * 1000, 1),
                batch=size,
                **(received.measured or {}),
                **({"trace_id": received.span.trace_id} if received.span else {}),
            )
        for alarm in pending.alarms:
            self._log.warning("alarm.raised", alarm=alarm.type, **alarm.data)
        for unreadable in pending.unreadable:
            arrived = unreadable.arrived
            self._log.warning(
                "message.dead", reason=unreadable.reason, type=arrived.type[:64], user=arrived.user_id
            )


async def _find_room(ledger: Ledger) -> None:
    """See that something can be written before an SMS is sent, or a row published, once more in vain.

    Raises:
        LedgerLostError: the disk is full.
    """
    async with ledger.transaction():
        await ledger.value("use_disk")
        await ledger.value("find_room")


def _retrieved(task: "asyncio.Task[None]") -> None:
    """Mark the exception of a batch as retrieved: the next batch, or the loop, raises it."""
    if not task.cancelled():
        task.exception()
