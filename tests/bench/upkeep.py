"""The duration of upkeep on a ledger: a sweep, a purge, an operator's query."""

import asyncio
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import Any, cast

from deploy.local.processes import CHECKOUT, environment
from deploy.local.stack import Stack
from deploy.pinctl import trace
from deploy.pinctl.checkpoints import Root
from deploy.pinctl.settings import LedgerSettings
from deploy.pinctl.status import MOST_DUE
from services.issuer.forgetting import CITIZENS
from shared.broker.session import Session
from shared.ledger import Ledger
from shared.worker.housekeeping import ROWS
from shared.worker.relay import sweep
from shared.worker.settings import WorkerSettings
from tests.bench.counting import Books
from tests.bench.figures import verdict

_SWEEP, _STATUS = 2.0, 500.0
_TIMES, _STEPS = 200, 20
_RETENTION, _DECADE = timedelta(days=30), timedelta(days=3650)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Upkeep:
    """Milliseconds, medians of several.

    Attributes:
        sweep: a sweep of the relay that finds nothing due.
        forgetting: one purge step of a thousand messages, with many to purge.
        deliveries: one of a thousand deliveries.
        ended: a look for who ended long ago, with many whose time has not come.
        status: the ledger queries of `pinctl status`.
        status_command: `pinctl status` from its start to its end.
        checkpoint: the root over all heads.
        trace: a citizen's timeline, with the outbox.
    """

    sweep: float
    forgetting: float
    deliveries: float
    ended: float
    status: float
    status_command: float
    checkpoint: float
    trace: float

    def lines(self, citizens: int) -> list[str]:
        """Return the times as lines to print."""
        sweep, status = (
            verdict(took, target, at_least=False)
            for took, target in ((self.sweep, _SWEEP), (self.status_command, _STATUS))
        )
        return [
            f"{citizens:>9} citizens  a sweep {self.sweep:.2f} ms; {sweep}",
            f"{'':>19}  pinctl status {self.status_command:.0f} ms; {status}",
            f"{'':>19}  of which the ledger {self.status:.1f} ms",
            f"{'':>19}  {ROWS} messages forgotten in {self.forgetting:.1f} ms",
            f"{'':>19}  {ROWS} deliveries in {self.deliveries:.1f} ms, a look for the ended {self.ended:.2f}",
            f"{'':>19}  checkpoint {self.checkpoint:.0f} ms, trace {self.trace:.1f} ms",
        ]

    def as_json(self) -> dict[str, Any]:
        """Return the times as plain values."""
        return asdict(self)


async def measured(stack: Stack) -> Upkeep:
    """Measure on a ledger without workers."""
    worker = await Ledger.open(stack.postgres.dsn("issuer", stack.database), "bench")
    notifier = await Ledger.open(stack.postgres.dsn("notifier", stack.database), "bench")
    operator = await Ledger.open(stack.postgres.dsn("pinctl", stack.database), "bench")
    try:
        return Upkeep(
            sweep=await _median(_TIMES, lambda: _sweep(stack, worker)),
            forgetting=await _median(_STEPS, lambda: _forget(worker)),
            deliveries=await _median(_STEPS, lambda: _forget_deliveries(notifier)),
            ended=await _median(_TIMES, lambda: worker.rows("ended_before", _DECADE, _EPOCH, b"", CITIZENS)),
            status=await _median(5, lambda: _status(operator)),
            status_command=await _median(5, lambda: asyncio.to_thread(_command, stack)),
            checkpoint=await _median(3, lambda: _checkpoint(operator)),
            trace=await _traced(stack),
        )
    finally:
        await worker.close()
        await notifier.close()
        await operator.close()


async def _median(times: int, do: Callable[[], Awaitable[object]]) -> float:
    took = []
    for _ in range(times):
        began = time.perf_counter()
        await do()
        took.append((time.perf_counter() - began) * 1000)
    return median(took)


class _Nothing:
    """In place of a session: nothing is due, so nothing is published."""

    async def publish(self, messages: Sequence[object], _: float) -> list[bool]:
        if messages:
            raise AssertionError("something is due")
        return []


async def _sweep(stack: Stack, ledger: Ledger) -> None:
    settings = WorkerSettings.load(stack.env)
    if await sweep(ledger, cast("Session", _Nothing()), settings, None):
        raise AssertionError("something is due")


async def _forget(ledger: Ledger) -> None:
    await ledger.rows("forget_inbox", _RETENTION, _EPOCH, ROWS)


async def _forget_deliveries(ledger: Ledger) -> None:
    await ledger.rows("forget_deliveries", _RETENTION, _EPOCH, ROWS)


async def _status(ledger: Ledger) -> None:
    await ledger.rows("status_outbox", MOST_DUE)
    await ledger.rows("status_accounts")
    await ledger.rows("status_deliveries")


def _command(stack: Stack) -> None:
    command = [sys.executable, "-m", "deploy.pinctl", "status"]
    subprocess.run(command, cwd=CHECKOUT, env=environment(stack.env), check=False, stdout=subprocess.DEVNULL)


async def _checkpoint(ledger: Ledger) -> None:
    root = Root()
    async with ledger.snapshot():
        async for row in ledger.stream("checkpoint_heads", datetime.now(UTC) - timedelta(minutes=5)):
            root.add(*row)


async def _traced(stack: Stack) -> float:
    async with Books(stack) as books:
        rows = await books.ledger.fetch("select key from subject order by key desc limit 20")
    settings = LedgerSettings.load(stack.env)
    keys = iter([bytes(row["key"]) for row in rows])
    return await _median(len(rows), lambda: trace.of_subject(settings, next(keys)))
