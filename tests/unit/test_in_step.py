"""Lists kept in several places agree: a new message must be in all of them."""

import re
from typing import Any

import pytest

from deploy.broker.render import without_passwords
from deploy.local.workers import USERS
from services.notifier.receipts import Receipt
from shared.contract.command import GATEWAY, OPERATOR, PORTAL, REGISTRY, WORKER
from shared.contract.message import COMMANDS
from shared.contract.notifier import DeliveryReceipt
from tests.unit.lanes import lanes

BROKER: dict[str, list[dict[str, Any]]] = without_passwords()


def keys(source: str) -> list[tuple[str, str]]:
    """Return routing key and queue of each binding of an exchange."""
    return [(b["routing_key"], b["destination"]) for b in BROKER["bindings"] if b["source"] == source]


def meant(pattern: str, type_: str) -> bool:
    """Return whether a topic binding takes a routing key: `*` is one word, `#` any number of them."""
    words = {"*": r"[^.]+", "#": r".*"}
    return (
        re.fullmatch(r"\.".join(words.get(word, re.escape(word)) for word in pattern.split(".")), type_)
        is not None
    )


def may_publish(user: str, type_: str) -> bool:
    held = [p for p in BROKER["topic_permissions"] if (p["user"], p["exchange"]) == (user, "pin.commands")]
    return any(re.search(p["write"], type_) for p in held)


@pytest.mark.parametrize(
    "type_", [name for name, command in COMMANDS.items() if GATEWAY not in command.senders]
)
def test_the_broker_routes_every_command_to_its_lane_alone(type_: str) -> None:
    assert {queue for key, queue in keys("pin.commands") if meant(key, type_)} == {COMMANDS[type_].lane}


@pytest.mark.parametrize("role", [PORTAL, OPERATOR, REGISTRY, WORKER])
def test_the_broker_lets_each_role_say_what_the_contract_lets_it_say(role: str) -> None:
    said = {type_ for type_, command in COMMANDS.items() if role in command.senders}
    for user in USERS if role == WORKER else (role,):
        assert {type_ for type_ in COMMANDS if may_publish(user, type_)} == said


def test_every_command_has_a_decision() -> None:
    # A receipt is wrapped, with how often it found no delivery yet.
    decided = {
        (lane.queue, DeliveryReceipt if kind is Receipt else kind)
        for lane in lanes()
        for kind in lane.decisions
    }
    assert {(command.lane, command) for command in COMMANDS.values()} - decided == set()
