"""What a worker decides: values in, values out; the shell does all I/O."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Generic, NoReturn, Protocol, TypeVar
from uuid import UUID

from shared.contract import topology
from shared.contract.delivery import Content
from shared.contract.event import EventData
from shared.contract.ids import timed_id
from shared.contract.reply import Reply
from shared.crypto.secret import Secret
from shared.domain.account import Account
from shared.domain.log_ins import LogIns
from shared.domain.pin import Pepper
from shared.domain.policy import PinPolicy


class Box(Protocol):
    """Opens what was sealed to this worker, and seals replies to the sender's key."""

    def open(self, sealed: str) -> Secret | None:
        """Return what is inside.

        None when it was not sealed to this worker, or not in the form demanded: nothing can be compared, and
        nothing is counted. An empty secret when it was sealed for another message: as wrong as any other.
        """

    def seal(self, secret: Secret, key: str) -> str:
        """Seal a secret to an X25519 public key (base64)."""


class Unkeyed:
    """Stands for the key that a process does not have: a decision that uses it is at fault, and parked."""

    def __getattr__(self, name: str) -> NoReturn:
        raise TypeError(f"no key to {name} with: this process has none on its ring")


@dataclass(frozen=True, slots=True)
class DecisionContext:
    """The inputs of every decision: the time, randomness, the settings and the keys.

    Attributes:
        now: the instant of the decision, UTC.
        random: cryptographic randomness, n bytes.
        policy: the settings of the PIN's life.
        pepper: the key of the verifiers, on lanes that make or compare secrets.
        box: opens what was sealed to this worker for this message, on lanes that something is sealed to.
    """

    now: datetime
    random: Callable[[int], bytes]
    policy: PinPolicy
    pepper: Pepper
    box: Box

    def uuid(self) -> UUID:
        """Return a new random UUID (version 4, RFC 9562)."""
        return UUID(bytes=self.random(16), version=4)

    def delivery_id(self) -> UUID:
        """Return a new id of a delivery, which begins with the time.

        By the time in it a receipt is recognised that comes when the delivery has long been forgotten.
        """
        return timed_id(self.now, self.random)


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_WITH_TIME = 7
"""The version of a UUID that begins with the time."""


def made_at(delivery_id: UUID) -> datetime | None:
    """Return when a delivery was decided, by its id; those of earlier releases have no time in them."""
    if delivery_id.version != _WITH_TIME:
        return None
    return _EPOCH + timedelta(milliseconds=delivery_id.int >> 80)


Known_co = TypeVar("Known_co", covariant=True)


@dataclass(frozen=True, slots=True)
class ContextWith(DecisionContext, Generic[Known_co]):
    """The context, and what the lane has determined for one message.

    Attributes:
        known: the result of the lane's effect, or of its `Facts`; its type depends on the decision.
    """

    known: Known_co


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """One line of the ledger: what happened, with no personal data.

    Who acted is the sender of the message, or the operator whom it declares: office and broker user are then
    added to the data. `subject` is None for the citizen whom the message is about, `correlation_id` for the
    message's own.
    """

    kind: str
    data: Mapping[str, Any] = field(default_factory=dict)
    subject: bytes | None = None
    correlation_id: str | None = None


NOBODY = b""
"""The subject of an event that is about no citizen: it is published as null."""


