"""The effect of the lane of letters that go to the print shop: they are kept, sealed, until its next job."""

import base64
import binascii
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any, Protocol
from uuid import UUID

from services.notifier.bundle import Bundle, Sealed
from services.notifier.outcome import Result, Sent, Unopenable
from services.notifier.shop.planning import letter_digest, region_of
from services.notifier.traced import abandon, begun, end
from shared.contract.delivery import Post, from_bytes
from shared.crypto.sealing import BundleOpener
from shared.errors import UnreadableDeliveryError, UnsealableError
from shared.italy.working_days import WorkingDays
from shared.ledger import Ledger
from shared.worker.crash import crash_point
from shared.worker.reading import ReceivedMessage

OTHER_CONTENT = "letter_id_reused"
"""Why a letter is parked whose id was kept with another content."""


class Closing(Protocol):
    """What ends with the lane."""

    async def close(self) -> None:
        """Release what it holds."""


@dataclass(frozen=True, slots=True)
class KeptRow:
    """A letter as it is written: what opens it is as it came, sealed to the channel."""

    id: UUID
    subject: bytes
    region: str
    digest: bytes
    key_id: str
    bundle_key: bytes = field(repr=False)
    seal: bytes = field(repr=False)


class KeepEffect:
    """Keeps the letters of a batch of bundles in the ledger, durably, before their deliveries count as sent.

    A repeat after a crash finds them kept, and adds none. What comes with the id of another letter is parked.
    Each is opened once, to see that it is a letter and where it goes: what cannot be opened would else hold
    up a whole job.

    Args:
        opener: with the channel's private key.
        days: the shop's.
        log: of the worker.
        more: is closed with the lane.
        now: the time, in UTC.
    """

    def __init__(
        self,
        opener: BundleOpener,
        days: WorkingDays,
        log: Any,  # noqa: ANN401 - structlog's
        more: Closing | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._opener, self._days, self._log, self._more, self._now = opener, days, log, more, now

    async def __call__(self, batch: Sequence[ReceivedMessage], ledger: Ledger) -> None:
        """Keep the letters, and set the results of the deliveries on each message, as a list."""
        waiting = [received for received in batch if not received.handled]
        spans = [begun(received) for received in waiting]
        opened = [self._opened(received.message) for received in waiting]
        rows = [one for every in opened for one in every if isinstance(one, KeptRow)]
        try:
            others = await self._keep(rows, self._days.of(self._now()), ledger) if rows else frozenset()
        except BaseException:
            abandon(span for its_own in spans for span in its_own)
            raise
        crash_point("letters.kept")
        for received, its_own, every in zip(waiting, spans, opened, strict=True):
            received.effect = [_result(one, others) for one in every]
            end(its_own, received.effect)

    async def _keep(self, rows: list[KeptRow], day: date, ledger: Ledger) -> frozenset[bytes]:
        """Write the letters; return the digests of those whose id is kept with another content."""
        # In the order of their ids, so that two processes with the same letters never wait for each other.
        rows = sorted(rows, key=lambda row: row.id)
        ids, digests = [row.id for row in rows], [row.digest for row in rows]
        await ledger.run(
            "keep_letters",
            ids,
            [row.subject for row in rows],
            [row.region for row in rows],
            [day] * len(rows),
            digests,
            [row.key_id for row in rows],
            [row.bundle_key for row in rows],
            [row.seal for row in rows],
        )
        found = await ledger.rows("differing_letters", ids, digests)
        for row in found:
            self._log.error("letter.id_reused", delivery_id=str(row["delivery"]))
        return frozenset(bytes(row["digest"]) for row in found)

    def _opened(self, bundle: Bundle) -> list[KeptRow | Unopenable]:
        try:
            open_one = self._opener.open(bundle.key, bundle.key_id)
            key = base64.b64decode(bundle.key, validate=True)
        except UnsealableError:
            return [Unopenable("bundle_not_sealed_to_channel")] * len(bundle.deliveries)
        return [_row(sealed, key, bundle.key_id, open_one) for sealed in bundle.deliveries]

    async def close(self) -> None:
        """Close what ends with the lane."""
        if self._more:
            await self._more.close()


def _row(
    sealed: Sealed, key: bytes, key_id: str, open_one: Callable[[str, bytes], bytes]
) -> KeptRow | Unopenable:
    try:
        content = from_bytes(open_one(sealed.seal, sealed.id.bytes))
        seal = base64.b64decode(sealed.seal, validate=True)
    except (UnsealableError, UnreadableDeliveryError, binascii.Error) as error:
        return Unopenable(type(error).__name__.lower())
    if not isinstance(content, Post):
        return Unopenable("no_letter")
    digest = letter_digest(sealed.id, key, seal)
    return KeptRow(sealed.id, sealed.subject, region_of(content.address), digest, key_id, key, seal)


def _result(one: KeptRow | Unopenable, others: frozenset[bytes]) -> Result:
    if isinstance(one, Unopenable):
        return one
    return Unopenable(OTHER_CONTENT) if one.digest in others else Sent("")
