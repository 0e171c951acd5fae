"""What the workers tell the world: the kinds of event."""

from typing import ClassVar

from shared.contract.fields import Word
from shared.contract.model import Model


class EventData(Model):
    """What an event says beside whom it is about and when it happened.

    Attributes:
        type: the event's type, which is the routing key too.
        workers: who publishes it; the broker refuses it from any other.
        alarm: whether it is for whoever watches the system, and so is logged as well.
    """

    type: ClassVar[str]
    workers: ClassVar[frozenset[str]]
    alarm: ClassVar[bool] = False


class RejectionData(EventData):
    """A command was rejected, which others than its sender are told too."""

    code: Word
