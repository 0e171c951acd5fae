"""What the workers tell the world: facts, without personal data and without secrets."""

from collections.abc import Mapping
from datetime import datetime
from typing import ClassVar, Literal, Self
from uuid import UUID

from pydantic import SerializeAsAny, ValidationInfo, field_validator
from pydantic_core import to_json

from shared.contract.alarm_events import OperatorLookedOften, PortalOverBudget
from shared.contract.delivery_events import (
    DeliveryDelivered,
    DeliveryFailed,
    DeliveryReturned,
    DeliverySent,
    DeliveryUnsuitable,
)
from shared.contract.event import EventData, RejectionData
from shared.contract.fields import (
    Correlation,
    Identifier,
    Instant,
    Level,
    Protocol,
    Reference,
    Subject,
    WrittenInstant,
    fault,
)
from shared.contract.model import Model
from shared.contract.workers import DISPOSITIVO, ISSUER, REVOKER

RevocationCause = Literal["citizen", "contact_centre", "undeliverable", "letter_returned", "deceased"]
"""Why a PIN was revoked."""


class PinIssued(EventData):
    """A PIN was issued; its halves are on their way (R5, R6)."""

    type: ClassVar[str] = "pin.issued"
    workers: ClassVar[frozenset[str]] = frozenset({ISSUER})

    level: Level
    expires_at: Instant
    """The instant at which it has ended if nobody used it: midnight in Italy after the day that was told."""


class PinRequestRejected(RejectionData):
    """A request for a PIN was rejected."""

    type: ClassVar[str] = "pin.request_rejected"
    workers: ClassVar[frozenset[str]] = frozenset({ISSUER})


class PinActivated(EventData):
    """First access: the PIN of 8 characters replaced that of 16 (R10, R16)."""

    type: ClassVar[str] = "pin.activated"
    workers: ClassVar[frozenset[str]] = frozenset({ISSUER})


class PinLocked(EventData):
    """Too many failed attempts in a row locked the PIN for a time."""

    type: ClassVar[str] = "pin.locked"
    workers: ClassVar[frozenset[str]] = frozenset({ISSUER})

    until: Instant


class PinBlocked(EventData):
    """Too many failed attempts blocked the PIN until it is restored or revoked."""

    type: ClassVar[str] = "pin.blocked"
    workers: ClassVar[frozenset[str]] = frozenset({ISSUER})


class PinExpired(EventData):
    """An initial PIN was not used in time."""

    type: ClassVar[str] = "pin.expired"
    workers: ClassVar[frozenset[str]] = frozenset({ISSUER})


class PinRevoked(EventData):
    """A PIN ended (R20, R21), also because the citizen did."""

    type: ClassVar[str] = "pin.revoked"
    workers: ClassVar[frozenset[str]] = frozenset({ISSUER, REVOKER})

    cause: RevocationCause


class ContactsUpdated(EventData):
    """The registered contacts changed (R12)."""

    type: ClassVar[str] = "contacts.updated"
    workers: ClassVar[frozenset[str]] = frozenset({ISSUER, REVOKER})


class CitizenErased(EventData):
    """What was kept about the citizen is erased: by an operator, or because the PIN ended long ago."""

    type: ClassVar[str] = "citizen.erased"
    workers: ClassVar[frozenset[str]] = frozenset({ISSUER})


class RestoreRequested(EventData):
    """A citizen asked to restore the PIN (R13)."""

    type: ClassVar[str] = "restore.requested"
    workers: ClassVar[frozenset[str]] = frozenset({REVOKER})


class RestoreConfirmed(EventData):
    """A citizen confirmed the restoring; a new PIN goes out (R15)."""

    type: ClassVar[str] = "restore.confirmed"
    workers: ClassVar[frozenset[str]] = frozenset({REVOKER})


class RevokeRequested(EventData):
    """A citizen asked to revoke the PIN (R19)."""

    type: ClassVar[str] = "revoke.requested"
    workers: ClassVar[frozenset[str]] = frozenset({REVOKER})


