"""A bundle: the deliveries of one batch of a deciding worker on one channel, as one message."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

import orjson

from services.notifier.outgoing import Held
from shared.contract import topology
from shared.contract.delivery import BUNDLE
from shared.contract.workers import WORKERS
from shared.errors import UnreadableMessageError
from shared.worker.reading import Parsed


@dataclass(frozen=True, slots=True)
class Sealed:
    """One delivery of a bundle, with its own seal."""

    id: UUID
    subject: bytes
    correlation_id: str
    attempt: int
    created_at: str
    seal: str
    held: Held | None = None
    """The provider that perhaps has it: only of a retry, where the channel has several providers."""
    traceparent: str = ""
    """The trace of the message that caused it, where that is traced."""
    asked_at: datetime | None = None
    """When the command came to the broker that caused it, if its sender or the broker says so."""

    @property
    def decided_at(self) -> datetime:
        """The instant of the decision, which is the message's date."""
        return datetime.fromisoformat(self.created_at)


@dataclass(frozen=True, slots=True)
class Bundle:
    """Deliveries on one channel, under a key that only the channel can open."""

    key: str
    deliveries: tuple[Sealed, ...]
    key_id: str = ""
    """Which of the channel's keys it is; bundles of earlier releases do not say it."""

    def only(self, deliveries: Iterable[Sealed]) -> bytes:
        """Return the body of a smaller bundle, with the same seals and key."""
        named = {"key_id": self.key_id} if self.key_id else {}
        return orjson.dumps(
            {"key": self.key, **named, "deliveries": [_fields(sealed) for sealed in deliveries]}
        )


@dataclass(frozen=True, slots=True)
class ReturningBundle:
    """Deliveries of a bundle that are retried, with the same seals."""

    exchange: ClassVar[str] = topology.NOTIFICATIONS
    type: ClassVar[str] = BUNDLE
    headers: ClassVar[Mapping[str, str]] = {}

    channel: str
    bundle: Bundle
    deliveries: tuple[Sealed, ...]

    @property
    def key(self) -> str:
        """The routing key."""
        return self.channel

    def body(self) -> bytes:
        """Return the body of the smaller bundle."""
        return self.bundle.only(self.deliveries)


def _fields(sealed: Sealed) -> dict[str, Any]:
    held = sealed.held
    return {
        "id": str(sealed.id),
        "subject": sealed.subject.hex(),
        "correlation_id": sealed.correlation_id,
        "attempt": sealed.attempt,
        "created_at": sealed.created_at,
        "seal": sealed.seal,
        # Workers of earlier releases ignore these.
        **({"provider": held.provider, "since": held.since.isoformat()} if held else {}),
        **({"traceparent": sealed.traceparent} if sealed.traceparent else {}),
        **({"asked_at": sealed.asked_at.isoformat()} if sealed.asked_at else {}),
    }


class BundleReader:
    """Reads the messages of a channel's lane."""

    def __call__(self, type_: str, body: bytes, role: str) -> Parsed:
        """Read one bundle.

        Raises:
            shared.errors.UnreadableMessageError: it is no bundle, or not from a worker.
        """
        if type_ != BUNDLE:
            raise UnreadableMessageError("unknown_type")
        if role not in WORKERS:
            raise UnreadableMessageError("forbidden_sender")
        try:
            bundle = _bundle(orjson.loads(body))
        except (ValueError, TypeError, KeyError, AttributeError):
            raise UnreadableMessageError("not_a_bundle") from None
        return Parsed(bundle, tuple({sealed.subject: None for sealed in bundle.deliveries}))


def _bundle(fields: dict[str, Any]) -> Bundle:
    deliveries = tuple(_sealed(one) for one in fields["deliveries"])
    return Bundle(str(fields["key"]), deliveries, str(fields.get("key_id", "")))


def _sealed(fields: dict[str, Any]) -> Sealed:
    subject = bytes.fromhex(fields["subject"])
    if len(subject) != 16:  # noqa: PLR2004 - a subject's size
        raise ValueError("no subject")
    datetime.fromisoformat(fields["created_at"])
    return Sealed(
        id=UUID(fields["id"]),
        subject=subject,
        correlation_id=str(fields["correlation_id"]),
        attempt=int(fields["attempt"]),
        created_at=fields["created_at"],
        seal=str(fields["seal"]),
        held=_held(fields),
        traceparent=str(fields.get("traceparent", "")),
        asked_at=_instant(fields["asked_at"]) if "asked_at" in fields else None,
    )


def _held(fields: dict[str, Any]) -> Held | None:
    if not (provider := fields.get("provider")):
        return None
    return Held(str(provider), _instant(fields["since"]))


def _instant(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError("no time zone")
    return at
