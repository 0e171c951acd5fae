"""Reports: how what read a provider's evidence hands it to the lane of receipts."""

from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID, uuid5

from shared.broker.message import Message
from shared.contract.ids import timed_id
from shared.contract.internal import ProviderReport
from shared.contract.workers import NOTIFIER
from shared.ledger import Ledger
from shared.worker.outbound import encode_row

_SPACE = UUID("6f0d3c1e-8f0b-5f5e-9f55-2d0f6f3a7c11")
"""The name space of their ids."""


def message(report: ProviderReport, evidence_id: str) -> Message:
    """Return the message of a report.

    Args:
        report: what was understood.
        evidence_id: what names the evidence wherever it is read, such as the digest of a mail: the same
            evidence, read twice, has the same message id, and so one effect.
    """
    message_id = str(uuid5(_SPACE, evidence_id))
    return Message(
        exchange=report.exchange,
        routing_key=report.key,
        body=report.body(),
        type=report.type,
        message_id=message_id,
        correlation_id=message_id,
        user_id=NOTIFIER,
    )


async def hand_in(messages: Sequence[Message], ledger: Ledger) -> None:
    """Record reports durably in the outbox of the notifier, from which the relay publishes them at once.

    For a lane that has the ledger. What the evidence was read from may be told that it was read, afterwards.

    Raises:
        LedgerLostError: Postgres is gone: nothing was recorded, or it is not known.
    """
    if messages:
        now = datetime.now(UTC)
        await ledger.run("add_outbox", [timed_id(now)], [now], [encode_row(messages)], now)
