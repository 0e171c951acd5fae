"""The AsyncAPI document: current, complete and sound."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from shared.contract.asyncapi.__main__ import DOCUMENT, PARSER, main, staleness
from shared.contract.asyncapi.document import document
from shared.contract.asyncapi.official import diagnose
from shared.contract.command import InternalCommand
from shared.contract.events import EVENTS
from shared.contract.message import COMMANDS


def test_the_committed_document_is_what_the_models_say() -> None:
    assert staleness(DOCUMENT.read_text()) == ""


def test_a_document_that_was_written_passes_the_check_until_it_is_stale(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "asyncapi.json"
    assert main([str(path), "--check"]) == 1
    assert main([str(path)]) == 0
    assert main([str(path), "--check"]) == 0
    path.write_text(path.read_text().replace('"3.0.0"', '"2.6.0"', 1))
    assert main([str(path), "--check"]) == 1
    assert '- "asyncapi": "2.6.0"' in capsys.readouterr().err


def test_every_command_and_event_is_published_and_nothing_internal_is() -> None:
    messages = document()["components"]["messages"]
    named = {message["name"] for message in messages.values()}
    published = {type_ for type_, command in COMMANDS.items() if not issubclass(command, InternalCommand)}
    assert named == published | set(EVENTS) | {"reply", "dead"}
    assert "internal." not in DOCUMENT.read_text()


def test_the_official_parser_finds_nothing_wrong() -> None:
    sound, said = diagnose(DOCUMENT, PARSER)
    assert sound, said


def _no_such_message(broken: dict[str, Any]) -> None:
    broken["operations"]["receive_pin_request"]["messages"] = [{"$ref": "#/channels/pin_request/messages/no"}]


def _no_title(broken: dict[str, Any]) -> None:
    del broken["info"]["title"]


def _example_against_schema(broken: dict[str, Any]) -> None:
    broken["components"]["messages"]["pin_verify"]["examples"][0]["payload"]["pin"] = "12345678"


@pytest.mark.parametrize("breaks", [_no_such_message, _no_title, _example_against_schema])
def test_the_official_parser_rejects_a_broken_document(
    breaks: Callable[[dict[str, Any]], None], tmp_path: Path
) -> None:
    broken = json.loads(DOCUMENT.read_text())
    breaks(broken)
    path = tmp_path / "asyncapi.json"
    path.write_text(json.dumps(broken))
    sound, said = diagnose(path, PARSER)
    assert not sound
    assert "error: " in said
