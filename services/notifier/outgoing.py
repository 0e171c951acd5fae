"""A delivery, opened, on its way to a channel."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from shared.contract.delivery import Content


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One delivery as a channel gets it.

    Attributes:
        id: the delivery's id, the same at every repeat: the provider's idempotency key.
        created_at: when the delivery was decided, in UTC; dates the message, so that a
            repeat is the same bytes.
        attempt: number of this try, from 1.
        content: what to send, and to whom.
    """

    id: UUID
    created_at: datetime
    attempt: int
    content: Content
