"""What a broker has beside its definitions, or lacks: loading them removes nothing.

An exchange that an outside user declared, or a binding to events that it may no longer make, stays from
before the rights were narrowed. A queue that was declared while nodes were missing keeps its few copies.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from shared.contract.topology import EVENTS

PLUGIN: Final = "pin_rights"
_COPIES: Final = 3
"""Of a quorum queue, where there are so many nodes: RabbitMQ's own figure."""
Things = Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Broker:
    """The answers of the management plugin, to `/api/nodes` and so on."""

    nodes: Things
    exchanges: Things
    bindings: Things
    queues: Things


def concerns(broker: Broker, definitions: Mapping[str, Any]) -> Iterator[str]:
    """Yield a sentence for each thing that gives an outside user more than it may have, or a queue less."""
    for node in broker.nodes:
        # One that is down, or came up seconds ago, has not told yet.
        if PLUGIN not in node.get("enabled_plugins", {PLUGIN}):
            yield f"{node['name']} has no plugin {PLUGIN}: docs/broker-rights.md says what that opens"
    ours = {exchange["name"] for exchange in definitions["exchanges"]}
    for exchange in broker.exchanges:
        name = exchange["name"]
        if name and name not in ours and not name.startswith("amq."):
            yield f"the exchange {name} is none of ours: delete it"
    defined = {queue["name"] for queue in definitions["queues"]}
    for queue in broker.queues:
        on = len(queue.get("members", broker.nodes))
        if queue["name"] in defined and on < min(_COPIES, len(broker.nodes)):
            yield f"the queue {queue['name']} is on {on} of {len(broker.nodes)} nodes: rabbitmq-queues grow"
    for binding in broker.bindings:
        source, target, key = binding["source"], binding["destination"], binding["routing_key"]
        if binding["destination_type"] == "exchange":
            yield f"the exchange {target} is bound to {source} by {key}: unbind it"
        elif source == EVENTS and not _may_follow(target, key, definitions):
            yield f"the queue {target} follows {key}, as its user may no longer: unbind it"


def _may_follow(queue: str, key: str, definitions: Mapping[str, Any]) -> bool:
    """Return whether the user whose queue this is may bind it to the events by a key; one of nobody's may."""
    parts = queue.split(".")
    users = {user["name"] for user in definitions["users"]}
    user = parts[1] if len(parts) > 1 else ""
    if user not in users or parts[0] not in {"reply", "events"}:
        return True
    held = [p for p in definitions["topic_permissions"] if (p["user"], p["exchange"]) == (user, EVENTS)]
    return any(re.search(permission["read"], key) for permission in held)
