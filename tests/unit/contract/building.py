"""Messages built from the good examples by small changes."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from shared.contract.examples import COMMAND_EXAMPLES
from shared.contract.message import read
from shared.errors import Fault, InvalidMessageError

Change = Callable[[dict[str, Any]], object]


def body_of(message: Mapping[str, Any]) -> bytes:
    """Return a message as it travels."""
    return json.dumps(message).encode()


def put(path: str, value: object) -> Change:
    """Return a change that sets what stands at a dotted path."""
    *above, last = path.split(".")

    def change(message: dict[str, Any]) -> None:
        for step in above:
            message = message[step]
        message[last] = value

    return change


def drop(path: str) -> Change:
    """Return a change that removes what stands at a dotted path."""
    *above, last = path.split(".")

    def change(message: dict[str, Any]) -> None:
        for step in above:
            message = message[step]
        del message[last]

    return change


def changed(type_: str, *changes: Change) -> bytes:
    """Return the good example of a type with some changes, as it travels."""
    message: dict[str, Any] = json.loads(body_of(COMMAND_EXAMPLES[type_]))
    for change in changes:
        change(message)
    return body_of(message)


def faults_of(type_: str, *changes: Change) -> list[Fault]:
    """Return the faults that are told of the good example after some changes."""
    with pytest.raises(InvalidMessageError) as refused:
        read(type_, changed(type_, *changes))
    return list(refused.value.faults)


def codes_of(type_: str, *changes: Change) -> dict[str, str]:
    """Return the same as codes by field."""
    return {fault.field: fault.code for fault in faults_of(type_, *changes)}
