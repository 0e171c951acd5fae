"""Who may do what on the broker: the table that a page is made from, and that a test tries on a real broker.

`python -m deploy.broker.rights` writes `docs/broker-rights.md`, or checks with `--check` that the committed
one is current. `definitions.json` and the plugin `pin_rights` carry the rights out;
`tests/integration/test_broker_rights.py` tries each of them, and everything else, as every user.
"""

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from shared.contract import topology
from shared.contract.channels import LANES
from shared.contract.command import GATEWAY, OPERATOR, PORTAL, REGISTRY, SUPERVISOR
from shared.contract.events import EVENTS, DispositivoActivated, IstanzaProtocolled, IstanzaReleased
from shared.contract.generated import Generated
from shared.contract.internal import INTERNAL
from shared.contract.message import COMMANDS
from shared.contract.supervision import DeliveryTimeline
from shared.contract.workers import WORKERS

DOCUMENT = Path(__file__).parents[2] / "docs/broker-rights.md"
ANY: Final = "any"
"""Stands for every routing key."""
DEFAULT: Final = ""
"""The default exchange, whose routing keys are the names of queues."""
REPLIES: Final = frozenset({"amq.gen-…", "amq.rabbitmq.reply-to.…", "reply.…"})
"""The queues that replies may go to. A key that ends in `…` stands for all that begin so."""
_ISTANZE: Final = (IstanzaProtocolled.type, IstanzaReleased.type)


@dataclass(frozen=True)
class Rights:
    """What one user may do; all else is refused.

    Attributes:
        publishes: the routing keys that it may publish, by exchange.
        follows: the keys by which it may bind queues of its own to the events.
        queues: how the names of its own queues begin: it declares, binds, reads, purges and deletes them.
        reads: the queues of the system that it consumes, and so may purge.
        anyone: whether it may publish under another's name.
    """

    publishes: Mapping[str, frozenset[str]] = field(default_factory=dict)
    follows: frozenset[str] = frozenset()
    queues: tuple[str, ...] = ()
    reads: frozenset[str] = frozenset()
    anyone: bool = False

    def may_publish(self, exchange: str, key: str) -> bool:
        """Return whether it may publish to an exchange with a routing key."""
        keys = self.publishes.get(exchange, frozenset())
        begun = tuple(one.removesuffix("…") for one in keys if one.endswith("…"))
        return ANY in keys or key in keys or key.startswith(begun)

    def may_follow(self, exchange: str, key: str) -> bool:
        """Return whether it may bind a queue of its own to an exchange by a key."""
        return exchange == topology.EVENTS and (ANY in self.follows or key in self.follows)

    def owns(self, queue: str) -> bool:
        """Return whether a queue of this name is its own."""
        return queue.startswith(self.queues) if self.queues else False

    def may_read(self, queue: str) -> bool:
        """Return whether it may consume and purge a queue."""
        return self.owns(queue) or queue in self.reads


def _outside(user: str, follows: frozenset[str]) -> Rights:
    said = {kind for kind, command in COMMANDS.items() if user in command.senders}
    queues = ("amq.gen-", f"reply.{user}.", f"events.{user}.")
    return Rights({topology.COMMANDS: frozenset(said)}, follows, queues)


def _worker(user: str) -> Rights:
    said = {
        topology.COMMANDS: frozenset(command.type for command in INTERNAL if user in command.senders),
        topology.EVENTS: frozenset(kind for kind, data in EVENTS.items() if user in data.workers),
        topology.NOTIFICATIONS: frozenset({ANY}),
        topology.DEAD: frozenset({ANY}),
        DEFAULT: REPLIES,
    }
    return Rights(said, reads=frozenset(queue for queue, worker in LANES.items() if worker == user))


_EVERYTHING: Final = frozenset({ANY})
RIGHTS: Mapping[str, Rights] = {
    PORTAL: _outside(PORTAL, frozenset({"istanza.#", "istanza.*", *_ISTANZE, DispositivoActivated.type})),
    OPERATOR: _outside(OPERATOR, _EVERYTHING),
    REGISTRY: _outside(REGISTRY, _EVERYTHING),
    GATEWAY: Rights(
        {
            topology.RECEIVED: _EVERYTHING,
            topology.COMMANDS: frozenset(
                kind for kind, command in COMMANDS.items() if GATEWAY in command.senders
            ),
        }
    ),
    "observer": Rights(follows=_EVERYTHING, queues=("amq.gen-", "events.observer.")),
    SUPERVISOR: Rights(
        {topology.COMMANDS: frozenset({DeliveryTimeline.type})},
        queues=("amq.gen-", f"reply.{SUPERVISOR}."),
        reads=frozenset({topology.DEAD}),
    ),
    **{worker: _worker(worker) for worker in sorted(WORKERS)},
    "pinctl": Rights({DEFAULT: _EVERYTHING}, reads=frozenset({topology.DEAD}), anyone=True),
    "autoscaler": Rights(),
}
"""Every user of the broker, except its administrator."""

