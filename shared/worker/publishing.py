"""Step 5, publish: the messages of a committed batch, from memory."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from shared.broker.message import Arrived, Message
from shared.broker.session import Session
from shared.contract import topology
from shared.contract.command import Command
from shared.crypto.signing import KEY_ID, SIGNATURE, SIGNED_AT, Signed, Signer
from shared.domain.decision import Event
from shared.worker.batch import MessageResult
from shared.worker.holding import unpacked
from shared.worker.intake import correlation_id
from shared.worker.lane import Lane
from shared.worker.reading import Rejected
from shared.worker.replies import DirectReplies, is_direct, reply_queue
from shared.worker.settings import WorkerSettings


@dataclass(slots=True)
class PendingAck:
    """All that has to be published before a batch may be acknowledged up to `tag`."""

    tag: int
    gathered_at: float
    handled: list[MessageResult] = field(default_factory=list)
    unreadable: list[Rejected] = field(default_factory=list)
    outgoing: list[tuple[UUID, list[Message]]] = field(default_factory=list)
    alarms: list[Event] = field(default_factory=list)


def _is_timed(handled: MessageResult) -> bool:
    """Whether a reply leaves in its time: each to a blind command, and of others what refuses an attempt."""
    received = handled.received
    may_refuse = isinstance(received.message, Command) and received.message.timed_refusals
    return received.blind or (may_refuse and handled.outcome != "accepted")


class Publisher:
    """Publishes each batch over one session, and direct replies over another."""

    def __init__(
        self,
        lane: Lane,
        settings: WorkerSettings,
        direct: DirectReplies,
        log: Any,  # noqa: ANN401 - structlog
        signer: Signer | None = None,
    ) -> None:
        self._lane, self._settings, self._direct, self._log = lane, settings, direct, log
        self._signer = signer

    async def publish(self, pending: PendingAck, session: Session) -> list[UUID]:
        """Publish the messages of a batch; return the rows of the outbox that the broker confirmed.

        Replies whose time would tell who has a PIN are sent a fixed time after the command arrived.

        Raises:
            BrokerLostError: some are not confirmed; the batch must not be acknowledged.
        """
        dead = [
            self._dead(h.received.arrived, h.code, h.received.traceparent())
            for h in pending.handled
            if h.outcome == "parked"
        ]
        dead += [self._dead(u.arrived, u.reason, u.arrived.traceparent) for u in pending.unreadable]
        replies = [(_is_timed(h), r) for h in pending.handled if (r := self._reply(h))]
        messages = [m for _, part in pending.outgoing for m in part] + dead
        routed = await self._send(messages, [reply for timed, reply in replies if not timed], session)
        await self._publish_timed([reply for timed, reply in replies if timed], pending.gathered_at, session)
        return self._confirmed(pending.outgoing, routed)

    async def _publish_timed(self, replies: list[Message], gathered_at: float, session: Session) -> None:
        if not replies:
            return
        loop = asyncio.get_running_loop()
        leave_at = gathered_at + self._settings.blind_reply_after.total_seconds()
        await asyncio.sleep(max(0.0, leave_at - loop.time()))
        await self._send([], replies, session)

    async def _send(self, messages: list[Message], replies: list[Message], session: Session) -> list[bool]:
        """Publish messages and replies together; return for each message whether it reached a queue."""
        direct = [reply for reply in replies if is_direct(reply.routing_key)]
        queued = [reply for reply in replies if not is_direct(reply.routing_key)]
        limit = self._settings.publish_limit.total_seconds()
        received, routed = await asyncio.gather(
            self._direct.send(direct), session.publish(messages + queued, limit)
        )
        self._log_dropped(direct, received)
        self._log_dropped(queued, routed[len(messages) :])
        return list(routed[: len(messages)])

    def _confirmed(self, outgoing: list[tuple[UUID, list[Message]]], routed: Sequence[bool]) -> list[UUID]:
        confirmed, start = [], 0
        for row, messages in outgoing:
            if all(routed[start : start + len(messages)]):
                confirmed.append(row)
            else:
                self._log.error("outbox.unroutable", row=str(row), exchange=messages[0].exchange)
            start += len(messages)
        return confirmed

    def _log_dropped(self, replies: list[Message], routed: Sequence[bool]) -> None:
        for reply, reached in zip(replies, routed, strict=True):
            if not reached:
                self._log.info("reply.dropped", correlation_id=reply.correlation_id)

    def _reply(self, handled: MessageResult) -> Message | None:
        arrived = handled.received.arrived
        if handled.reply is None or not arrived.reply_to:
            return None
        queue = reply_queue(arrived)
        if queue is None:
            self._log.warning(
                "reply.refused", correlation_id=handled.received.correlation_id, user=arrived.user_id
            )
            return None
        message_id, correlation_id = str(uuid4()), arrived.correlation_id or arrived.message_id
        trace = handled.received.traceparent()
        headers = {"traceparent": trace} if trace else {}
        if self._signer:
            signed = Signed("reply", message_id, correlation_id, self._lane.worker, queue, handled.reply)
            headers |= self._signer.headers(signed, datetime.now(UTC))
        return Message(
            exchange="",
            routing_key=queue,
            body=handled.reply,
            type="reply",
            message_id=message_id,
            # RabbitMQ reports every direct reply as unroutable.
            mandatory=not is_direct(queue),
            correlation_id=correlation_id,
            headers=headers,
            user_id=self._lane.worker,
        )

    def _dead(self, arrived: Arrived, reason: str, trace: str) -> Message:
        headers: dict[str, Any] = {
            "x-reason": reason,
            "x-queue": self._lane.queue,
            "x-routing-key": arrived.routing_key,
            "x-user-id": arrived.user_id,
            "x-reply-to": arrived.reply_to,
            "timestamp_in_ms": int(datetime.now(UTC).timestamp() * 1000),
        }
        if trace:
            headers["traceparent"] = trace
        # The sender's own signature: it still holds when the message is replayed.
        kept = ((SIGNATURE, arrived.signature), (SIGNED_AT, arrived.signed_at), (KEY_ID, arrived.key_id))
        headers |= {name: text for name, text in kept if text}
        if arrived.cut:
            headers |= {"x-length": arrived.cut.length, "x-sha256": arrived.cut.sha256}
        return Message(
            exchange=topology.DEAD,
            routing_key="",
            body=unpacked(arrived),
            type=arrived.type,
            message_id=arrived.message_id or str(uuid4()),
            correlation_id=correlation_id(arrived),
            headers=headers,
            user_id=self._lane.worker,
        )
