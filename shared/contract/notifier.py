"""What gateways and the print provider tell the notifier."""

from typing import ClassVar, Literal

from shared.contract import topology
from shared.contract.command import GATEWAY, Command
from shared.contract.fields import Identifier, Line, Note


class DeliveryReceipt(Command):
    """What became of a delivery after it was handed over. Published to the exchange of receipts."""

    type: ClassVar[str] = "delivery.receipt"
    lane: ClassVar[str] = topology.RECEIPTS
    senders: ClassVar[frozenset[str]] = frozenset({GATEWAY})

    delivery_id: Identifier
    status: Literal["delivered", "failed", "returned"]
    provider: Line
    detail: Note = ""
