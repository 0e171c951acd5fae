"""Lists kept in several places agree: a new message must be in all of them."""

import ast
import re
from pathlib import Path
from typing import Any

import pytest

from deploy.broker.render import without_passwords
from deploy.local.processes import CHECKOUT
from services.notifier.receipts import Receipt
from shared.contract.alarm_events import PortalOverBudget
from shared.contract.channels import LANES
from shared.contract.command import GATEWAY, OPERATOR, PORTAL, REGISTRY, Command
from shared.contract.delivery_events import DELIVERY_EVENTS
from shared.contract.events import EVENTS
from shared.contract.internal import INTERNAL
from shared.contract.message import COMMANDS
from shared.contract.notifier import DeliveryReceipt
from shared.contract.topology import DEAD
from shared.contract.workers import WORKERS
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


@pytest.mark.parametrize("role", [PORTAL, OPERATOR, REGISTRY, GATEWAY, *sorted(WORKERS)])
def test_the_broker_lets_each_role_say_what_the_contract_lets_it_say(role: str) -> None:
    said = {type_ for type_, command in COMMANDS.items() if role in command.senders}
    assert {type_ for type_ in COMMANDS if may_publish(role, type_)} == said


def test_every_command_has_a_decision() -> None:
    # A receipt is wrapped, with how often it found no delivery yet.
    decided = {
        (lane.queue, DeliveryReceipt if kind is Receipt else kind)
        for lane in lanes()
        for kind in lane.decisions
    }
    assert {(command.lane, command) for command in COMMANDS.values()} - decided == set()


def spoken(worker: str) -> set[str]:
    """Return the types of the events and internal commands that the code of a worker makes."""
    kinds = {data.__name__: data.type for data in EVENTS.values()}
    kinds |= {command.__name__: command.type for command in INTERNAL}
    made = {
        command.rejection_event.type
        for lane in lanes()
        for command in lane.decisions
        if lane.worker == worker and issubclass(command, Command) and command.rejection_event
    }
    if any(
        PORTAL in getattr(kind, "senders", ())
        for lane in lanes()
        if lane.worker == worker
        for kind in lane.decisions
    ):
        made.add(PortalOverBudget.type)  # the shell says it, where portals are heard
    for module in modules_of(worker):
        text = ast.parse(module.read_text(encoding="utf-8"))
        for node in ast.walk(text):
            match node:
                case ast.Call(func=ast.Name(id=name)) if name in kinds:
                    made.add(kinds[name])
                case ast.Name(id="DELIVERY_EVENTS"):
                    made |= {kind.type for kind in DELIVERY_EVENTS.values()}
    return made


def modules_of(worker: str) -> set[Path]:
    """Return the modules of a service, and those of the domain that they import, near or far."""
    found: set[Path] = set()
    waiting = set((CHECKOUT / "services" / worker).rglob("*.py"))
    while waiting:
        found.add(module := waiting.pop())
        for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("shared.domain."):
                path = CHECKOUT / f"{(node.module or '').replace('.', '/')}.py"
                waiting |= {path} - found
    return found


@pytest.mark.parametrize("worker", sorted(WORKERS))
def test_a_worker_may_say_what_its_code_says_and_nothing_else(worker: str) -> None:
    events = {kind for kind, data in EVENTS.items() if worker in data.workers}
    assert events | {kind.type for kind in INTERNAL if worker in kind.senders} == spoken(worker)


@pytest.mark.parametrize("worker", sorted(WORKERS))
def test_the_broker_lets_a_worker_say_its_own_events(worker: str) -> None:
    (held,) = (p for p in BROKER["topic_permissions"] if (p["user"], p["exchange"]) == (worker, "pin.events"))
    assert {kind for kind in (*EVENTS, *COMMANDS) if re.search(held["write"], kind)} == {
        kind for kind, data in EVENTS.items() if worker in data.workers
    }


def test_no_event_could_be_taken_for_a_command() -> None:
    """A portal could lead the events that it may bind into the exchange of commands."""
    assert EVENTS.keys() & COMMANDS.keys() == set()


def test_a_lane_takes_what_the_broker_leads_to_it() -> None:
    for lane in lanes():
        led = {b["source"] for b in BROKER["bindings"] if b["destination"] == lane.queue}
        assert led in ({*lane.exchanges}, set())


def test_each_lane_is_read_by_the_worker_that_owns_it() -> None:
    assert LANES.keys() == {queue["name"] for queue in BROKER["queues"]} - {DEAD}
    for queue, worker in LANES.items():
        readers = {p["user"] for p in BROKER["permissions"] if re.search(p["read"], queue)}
        assert readers == {worker}
