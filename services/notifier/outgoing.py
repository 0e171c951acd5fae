"""A delivery, decrypted, for a channel."""

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from shared.contract.delivery import Content
from shared.worker.span import Span


@dataclass(frozen=True, slots=True)
class Held:
    """The provider that perhaps has a delivery: an earlier try was sent to it, and no clear answer came.

    Attributes:
        provider: its name in the settings.
        since: when the first such try was recorded, in UTC.
    """

    provider: str
    since: datetime


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One delivery, as passed to a channel.

    Attributes:
        id: the delivery's id, the same at every retry: the provider's idempotency key.
        created_at: when the delivery was decided, in UTC; the message's date, so that a
            retry is the same bytes.
        attempt: number of this try, from 1.
        content: the message and its recipient.
        held: the provider that perhaps has it already.
        redelivered: an earlier try may have been sent, of which a crash left no record.
        span: what records the try, and, on its way to a provider, the request; None where nothing is traced.
    """

    id: UUID
    created_at: datetime
    attempt: int
    content: Content
    held: Held | None = None
    redelivered: bool = False
    span: Span | None = field(default=None, compare=False)
