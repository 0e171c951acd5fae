"""A far end that takes one delivery at a time: what an adapter such as SMPP implements."""

from typing import Protocol

from services.notifier.outcome import Answer
from services.notifier.outgoing import Outgoing
from shared.worker.lane import Upkeep


class Provider(Protocol):
    """A far end that takes the deliveries of a channel one at a time; `ProviderChannel` makes it one."""

    @property
    def name(self) -> str:
        """Return its name in the settings, in lower case; the channel's where there is one provider."""

    @property
    def concurrency(self) -> int:
        """Return how many deliveries may be under way at once, at most."""

    async def send(self, outgoing: Outgoing) -> Answer:
        """Hand over one delivery; it may run `concurrency` times at once.

        A failure is an answer. The answer says `perhaps_taken` wherever the provider may have the delivery:
        then the retry goes to it alone, until its time is up. An exception is an internal error: it costs
        this delivery an attempt, and no other.
        """

    @property
    def upkeep(self) -> Upkeep | None:
        """Return what it does by the clock beside its deliveries, such as to store receipts, if anything."""

    async def close(self) -> None:
        """Close connections; deliveries under way are lost."""
