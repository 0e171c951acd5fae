"""The registry of channels: each way to a citizen, and what it is called wherever it has a name.

Keys, queues, bindings, workers, keyrings and what the demonstration shows derive from it. The files that
cannot derive are held to it by `tests/unit/test_channels.py`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from shared.contract import topology
from shared.contract.delivery import Content, Mail, Post, Sms
from shared.contract.workers import DISPOSITIVO, ISSUER, NOTIFIER, REVOKER

ChannelName = Literal["sms", "email", "pec", "post"]
"""The names of the channels, as a type of the contract."""


@dataclass(frozen=True, slots=True)
class Channel:
    """One way to a citizen: a queue, a worker and a pair of keys of its own, so that none opens both halves.

    Attributes:
        name: in the contract and the ledger; the routing key of its bundles.
        content: what it carries.
        plural: what people call the messages that it carries.
        credential: the file of what it logs in to its provider with; empty when there is none.
        spool: whether it hands over to a folder, and so never leaves the cluster, instead of to a provider.
    """

    name: str
    content: type[Content]
    plural: str
    credential: str = ""
    spool: bool = False

    @property
    def key(self) -> str:
        """Its pair of keys: `<key>.key` for its worker, `<key>.pub` for whoever sends by it."""
        return self.name

    @property
    def queue(self) -> str:
        """The queue of its bundles."""
        return topology.queue_of(self.name)

    @property
    def worker(self) -> str:
        """The process that consumes its queue, as deployments and logs call it."""
        return f"notifier-{self.name}"


CHANNELS: Final = (
    Channel("sms", Sms, "SMS", credential="sms.token"),
    Channel("email", Mail, "emails", credential="email.password"),
    Channel("pec", Mail, "PEC", credential="pec.password"),
    Channel("post", Post, "letters", spool=True),
)

LANES: Final[Mapping[str, str]] = {
    topology.ISSUER_REQUESTS: ISSUER,
    topology.ISSUER_ACCESS: ISSUER,
    topology.REVOKER: REVOKER,
    topology.DISPOSITIVO: DISPOSITIVO,
    topology.RECEIPTS: NOTIFIER,
    **{channel.queue: NOTIFIER for channel in CHANNELS},
}
"""The worker of each lane: who alone reads the queue, and parks what came by it."""
