"""What stands in several places says the same: who adds a message or a channel is told what is missing."""

import json
import re
from importlib import import_module
from typing import Any, get_args

import pytest

from deploy.broker.render import DEFINITIONS
from deploy.local.demo.play import CHANNELS as SHOWN
from deploy.local.keyrings import KEYS
from deploy.local.processes import CHECKOUT
from deploy.local.workers import USERS, WORKERS
from services.notifier.channels import NAMES
from services.notifier.receipts import Receipt
from shared.contract.command import GATEWAY, OPERATOR, PORTAL, REGISTRY, WORKER
from shared.contract.fields import Channel
from shared.contract.message import COMMANDS
from shared.contract.notifier import DeliveryReceipt
from shared.sealing import BOXES
from tests.unit.lanes import lanes

BROKER: dict[str, list[dict[str, Any]]] = json.loads(DEFINITIONS.read_text(encoding="utf-8"))


def keys(source: str) -> list[tuple[str, str]]:
    """Return routing key and queue of each binding of an exchange."""
    return [(b["routing_key"], b["destination"]) for b in BROKER["bindings"] if b["source"] == source]


def meant(pattern: str, type_: str) -> bool:
    """Tell whether a topic binding takes a routing key: `*` is one word, `#` any number of them."""
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


def in_the_ledger() -> set[str]:
    """Return the channels that the table of deliveries takes since the last migration that says so."""
    migrations = sorted((CHECKOUT / "shared/ledger/migrations").glob("*.sql"))
    done = "".join(path.read_text(encoding="utf-8").partition("-- migrate:down")[0] for path in migrations)
    return set(re.findall(r"'(\w+)'", re.findall(r"channel in \(([^)]*)\)", done)[-1]))


def test_every_place_knows_the_same_channels() -> None:
    names = set(NAMES)
    assert set(get_args(Channel)) == names, "the contract"
    assert set(BOXES) - {"issuer", "revoker", "dispositivo"} == names, "the keys"
    assert in_the_ledger() == names, "the ledger"
    assert set(keys("pin.notifications")) == {(name, f"notifier.{name}") for name in names}, "the broker"
    assert {worker.lane for worker in WORKERS.values() if worker.user == "notifier"} == names | {"receipts"}
    assert {key for worker in WORKERS for key in KEYS[worker]} >= {f"{name}.key" for name in names}, (
        "the keyrings"
    )
    assert SHOWN.keys() == names, "the demonstration"


def test_every_channel_is_used_by_somebody() -> None:
    used = {
        name
        for user in USERS
        if user != "notifier"
        for name in import_module(f"services.{user}.__main__").CHANNELS
    }
    assert used == set(NAMES)
