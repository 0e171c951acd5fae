"""What became of a delivery. A channel loads these events, and no others."""

from collections.abc import Mapping
from typing import Annotated, ClassVar

from pydantic import Field

from shared.contract.channels import ChannelName
from shared.contract.event import EventData
from shared.contract.fields import Identifier, Word
from shared.contract.workers import NOTIFIER


class DeliveryData(EventData):
    """Which delivery, on which channel, at which try."""

    workers: ClassVar[frozenset[str]] = frozenset({NOTIFIER})

    delivery_id: Identifier
    channel: ChannelName
    attempt: Annotated[int, Field(ge=1)]


class DeliverySent(DeliveryData):
    """A delivery was handed to its provider."""

    type: ClassVar[str] = "delivery.sent"


class DeliveryReported(DeliveryData):
    """What became of a delivery, and how that is known."""

    evidence: Word | None = None
    """The evidence that says so, a stable word: `gateway_receipt`, or a kind of PEC receipt, bounce or other
    answer of a provider (`pec_avvenuta_consegna`). Null where the delivery failed at its hand-over.
    """


class DeliveryDelivered(DeliveryReported):
    """A delivery arrived, so its provider says."""

    type: ClassVar[str] = "delivery.delivered"


class DeliveryFailed(DeliveryReported):
    """A delivery ended without arriving."""

    type: ClassVar[str] = "delivery.failed"


class DeliveryReturned(DeliveryReported):
    """A letter came back."""

    type: ClassVar[str] = "delivery.returned"


class DeliveryUnsuitable(DeliveryReported):
    """A delivery went out, to an address that cannot receive by this channel: ordinary mail in place of PEC.

    It ends nothing: what becomes of the delivery is told by another event.
    """

    type: ClassVar[str] = "delivery.unsuitable"


DELIVERY_EVENTS: Mapping[str, type[DeliveryData]] = {
    "sent": DeliverySent,
    "delivered": DeliveryDelivered,
    "failed": DeliveryFailed,
    "returned": DeliveryReturned,
    "unsuitable": DeliveryUnsuitable,
}
"""By how a delivery stands, or what is reported of it. One that is postponed is nobody's concern."""
