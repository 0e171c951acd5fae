"""What became of a delivery. A channel loads these events, and no others."""

from collections.abc import Mapping
from typing import Annotated, ClassVar

from pydantic import Field

from shared.contract.channels import ChannelName
from shared.contract.event import EventData
from shared.contract.fields import Identifier
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


class DeliveryDelivered(DeliveryData):
    """A delivery arrived, so its provider says."""

    type: ClassVar[str] = "delivery.delivered"


class DeliveryFailed(DeliveryData):
    """A delivery ended without arriving."""

    type: ClassVar[str] = "delivery.failed"


class DeliveryReturned(DeliveryData):
    """A letter came back."""

    type: ClassVar[str] = "delivery.returned"


DELIVERY_EVENTS: Mapping[str, type[DeliveryData]] = {
    "sent": DeliverySent,
    "delivered": DeliveryDelivered,
    "failed": DeliveryFailed,
    "returned": DeliveryReturned,
}
"""By how a delivery stands. One that is postponed is nobody's concern."""
