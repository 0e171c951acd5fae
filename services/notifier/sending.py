"""The effect of a channel's lane: opens the sealed deliveries, sends them, and keeps no copy."""

from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

from services.notifier.bundle import Bundle
from services.notifier.guarded import Sender
from services.notifier.measured import measured
from services.notifier.outcome import Outcome, Sent, Unopenable
from services.notifier.outgoing import Outgoing
from services.notifier.traced import abandon, begun, end
from shared.contract.delivery import from_bytes
from shared.crypto.sealing import BundleOpener
from shared.errors import UnreadableDeliveryError, UnsealableError
from shared.ledger import Ledger
from shared.worker.reading import ReceivedMessage
from shared.worker.span import Span


class SendEffect:
    """Sends the deliveries of a batch of bundles, concurrently."""

    def __init__(self, sender: Sender, opener: BundleOpener) -> None:
        self._sender, self._opener = sender, opener

    async def __call__(self, batch: Sequence[ReceivedMessage], ledger: Ledger) -> None:
        """Send, and set the results of its deliveries on each message, as a list."""
        waiting = [received for received in batch if not received.handled]
        spans = [begun(received) for received in waiting]
        for received, its_own in zip(waiting, spans, strict=True):
            received.effect = self._opened(received.message, its_own, again=received.arrived.redelivered)
        outgoing = [one for received in waiting for one in received.effect if isinstance(one, Outgoing)]
        try:
            outcomes = iter(await self._sent(outgoing, ledger))
        except BaseException:
            abandon(span for its_own in spans for span in its_own)
            raise
        for received, its_own in zip(waiting, spans, strict=True):
            received.effect = [
                next(outcomes) if isinstance(one, Outgoing) else one for one in received.effect
            ]
            end(its_own, received.effect)
            received.measured = measured(received.message, received.effect, datetime.now(UTC))

    async def _sent(self, outgoing: Sequence[Outgoing], ledger: Ledger) -> list[Outcome]:
        taken = await _taken(outgoing, ledger)
        left = [one for one in outgoing if one.id not in taken]
        outcomes = iter(await self._sender.send(left) if left else [])
        return [Sent("") if one.id in taken else next(outcomes) for one in outgoing]

    def _opened(
        self, bundle: Bundle, spans: Sequence[Span | None], *, again: bool
    ) -> list[Outgoing | Unopenable]:
        try:
            open_one = self._opener.open(bundle.key, bundle.key_id)
        except UnsealableError:
            return [Unopenable("bundle_not_sealed_to_channel")] * len(bundle.deliveries)
        opened: list[Outgoing | Unopenable] = []
        for sealed, span in zip(bundle.deliveries, spans, strict=True):
            try:
                content = from_bytes(open_one(sealed.seal, sealed.id.bytes))
            except (UnsealableError, UnreadableDeliveryError) as error:
                opened.append(Unopenable(type(error).__name__.lower()))
                continue
            opened.append(
                Outgoing(sealed.id, sealed.decided_at, sealed.attempt, content, sealed.held, again, span)
            )
        return opened

    async def close(self) -> None:
        """Close the connections."""
        await self._sender.close()


async def _taken(outgoing: Sequence[Outgoing], ledger: Ledger) -> frozenset[UUID]:
    """Return those of repeats of which a receipt says that an earlier try was taken, or arrived.

    Another copy would tell the citizen nothing, and the last try would fail what arrived.
    """
    repeats = [one.id for one in outgoing if one.attempt > 1 or one.held]
    rows = await ledger.rows("read_deliveries", repeats) if repeats else []
    return frozenset(UUID(str(row["id"])) for row in rows if _is_taken(row["status"], row["reported"]))


def _is_taken(status: str, reported: str) -> bool:
    return status == "delivered" or any(word.startswith("accepted/") for word in reported.split())
