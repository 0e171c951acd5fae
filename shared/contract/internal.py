"""What a worker tells another, or itself for later.

These are small, and apart from the commands of citizens: a channel loads them, and not the whole contract.
"""

from typing import Annotated, ClassVar, Final, Literal

from pydantic import Field

from shared.contract import topology
from shared.contract.channels import ChannelName
from shared.contract.command import InternalCommand, WorkerCommand
from shared.contract.fields import Day, Identifier, Line, Word, WrittenInstant
from shared.contract.notifier import DeliveryReceipt
from shared.contract.workers import DISPOSITIVO, ISSUER, NOTIFIER, REVOKER

ReportStatus = Literal["accepted", "posted", "delayed", "delivered", "failed", "returned", "unsuitable"]
"""What a provider's evidence says of a delivery.

`accepted` (the provider has taken charge), `posted` and `delayed` end nothing. `unsuitable`: it went out, to
an address that cannot receive by this channel, such as ordinary mail in place of PEC.
"""


class Expire(InternalCommand):
    """The initial PIN was not used in time."""

    type: ClassVar[str] = "internal.issuer.expire"
    lane: ClassVar[str] = topology.ISSUER_REQUESTS
    senders: ClassVar[frozenset[str]] = frozenset({ISSUER, REVOKER})

    pin_id: Identifier


class FailedDelivery(InternalCommand):
    """A delivery ended without arriving; the issuer decides what that means for the PIN."""

    type: ClassVar[str] = "internal.issuer.delivery_failed"
    lane: ClassVar[str] = topology.ISSUER_REQUESTS
    senders: ClassVar[frozenset[str]] = frozenset({NOTIFIER})

    delivery_id: Identifier
    reason: Line


class ReturnedLetter(InternalCommand):
    """A letter came back, which revokes the PIN."""

    type: ClassVar[str] = "internal.issuer.letter_returned"
    lane: ClassVar[str] = topology.ISSUER_REQUESTS
    senders: ClassVar[frozenset[str]] = frozenset({NOTIFIER})

    delivery_id: Identifier


class UnsuitableAddress(InternalCommand):
    """A delivery went to an address that cannot receive by its channel: ordinary mail in place of PEC."""

    type: ClassVar[str] = "internal.issuer.address_unsuitable"
    lane: ClassVar[str] = topology.ISSUER_REQUESTS
    senders: ClassVar[frozenset[str]] = frozenset({NOTIFIER})

    delivery_id: Identifier


class TakeEffect(InternalCommand):
    """The 24 hours after an approval are over (R29)."""

    type: ClassVar[str] = "internal.dispositivo.take_effect"
    lane: ClassVar[str] = topology.DISPOSITIVO
    senders: ClassVar[frozenset[str]] = frozenset({DISPOSITIVO})

    request_id: Identifier


class TellSuspended(InternalCommand):
    """A day is over on which more than one istanza was suspended (R31)."""

    type: ClassVar[str] = "internal.dispositivo.tell_suspended"
    lane: ClassVar[str] = topology.DISPOSITIVO
    senders: ClassVar[frozenset[str]] = frozenset({DISPOSITIVO})

    day: Day


class EarlyReceipt(WorkerCommand):
    """A receipt that came before its delivery was recorded, on its way round.

    It names nobody, and is no message of the contract's table: the lane of receipts reads it by itself.
    """

    type: ClassVar[str] = "internal.notifier.receipt"
    lane: ClassVar[str] = topology.RECEIPTS
    senders: ClassVar[frozenset[str]] = frozenset({NOTIFIER})

    receipt: DeliveryReceipt
    rounds: Annotated[int, Field(ge=1)]
    """How often it found no delivery."""


class ProviderReport(WorkerCommand):
    """What evidence of a provider says of one delivery.

    A receipt or a bounce that came as mail, a receipt in an SMPP session, an answer of the print shop.

    It names nobody. Whoever read the evidence has checked it; the lane of receipts decides what it means.
    """

    type: ClassVar[str] = "internal.notifier.report"
    lane: ClassVar[str] = topology.RECEIPTS
    senders: ClassVar[frozenset[str]] = frozenset({NOTIFIER})

    channel: ChannelName
    delivery_id: Identifier | None = None
    reference: Annotated[str, Field(max_length=200)] = ""
    """The provider's own reference of the delivery, where the evidence does not name its id."""
    status: ReportStatus
    evidence: Word
    """What it follows from, a stable word: `pec_avvenuta_consegna`, `dsn_5.1.1`, `smpp_delivrd`."""
    provider: Line
    occurred_at: WrittenInstant
    """When the provider says that it happened."""
    forgeable: bool = False
    """Whether anybody who knows the delivery's id could have written the evidence, as with a bounce. It ends
    only what is `sent`, and one that names no delivery is not kept for a person."""
    rounds: Annotated[int, Field(ge=0)] = 0
    """How often it found no delivery."""


INTERNAL: Final[tuple[type[WorkerCommand], ...]] = (
    Expire,
    FailedDelivery,
    ReturnedLetter,
    UnsuitableAddress,
    TakeEffect,
    TellSuspended,
    EarlyReceipt,
    ProviderReport,
)
"""Every one of them."""