@dataclass(frozen=True, slots=True)
class Event:
    """One published fact; `subject` as in `LedgerEntry`, `correlation_id` None for the message's own.

    `NOBODY` is the subject of one that is about no citizen.
    """

    fact: EventData
    subject: bytes | None = None
    correlation_id: str | None = None

    @property
    def type(self) -> str:
        """Its type, which is also the routing key."""
        return self.fact.type

    @property
    def data(self) -> dict[str, Any]:
        """Its data, as an entry stores it: identifiers are texts."""
        known = self.fact.__dict__.items()
        return {name: str(value) if isinstance(value, UUID) else value for name, value in known}


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message to the citizen on one channel."""

    id: UUID
    channel: str
    content: Content


class Sayable(Protocol):
    """What a worker may send to a worker: an `InternalCommand`, a returned bundle, a `ParkedMessage`.

    It has an exchange, a routing key, a type, headers and a body: JSON, with no personal data and no
    readable secret.
    """

    @property
    def exchange(self) -> str:
        """The exchange it is published to."""

    @property
    def key(self) -> str:
        """Its routing key."""

    @property
    def type(self) -> str:
        """Its type."""

    @property
    def headers(self) -> Mapping[str, str]:
        """Its headers."""

    def body(self) -> bytes:
        """Return its body."""


@dataclass(frozen=True, slots=True)
class ParkedMessage:
    """A message that a decision parks: it goes to `pin.dead`, to wait for an operator.

    Attributes:
        type: its type.
        content: its body, as received.
        reason: a stable word.
        queue: the lane that it came to.
        routing_key: with which it arrived there; empty if that does not matter.
    """

    exchange: ClassVar[str] = topology.DEAD
    key: ClassVar[str] = ""

    type: str
    content: bytes
    reason: str
    queue: str
    routing_key: str = ""

    @property
    def headers(self) -> Mapping[str, str]:
        """Why it was parked, and where it came from."""
        known = {"x-reason": self.reason, "x-queue": self.queue}
        return known | {"x-routing-key": self.routing_key} if self.routing_key else known

    def body(self) -> bytes:
        """Return the body as received."""
        return self.content


@dataclass(frozen=True, slots=True)
class WorkerMessage:
    """A message from a worker to a worker, at once or later.

    Attributes:
        said: its content, which determines exchange, key, type, headers and body.
        due_at: the instant from which it may be published; None is now.
        correlation_id: None for that of the message that caused it.
    """

    said: Sayable
    due_at: datetime | None = None
    correlation_id: str | None = None

    @property
    def exchange(self) -> str:
        """The exchange it is published to."""
        return self.said.exchange

    @property
    def key(self) -> str:
        """Its routing key."""
        return self.said.key

    @property
    def type(self) -> str:
        """Its type."""
        return self.said.type

    @property
    def headers(self) -> Mapping[str, str]:
        """Its headers."""
        return self.said.headers

    @property
    def body(self) -> bytes:
        """Its body."""
        return self.said.body()


@dataclass(frozen=True, slots=True)
class DeliveryRecord:
    """The new state of the row of one delivery.

    Attributes:
        reported: what was reported of it beside its end, each once as `status/evidence`, with spaces between.
        awaits_since: since when a receipt of acceptance is waited for; None if none is, or one came.
    """

    id: UUID
    subject: bytes
    channel: str
    status: str
    attempts: int
    reference: str = ""
    correlation_id: str = ""
    reported: str = ""
    awaits_since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """What changes and what is to be published. The empty one changes and publishes nothing.

    Attributes:
        sent_to: the destinations of its messages that are counted by destination and day.
        log_ins: how many log-ins of the citizen are counted by now without an entry.
        reason: a stable word for the log, where the reply does not say why.
    """

    reply: Reply | None = None
    account: Account | None = None
    entries: tuple[LedgerEntry, ...] = ()
    events: tuple[Event, ...] = ()
    deliveries: tuple[Delivery, ...] = ()
    messages: tuple[WorkerMessage, ...] = ()
    records: tuple[DeliveryRecord, ...] = ()
    sent_to: tuple[bytes, ...] = ()
    log_ins: LogIns | None = None
    reason: str = ""

    def but(self, **changes: Any) -> "Decision":  # noqa: ANN401 - any of the fields
        """Return a copy with some parts changed."""
        return replace(self, **changes)


Decide = Callable[[Account, Any, ContextWith[Any]], Decision]
Decisions = Mapping[type[Any], Decide]
"""The table of a lane: the decision for each type of message."""
