"""The effect of a channel's lane: opens the sealed deliveries, sends them, and keeps no copy."""

from collections.abc import Sequence

from services.notifier.bundle import Bundle
from services.notifier.guarded import Sender
from services.notifier.outcome import Unopenable
from services.notifier.outgoing import Outgoing
from shared.contract.delivery import from_bytes
from shared.crypto.sealing import BundleOpener
from shared.errors import UnreadableDeliveryError, UnsealableError
from shared.ledger import Ledger
from shared.worker.reading import ReceivedMessage


class SendEffect:
    """Sends the deliveries of a batch of bundles, concurrently."""

    def __init__(self, sender: Sender, opener: BundleOpener) -> None:
        self._sender, self._opener = sender, opener

    async def __call__(self, batch: Sequence[ReceivedMessage], _: Ledger) -> None:
        """Send, and set the results of its deliveries on each message, as a list."""
        waiting = [received for received in batch if not received.handled]
        for received in waiting:
            received.effect = self._opened(received.message, again=received.arrived.redelivered)
        outgoing = [one for received in waiting for one in received.effect if isinstance(one, Outgoing)]
        outcomes = iter(await self._sender.send(outgoing) if outgoing else [])
        for received in waiting:
            received.effect = [
                next(outcomes) if isinstance(one, Outgoing) else one for one in received.effect
            ]

    def _opened(self, bundle: Bundle, *, again: bool) -> list[Outgoing | Unopenable]:
        try:
            open_one = self._opener.open(bundle.key, bundle.key_id)
        except UnsealableError:
            return [Unopenable("bundle_not_sealed_to_channel")] * len(bundle.deliveries)
        opened: list[Outgoing | Unopenable] = []
        for sealed in bundle.deliveries:
            try:
                content = from_bytes(open_one(sealed.seal, sealed.id.bytes))
            except (UnsealableError, UnreadableDeliveryError) as error:
                opened.append(Unopenable(type(error).__name__.lower()))
                continue
            opened.append(Outgoing(sealed.id, sealed.decided_at, sealed.attempt, content, sealed.held, again))
        return opened

    async def close(self) -> None:
        """Close the connections."""
        await self._sender.close()