_HEAD = """\
# Rights on the broker

<!-- Written by `python -m deploy.broker.rights`: change deploy/broker/rights.py, not this page. -->

What each user of RabbitMQ may do. `test_every_user_may_do_what_the_table_says_and_nothing_else` tries all of
it, and all that is not in it, on a real broker: each user with each exchange, queue, routing key and binding.

Nobody but the administrator declares, deletes or binds an exchange, declares or deletes a queue of the
system, binds a queue to anything but the events, lets a queue pass its dead letters on, or publishes with the
headers `CC` and `BCC`. Nobody but
`pinctl` publishes under another's name, or straight to a queue that is not for replies. `autoscaler` asks the
management plugin how long queues are (its tag `management`), and comes by no message.
"""
_TAIL = """\
## What carries it out

- [`definitions.json`](../deploy/broker/definitions.json): RabbitMQ's permissions, by the name of an
  exchange or a queue, and its topic permissions, by routing key.
- [`pin_rights`](../deploy/broker/pin_rights/pin_rights.erl): a plugin for what these cannot tell apart.
  Queues and exchanges have the same names for them, and may even be called alike, as `pin.dead`; to publish
  to an exchange is the same right as to bind another one to it; of a message's routing keys they see the
  first; and who may use the default exchange, as workers do to reply, reaches every queue.
- The workers, as a second lock. A message counts only if the broker vouches for its sender (`user_id`),
  this sender may send its type, and it was published to an exchange that leads to the lane, with the
  right key. Else it goes to `pin.dead` ([reasons](logs.md#reasons-in-pindead)).

On a broker without the plugin the second lock alone holds for commands: what comes by an exchange of an
outside user, by `CC` or straight from a worker ends in `pin.dead`. A worker could bring those who follow an
event another one's. So `python -m deploy.broker.load` says when the plugin is missing. It knows AMQP 0-9-1
only: enable no other protocol.

Not expressed at all:

- `pin.notifications` is a direct exchange, and keys of those are not checked: each worker may address
  each channel. Bundles are sealed to their channel, which takes them from workers only.
- Queues `amq.gen-…` belong to no user. 128 random bits in the name, and `exclusive`, keep others from
  them. A worker writes to those whose names it knows, as to any `reply.…`: what came there by the default
  exchange is a reply, never an event.
- Who may read a queue may purge it.

Queues of outside users (`reply.…`, `events.…`, `amq.gen-…`) hold at most 100,000 messages and 128 MiB.
What comes on top pushes out the oldest, so that who does not listen fills no disk.
"""


def text() -> str:
    """Return the page as it has to be committed."""
    return "\n".join([_HEAD, *_publishing(), *_reading(), _TAIL])


def _publishing() -> Iterator[str]:
    yield "## What a user may publish\n"
    yield "| user | exchange | routing keys |\n|---|---|---|"
    for user, rights in RIGHTS.items():
        for exchange, keys in rights.publishes.items():
            shown = f"`{exchange}`" if exchange else "the default exchange"
            yield f"| `{user}` | {shown} | {_keys(keys)} |"
        if not rights.publishes:
            yield f"| `{user}` | none | |"
    yield ""


def _reading() -> Iterator[str]:
    yield "## What a user may hear\n"
    yield "| user | queues of its own | binds to `pin.events` by | queues of the system |\n|---|---|---|---|"
    for user, rights in RIGHTS.items():
        own = ", ".join(f"`{name}…`" for name in rights.queues) or "none"
        yield f"| `{user}` | {own} | {_keys(rights.follows)} | {_names(rights.reads)} |"
    yield ""


def _keys(keys: frozenset[str]) -> str:
    return "any" if ANY in keys else _names(keys)


def _names(names: frozenset[str]) -> str:
    return ", ".join(f"`{name}`" for name in sorted(names)) or "none"


_GENERATED = Generated("deploy.broker.rights", DOCUMENT, text)
staleness = _GENERATED.staleness


def main(words: Sequence[str] | None = None) -> int:
    """Write or check the page; return the exit status."""
    return _GENERATED.main(words, __doc__)


if __name__ == "__main__":
    sys.exit(main())
