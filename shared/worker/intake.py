"""Step 2, parse: turns a delivered message into one to decide, or one for `pin.dead` with the reason."""

import hashlib
from datetime import UTC, datetime
from uuid import UUID

from shared.broker.message import Arrived
from shared.config.logs import reason_of
from shared.contract import topology
from shared.contract.workers import WORKERS
from shared.errors import UnreadableMessageError
from shared.worker.holding import cut, packed, whole
from shared.worker.lane import Lane
from shared.worker.reading import ReceivedMessage, Refusal, Rejected
from shared.worker.settings import WorkerSettings
from shared.worker.signatures import fault_of_signature

_LONGEST_CORRELATION = 255


def parse(arrived: Arrived, lane: Lane, settings: WorkerSettings) -> ReceivedMessage | Rejected:
    """Read one message; an unreadable one is returned as `Rejected`, with a stable reason.

    A large body is packed or cut. One from a worker is kept complete: another release may read it.
    """
    role = settings.role_of(arrived.user_id)
    kept, held = (whole, whole) if role in WORKERS else (cut, packed)
    message_id = _uuid(arrived.message_id)
    fault = _unfit(arrived, lane, role, message_id)
    fault = fault or fault_of_signature(arrived, correlation_id(arrived), settings, datetime.now(UTC))
    if fault or message_id is None:
        return Rejected(kept(arrived), fault or "no_message_id")
    try:
        parsed = lane.read(arrived.type, arrived.body, role or "")
    except UnreadableMessageError as error:
        return Rejected(kept(arrived), error.reason)
    except Exception as error:  # noqa: BLE001 - any error parks this message only
        return Rejected(kept(arrived), reason_of(error))
    return ReceivedMessage(
        arrived=kept(arrived) if isinstance(parsed.message, Refusal) else held(arrived),
        id=message_id,
        digest=_digest(arrived),
        actor=arrived.user_id,
        correlation_id=correlation_id(arrived),
        message=parsed.message,
        subjects=parsed.subjects,
        blind=parsed.blind,
    )


def _unfit(arrived: Arrived, lane: Lane, role: str | None, message_id: UUID | None) -> str | None:
    if not arrived.type:
        return "type_unreadable" if "message_type" in arrived.unreadable else "no_type"
    if fault := _astray(arrived, lane):
        return fault
    if not arrived.message_id:
        return "message_id_unreadable" if "message_id" in arrived.unreadable else "no_message_id"
    if message_id is None:
        return "message_id_is_no_uuid"
    if not arrived.user_id:
        return "user_id_unreadable" if "user_id" in arrived.unreadable else "no_user_id"
    return None if role else "unknown_sender"


def _astray(arrived: Arrived, lane: Lane) -> str | None:
    """Return why a message came by no way that leads to this lane, or None.

    The broker checks who may publish to an exchange, and with which keys. What was published elsewhere, and
    got here by a binding that somebody else made, has passed none of these checks.
    """
    if arrived.exchange and arrived.exchange not in lane.exchanges:
        return "forbidden_exchange"
    match arrived.exchange:
        case topology.COMMANDS:
            expected = arrived.type
        case topology.NOTIFICATIONS:
            expected = lane.queue.rpartition(".")[2]
        case topology.RECEIVED:
            return None  # a fanout, which looks at no key
        case _:
            expected = lane.queue  # the default exchange, by which `pinctl dead replay` publishes
    return None if arrived.routing_key == expected else "type_is_not_routing_key"


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _digest(arrived: Arrived) -> bytes:
    parts = (arrived.type.encode(), arrived.user_id.encode(), arrived.body)
    return hashlib.blake2b(b"\0".join(parts), digest_size=16).digest()


def correlation_id(arrived: Arrived) -> str:
    """Return the message's correlation id, or its message id if there is no valid one."""
    given = arrived.correlation_id
    fit = given and len(given) <= _LONGEST_CORRELATION and given.isprintable()
    return given if fit else arrived.message_id
