"""The names of exchanges and queues stand in one module, and are the broker's."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.broker.render import without_passwords
from deploy.local.processes import CHECKOUT
from shared.contract import topology
from shared.contract.channels import CHANNELS

BROKER = without_passwords()
DECLARED = {thing["name"] for kind in ("exchanges", "queues") for thing in BROKER[kind]}
ROOMS = ("services", "shared", "deploy")


def literals(code: str) -> Iterator[str]:
    """Yield every text of a module, of one with gaps (`f"…"`) what stands before the first."""
    for node in ast.walk(ast.parse(code)):
        match node:
            case ast.JoinedStr(values=[ast.Constant(value=str(text)), *_]):
                yield f"{text}…"
            case ast.Constant(value=str(text)):
                yield text


def names_of_the_broker(code: str) -> list[str]:
    """Return the texts of a module that are the name of an exchange or a queue, or begin that of a lane."""
    lanes = {f"{name.partition('.')[0]}.…" for name in DECLARED}
    return [text for text in literals(code) if text in DECLARED | lanes]


def test_the_module_knows_the_exchanges_and_queues_that_the_broker_has_and_no_others() -> None:
    names = {value for name, value in vars(topology).items() if name.isupper()}
    assert names | {channel.queue for channel in CHANNELS} == DECLARED


def test_no_other_code_spells_the_name_of_an_exchange_or_a_queue() -> None:
    modules = [path for room in ROOMS for path in (CHECKOUT / room).rglob("*.py")]
    elsewhere = [path for path in modules if path != Path(topology.__file__)]
    assert len(elsewhere) == len(modules) - 1
    spelt = {
        str(path.relative_to(CHECKOUT)): names_of_the_broker(path.read_text(encoding="utf-8"))
        for path in elsewhere
    }
    assert {path: names for path, names in spelt.items() if names} == {}


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ('exchange = "pin.dead"', ["pin.dead"]),
        ('queue = f"notifier.{channel}"', ["notifier.…"]),
        ('said = "7 messages in pin.dead"', []),
        ('kind = f"delivery.{status}"', []),
    ],
)
def test_a_name_is_found_whole_or_by_its_beginning(code: str, found: list[str]) -> None:
    assert names_of_the_broker(code) == found
