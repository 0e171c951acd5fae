"""The page of rights is current, and what the broker has beside its definitions is told."""

from typing import Any

from deploy.broker.remains import Broker, concerns
from deploy.broker.render import without_passwords
from deploy.broker.rights import DOCUMENT, staleness

DEFINITIONS = without_passwords()
NODES = [{"name": "pin@localhost", "enabled_plugins": ["pin_rights", "rabbitmq_management"]}]


def binding(source: str, destination: str, key: str, kind: str = "queue") -> dict[str, Any]:
    return {
        "source": source,
        "destination": destination,
        "destination_type": kind,
        "routing_key": key,
        "vhost": "/",
    }


def test_the_committed_page_is_what_the_table_says() -> None:
    assert staleness(DOCUMENT.read_text(encoding="utf-8")) == ""


def test_a_broker_that_has_what_is_defined_gives_no_concern() -> None:
    own = [binding("pin.events", "events.portal.a", "istanza.#"), binding("pin.events", "amq.gen-x", "#")]
    own += [
        binding("pin.events", "events.observer.all", "#"),
        binding("", "reply.portal.x", "reply.portal.x"),
    ]
    exchanges = [*DEFINITIONS["exchanges"], {"name": ""}, {"name": "amq.topic"}]
    queues = [{**queue, "members": ["pin@localhost", "down"]} for queue in DEFINITIONS["queues"]]
    queues += [{"name": "reply.portal.x", "members": ["down"]}, {"name": "amq.gen-x"}]
    broker = Broker([*NODES, {"name": "down"}], exchanges, [*DEFINITIONS["bindings"], *own], queues)
    assert list(concerns(broker, DEFINITIONS)) == []


def test_what_an_outside_user_left_there_is_told() -> None:
    left = [binding("reply.portal.x", "pin.commands", "#", "exchange")]
    left += [binding("pin.events", "events.portal.all", "#")]
    broker = Broker([{"name": "a", "enabled_plugins": []}], [{"name": "reply.portal.x"}], left, [])
    told = "\n".join(concerns(broker, DEFINITIONS))
    assert told.count("\n") == 3
    for said in (
        "has no plugin",
        "reply.portal.x is none of ours",
        "pin.commands is bound",
        "follows #",
    ):
        assert said in told


def test_a_queue_with_fewer_copies_than_there_may_be_is_told() -> None:
    nodes = [{"name": name} for name in "abcd"]
    queues = [{"name": "issuer.requests", "members": ["a"]}, {"name": "pin.dead", "members": ["a", "b", "c"]}]
    told = list(concerns(Broker(nodes, [], [], queues), DEFINITIONS))
    assert told == ["the queue issuer.requests is on 1 of 4 nodes: rabbitmq-queues grow"]
