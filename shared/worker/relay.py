"""The relay: publishes what is due and still in the outbox.

These are the messages that a crash left unpublished, and all delayed ones: retries, delays, expiries. There
is no other timer.
"""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from shared.broker.message import Message
from shared.broker.session import Session
from shared.ledger import Ledger
from shared.worker.crash import crash_point
from shared.worker.lane import Upkeep
from shared.worker.outbound import decode_row
from shared.worker.settings import WorkerSettings

_ROWS = 50
_SLOWEST = timedelta(minutes=10)


async def relay(
    ledger: Ledger,
    session: Session,
    settings: WorkerSettings,
    beside: Sequence[Upkeep],
    log: Any,  # noqa: ANN401 - structlog's
) -> None:
    """Sweep until cancelled, with a step of each upkeep between the sweeps.

    Raises:
        LedgerLostError, BrokerLostError: a server is gone; unconfirmed rows are kept.
    """
    interval = settings.relay_interval.total_seconds()
    while True:
        full = await sweep(ledger, session, settings, log) == _ROWS
        waits = [await upkeep.step(ledger) for upkeep in beside]
        if not full:
            await asyncio.sleep(min(interval, *waits))


async def sweep(ledger: Ledger, session: Session, settings: WorkerSettings, log: Any) -> int:  # noqa: ANN401
    """Publish at most 50 rows that are due now; return their number.

    The rows stay locked while they are published, so that no other process takes them; one that the
    broker could not route, or that is damaged, stays, and is retried later.
    """
    async with ledger.transaction():
        rows = await ledger.rows("take_due", _ROWS)
        crash_point("relay.taken")
        parcels = [_readable(content) for _, content, _ in rows]
        # All at once: the transaction rests no longer than one publication may take.
        every = [message for messages in parcels for message in messages]
        routed = iter(await session.publish(every, settings.publish_limit.total_seconds()))
        gone = []
        for (row_id, _, tries), messages in zip(rows, parcels, strict=True):
            arrived = [next(routed) for _ in messages]
            if messages and all(arrived):
                gone.append(row_id)
            else:
                log.error(
                    "outbox.unroutable", row=str(row_id), exchange=messages[0].exchange if messages else None
                )
                wait = min(_SLOWEST, timedelta(seconds=2 ** min(tries, 20)))
                await ledger.run("postpone_outbox", [row_id], wait)
        if gone:
            await ledger.run("clear_outbox", gone)
        if rows:
            crash_point("relay.published")
    if rows:
        crash_point("relay.removed")
    return len(rows)


def _readable(content: bytes) -> list[Message]:
    """Return the messages of a row; none of a damaged one, which must not end the worker."""
    try:
        return decode_row(content)
    except (ValueError, TypeError, AttributeError):
        return []
