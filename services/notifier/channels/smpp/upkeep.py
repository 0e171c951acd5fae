"""Receipts of an SMSC: stored first, acknowledged then."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime

from services.notifier.channels.smpp.pdu import Pdu
from services.notifier.channels.smpp.receipts import Receipt, reference
from services.notifier.channels.smpp.session import Session
from services.notifier.reports import hand_in, message
from shared.broker.message import Message
from shared.contract.instants import rfc3339
from shared.contract.internal import ProviderReport
from shared.ledger import Ledger
from shared.worker.crash import crash_point

_MOST_WAITING = 500
"""Receipts in memory, past which the SMSC waits."""
_MOST = 200
"""Receipts stored together."""
_TURNS = 20
"""How often one step stores, while receipts keep coming: the relay waits for it, and publishes 50 rows."""
_PATIENCE = 0.05
"""Seconds to wait for the next receipts: an SMSC with a small window sends them as soon as these are told."""
_REST = 3600.0


@dataclass(frozen=True, slots=True)
class Arrived:
    """A receipt whose SMSC waits to be told that it is kept."""

    session: Session
    pdu: Pdu
    receipt: Receipt

    def acknowledge(self) -> None:
        """Tell the SMSC; where the session ended, the receipt comes again."""
        self.session.answer(self.pdu)


class ReceiptsUpkeep:
    """Keeps an SMSC's session bound, and stores what it reports.

    Args:
        provider: its name.
        stay_bound: makes sure in the background that there is a session: receipts come only by one.
    """

    def __init__(self, provider: str, stay_bound: Callable[[], None]) -> None:
        self._provider, self._stay_bound = provider, stay_bound
        self._waiting = asyncio.Queue[Arrived](_MOST_WAITING)
        self._taken: list[Arrived] = []
        """Not stored yet, or it is not known whether they are."""

    async def add(self, arrived: Arrived) -> None:
        """Keep a receipt in memory until it is stored, once there is room: the SMSC waits as well."""
        await self._waiting.put(arrived)

    async def step(self, ledger: Ledger) -> float:
        """Store and acknowledge what arrived; return the seconds until the next step.

        Raises:
            LedgerLostError: Postgres is gone: nothing was acknowledged, and the next step stores it again.
        """
        self._stay_bound()
        self._take()
        for _ in range(_TURNS):
            if not self._taken:
                return _REST
            await self._store(ledger)
            await self._wait()
        return 0.0

    async def _wait(self) -> None:
        with suppress(TimeoutError):
            self._taken.append(await asyncio.wait_for(self._waiting.get(), _PATIENCE))
        self._take()

    def _take(self) -> None:
        while len(self._taken) < _MOST and not self._waiting.empty():
            self._taken.append(self._waiting.get_nowait())

    async def _store(self, ledger: Ledger) -> None:
        crash_point("receipts.arrived")
        await hand_in([self._message(arrived.receipt) for arrived in self._taken], ledger)
        crash_point("receipts.stored")
        stored, self._taken = self._taken, []
        for arrived in stored:
            arrived.acknowledge()

    def _message(self, receipt: Receipt) -> Message:
        occurred_at = rfc3339(receipt.done_at or datetime.now(UTC))
        named = reference(self._provider, receipt.message_id)
        report = ProviderReport(
            channel="sms",
            reference=named,
            status=receipt.status,
            evidence=receipt.evidence,
            provider=self._provider,
            occurred_at=occurred_at,
        )
        # A receipt that comes again is the same evidence, and has to be the same message.
        return message(report, f"smpp\n{named}\n{receipt.evidence}\n{occurred_at}")
