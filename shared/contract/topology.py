"""The names of the broker's exchanges and queues, as `deploy/broker/definitions.json` declares them.

All other code takes them from here.
"""

from typing import Final

COMMANDS: Final = "pin.commands"
"""Whatever a worker is asked, by others or by workers: a topic, whose routing key is the command's type."""
EVENTS: Final = "pin.events"
"""What the workers tell the world: a topic, whose routing key is the event's type."""
NOTIFICATIONS: Final = "pin.notifications"
"""Bundles of deliveries: direct, whose routing key is the channel."""
RECEIVED: Final = "pin.receipts"
"""Receipts of gateways: a fanout to the lane of receipts, so that a gateway writes to nothing else."""
DEAD: Final = "pin.dead"
"""What no worker could read or handle: a fanout to the queue of the same name."""

ISSUER_REQUESTS: Final = "issuer.requests"
ISSUER_ACCESS: Final = "issuer.access"
REVOKER: Final = "revoker.commands"
DISPOSITIVO: Final = "dispositivo.commands"
RECEIPTS: Final = "notifier.receipts"


def queue_of(channel: str) -> str:
    """Return the queue of a channel's bundles, such as `notifier.sms`."""
    return f"notifier.{channel}"
