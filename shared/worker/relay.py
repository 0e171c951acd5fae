"""The relay: publishes what is due and still in the outbox.

That is what a crash left behind, and everything with a later time: retries, delays, expiries. There is no
other timer.
"""

import asyncio
from datetime import timedelta

from shared.broker import Session
from shared.crash import crash_point
from shared.ledger import Ledger
from shared.worker.housekeeping import Housekeeping
from shared.worker.outbound import unpacked
from shared.worker.settings import WorkerSettings

_ROWS = 50
_SLOWEST = timedelta(minutes=10)


async def relay(ledger: Ledger, session: Session, settings: WorkerSettings) -> None:
    """Sweep until cancelled, and keep house between the sweeps.

    Raises:
        LedgerLost, BrokerLost: as they say; rows that were not confirmed are still there.
    """
    housekeeping = Housekeeping(settings.inbox_retention)
    interval = settings.relay_interval.total_seconds()
    while True:
        full = await sweep(ledger, session, settings) == _ROWS
        wait = await housekeeping.step(ledger)
        if not full:
            await asyncio.sleep(min(interval, wait))


async def sweep(ledger: Ledger, session: Session, settings: WorkerSettings) -> int:
    """Publish what is due now, at most 50 rows; returns how many there were.

    The rows stay locked while they are published, so that no other process takes them; one that the
    broker could not route stays, and comes later.
    """
    async with ledger.transaction():
        rows = await ledger.rows("take_due", _ROWS)
        crash_point("relay.taken")
        gone = []
        for row_id, content, tries in rows:
            routed = await session.publish(unpacked(content), settings.publish_limit.total_seconds())
            if all(routed):
                gone.append(row_id)
            else:
                wait = min(_SLOWEST, timedelta(seconds=2 ** min(tries, 20)))
                await ledger.run("postpone_outbox", [row_id], wait)
        if gone:
            await ledger.run("clear_outbox", gone)
        if rows:
            crash_point("relay.published")
    if rows:
        crash_point("relay.removed")
    return len(rows)