class DispositivoRequested(EventData):
    """A citizen asked for the dispositivo profile (R22)."""

    type: ClassVar[str] = "dispositivo.requested"
    workers: ClassVar[frozenset[str]] = frozenset({DISPOSITIVO})


class DocumentsReceived(EventData):
    """The signed form and the document's copy came in (R24)."""

    type: ClassVar[str] = "dispositivo.documents_received"
    workers: ClassVar[frozenset[str]] = frozenset({DISPOSITIVO})


class DispositivoApproved(EventData):
    """An operator approved a request (R25)."""

    type: ClassVar[str] = "dispositivo.approved"
    workers: ClassVar[frozenset[str]] = frozenset({DISPOSITIVO})

    effective_at: WrittenInstant


class DispositivoCancelled(EventData):
    """An operator cancelled a request (R28)."""

    type: ClassVar[str] = "dispositivo.cancelled"
    workers: ClassVar[frozenset[str]] = frozenset({DISPOSITIVO})

    reason: Literal["incomplete", "illegible", "mismatch"]


class DispositivoActivated(EventData):
    """The PIN became dispositivo (R8, R26, R29)."""

    type: ClassVar[str] = "dispositivo.activated"
    workers: ClassVar[frozenset[str]] = frozenset({DISPOSITIVO})

    channel: Literal["online", "fax", "branch", "recognition", "backfill"]


class IstanzaProtocolled(EventData):
    """An istanza was accepted and protocolled (R30, R31)."""

    type: ClassVar[str] = "istanza.protocolled"
    workers: ClassVar[frozenset[str]] = frozenset({DISPOSITIVO})

    istanza_id: Reference
    protocol: Protocol
    status: Literal["in_progress", "suspended"]


class IstanzaReleased(EventData):
    """A suspended istanza was released (R32)."""

    type: ClassVar[str] = "istanza.released"
    workers: ClassVar[frozenset[str]] = frozenset({ISSUER, DISPOSITIVO})

    istanza_id: Reference
    protocol: Protocol


EVENTS: Mapping[str, type[EventData]] = {
    data.type: data
    for data in (
        PinIssued,
        PinRequestRejected,
        PinActivated,
        PinLocked,
        PinBlocked,
        PinExpired,
        PinRevoked,
        ContactsUpdated,
        CitizenErased,
        RestoreRequested,
        RestoreConfirmed,
        RevokeRequested,
        DispositivoRequested,
        DocumentsReceived,
        DispositivoApproved,
        DispositivoCancelled,
        DispositivoActivated,
        IstanzaProtocolled,
        IstanzaReleased,
        OperatorLookedOften,
        PortalOverBudget,
        DeliverySent,
        DeliveryDelivered,
        DeliveryFailed,
        DeliveryReturned,
        DeliveryUnsuitable,
    )
}
"""Every event's data by the event's type."""


class Event(Model):
    """One fact about one citizen.

    Attributes:
        event_id: the same whenever the same fact is published again.
        subject: the pseudonym of the citizen; null for a fact about nobody in particular, such as a command
            that broke the rules of its fields, whose sender may have named anybody.
    """

    event_id: Identifier
    type: str
    subject: Subject | None
    correlation_id: Correlation
    occurred_at: Instant
    data: SerializeAsAny[EventData]

    @field_validator("data", mode="wrap")
    @classmethod
    def _as_its_type(cls, data: object, _: object, info: ValidationInfo) -> EventData:
        if not (kind := EVENTS.get(info.data.get("type", ""))):
            raise fault("unknown_event", "There is no event of this type.")
        return data if isinstance(data, kind) else kind.model_validate_json(to_json(data))

    @classmethod
    def of(
        cls,
        data: EventData,
        *,
        event_id: UUID,
        subject: str | None,
        correlation_id: str,
        occurred_at: datetime,
    ) -> Self:
        """Return the event that says `data` about the citizen with this pseudonym, or about nobody."""
        return cls(
            event_id=event_id,
            type=data.type,
            subject=subject,
            correlation_id=correlation_id,
            occurred_at=occurred_at,
            data=data,
        )

    def body(self) -> bytes:
        """Return the event as the JSON that is published."""
        return self.__pydantic_serializer__.to_json(self)
