"""Step 2, parse: from what was delivered to what can be decided, or to `pin.dead` with the reason."""

import hashlib
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from shared.account import Account
from shared.amqp import Arrived
from shared.contract import message as contract
from shared.contract.command import CitizenCommand, InternalCommand
from shared.contract.reply import Reply, rejected
from shared.decision import DECISIONS, Decide, Decision, Event, Moment
from shared.sealing import Pseudonyms
from shared.worker.lane import Lane, Parsed, Taken, Unreadable
from shared.worker.settings import WorkerSettings

_LONGEST_CORRELATION = 255


def take(arrived: Arrived, lane: Lane, settings: WorkerSettings) -> Taken | Unreadable:
    """Read one message; what cannot be read comes back as `Unreadable`, with a stable reason."""
    role = settings.role_of(arrived.user_id)
    if fault := _unfit(arrived, lane, role):
        return Unreadable(arrived, fault)
    try:
        parsed = lane.read(arrived.type, arrived.body, role or "")
    except contract.Unreadable as error:
        return Unreadable(arrived, error.reason)
    return Taken(
        arrived=arrived,
        id=UUID(arrived.message_id),
        digest=_digest(arrived),
        actor=arrived.user_id,
        correlation_id=correlation_id(arrived),
        message=parsed.message,
        subjects=parsed.subjects,
        decide=parsed.decide,
        blind=parsed.blind,
        refusal=parsed.refusal,
    )


def _unfit(arrived: Arrived, lane: Lane, role: str | None) -> str | None:
    if not arrived.type:
        return "no_type"
    if arrived.routing_key not in {arrived.type, lane.queue, lane.queue.rpartition(".")[2]}:
        return "type_is_not_routing_key"
    if not arrived.message_id:
        return "no_message_id"
    if not _is_uuid(arrived.message_id):
        return "message_id_is_no_uuid"
    if not arrived.user_id:
        return "no_user_id"
    return None if role else "unknown_sender"


def _is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True


def _digest(arrived: Arrived) -> bytes:
    parts = (arrived.type.encode(), arrived.user_id.encode(), arrived.body)
    return hashlib.blake2b(b"\0".join(parts), digest_size=16).digest()


def correlation_id(arrived: Arrived) -> str:
    """Return the message's correlation id; its message id where it has none that can be kept."""
    given = arrived.correlation_id
    fit = given and len(given) <= _LONGEST_CORRELATION and given.isprintable()
    return given if fit else arrived.message_id


def reply_queue(arrived: Arrived) -> str | None:
    """Return where a reply may go, or None: nobody can aim a worker's reply at a worker."""
    name = arrived.reply_to
    allowed = ("amq.gen-", "amq.rabbitmq.reply-to", f"reply.{arrived.user_id}.")
    return name if name.startswith(allowed) else None


class CommandReader:
    """Reads the commands of one lane of the contract."""

    def __init__(self, queue: str, pseudonyms: Pseudonyms) -> None:
        self._queue, self._pseudonyms = queue, pseudonyms
        self._known: Mapping[str, Any] = {
            name: command for name, command in contract.COMMANDS.items() if command.lane == queue
        }

    def __call__(self, type_: str, body: bytes, role: str) -> Parsed:
        """Read one command.

        Raises:
            shared.contract.Unreadable: it is not a command of this lane, or not from who may send it.
        """
        known = self._known.get(type_)
        if known is None:
            raise contract.Unreadable("unknown_type")
        if role not in known.senders:
            raise contract.Unreadable("forbidden_sender")
        try:
            command = contract.read(type_, body)
        except contract.Invalid as invalid:
            return self._refused(known, invalid, rejected("invalid", faults=invalid.faults))
        if command.forbidden_for(role):
            raise contract.Unreadable("forbidden_sender")
        return Parsed(command, self._subjects(command), DECISIONS[known], blind=known.blind)

    def _subjects(self, command: Any) -> tuple[bytes, ...]:  # noqa: ANN401 - any command
        match command:
            case InternalCommand():
                return (bytes.fromhex(command.subject),)
            case CitizenCommand():
                return (self._pseudonyms.of(command.codice_fiscale),)
            case _:
                return ()

    def _refused(self, known: Any, invalid: contract.Invalid, reply: Reply) -> Parsed:  # noqa: ANN401
        events: tuple[Event, ...] = ()
        if known.rejection_event:
            events = (
                Event(
                    known.rejection_event,
                    {"code": reply.code},
                    subject=self._pseudonyms.of(invalid.codice_fiscale or ""),
                ),
            )
        return Parsed(None, (), _refusing(reply, events), refusal=reply)


def _refusing(reply: Reply, events: tuple[Event, ...]) -> Decide:
    def refuse(_: Account, __: Any, ___: Moment) -> Decision:  # noqa: ANN401 - no message to decide about
        return Decision(reply=reply, events=events)

    return refuse
