"""A sealed PIN or token is of use in the one message that it was sealed for."""

import base64
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import orjson
import pytest
from nacl.public import PrivateKey
from structlog.testing import CapturingLogger

from shared.crypto.sealing import ServiceBox
from shared.crypto.secret import Secret
from shared.worker.message_box import MessageBoxes
from shared.worker.reading import ReceivedMessage
from tests.unit.decisions import CODICE_FISCALE, REPLY_KEY, SUBJECT, WORKER_KEY, read, sealed
from tests.unit.worker.test_intake import GOOD

ID = "5b8f6a0e-3c52-4c8e-8d5e-0f7a1c2b3d4e"
SOMEBODY_ELSE = "BNCGNN70A41H501V"
HOLDS = {"pin.activate": "pin", "pin.verify": "pin", "restore.confirm": "token", "revoke.confirm": "token"}
SECRETS = {"pin": "7K3M9PQX4V8TN2WZ", "token": "0123456789abcdef" * 2 + "01234567"}
FORM: Mapping[str, Mapping[str, Any]] = {
    type_: {
        "v": 2,
        what: SECRETS[what],
        "codice_fiscale": CODICE_FISCALE,
        "message_id": ID,
        **({"reply_key": REPLY_KEY} if type_ == "pin.activate" else {}),
    }
    for type_, what in HOLDS.items()
}
TYPES = pytest.mark.parametrize("type_", HOLDS)


def arrived(type_: str, seal: str, **fields: object) -> ReceivedMessage:
    """Return a command with a seal, as a lane reads it."""
    key = {"reply_key": REPLY_KEY} if type_ == "pin.activate" else {}
    command = read(type_, **{f"{HOLDS[type_]}_sealed": seal, **key, **fields})
    return ReceivedMessage(GOOD, UUID(ID), b"", "portal", ID, command, (SUBJECT,))


def opened(received: ReceivedMessage, *, require_bound: bool = False) -> tuple[str | None, list[Any]]:
    """Return what the decision gets, and the log lines."""
    log = CapturingLogger()
    boxes = MessageBoxes(ServiceBox(WORKER_KEY), require_bound=require_bound, log=log)
    inside = boxes.of(received).open(getattr(received.message, f"{HOLDS[received.message.type]}_sealed"))
    lines = [(call.args[0], dict(call.kwargs)) for call in log.calls]
    told = orjson.dumps(lines, default=str).decode()
    assert not any(secret in told for secret in (*SECRETS.values(), CODICE_FISCALE, SOMEBODY_ELSE))
    return (None if inside is None else inside.reveal()), lines


def of(form: Mapping[str, Any]) -> str:
    return sealed(orjson.dumps(form).decode())


@TYPES
@pytest.mark.parametrize("require_bound", [False, True])
def test_the_second_form_opens_in_its_own_message(type_: str, *, require_bound: bool) -> None:
    received = arrived(type_, of(FORM[type_]))
    assert opened(received, require_bound=require_bound) == (SECRETS[HOLDS[type_]], [])


@TYPES
def test_the_first_form_opens_unless_the_second_is_demanded(type_: str) -> None:
    received = arrived(type_, sealed(SECRETS[HOLDS[type_]]))
    assert opened(received) == (SECRETS[HOLDS[type_]], [])
    secret, ((event, _),) = opened(received, require_bound=True)
    assert (secret, event) == (None, "seal.unbound")


@TYPES
def test_what_was_sealed_for_another_message_is_as_wrong_as_any_other(type_: str) -> None:
    moved = replace(arrived(type_, of(FORM[type_])), id=uuid4())
    secret, ((event, fields),) = opened(moved)
    assert (secret, event, fields["fields"]) == ("", "seal.misbound", ("message_id",))


@TYPES
def test_what_was_sealed_for_another_citizen_is_wrong(type_: str) -> None:
    swapped = arrived(type_, of(FORM[type_]), codice_fiscale=SOMEBODY_ELSE)
    secret, ((_, fields),) = opened(swapped)
    assert (secret, fields["fields"]) == ("", ("codice_fiscale",))


def test_a_swapped_reply_key_gets_no_pin() -> None:
    attacker_s = base64.b64encode(bytes(PrivateKey.generate().public_key)).decode()
    swapped = arrived("pin.activate", of(FORM["pin.activate"]), reply_key=attacker_s)
    secret, ((_, fields),) = opened(swapped)
    assert (secret, fields["fields"]) == ("", ("reply_key",))


def test_the_codice_fiscale_may_be_written_as_in_a_command_and_the_id_as_any_uuid() -> None:
    form = {**FORM["pin.verify"], "codice_fiscale": CODICE_FISCALE.lower(), "message_id": ID.upper()}
    assert opened(arrived("pin.verify", of(form))) == (SECRETS["pin"], [])


@pytest.mark.parametrize(
    "changes",
    [
        {"v": 1},
        {"v": 3},
        {"v": 2.0},
        {"v": True},
        {"v": "2"},
        {"v": None},
        {"more": "x"},
        {"reply_key": REPLY_KEY},
        {"pin": None},
        {"pin": ["7K3M9PQX"]},
        {"codice_fiscale": 7},
        {"message_id": None},
    ],
)
def test_an_object_of_another_form_is_wrong(changes: Mapping[str, Any]) -> None:
    secret, ((_, fields),) = opened(arrived("pin.verify", of({**FORM["pin.verify"], **changes})))
    assert (secret, fields["fields"]) == ("", ("form",))


@pytest.mark.parametrize("lacking", ["v", "pin", "codice_fiscale", "message_id"])
def test_an_object_that_lacks_something_is_wrong(lacking: str) -> None:
    form = {name: value for name, value in FORM["pin.verify"].items() if name != lacking}
    assert opened(arrived("pin.verify", of(form)))[0] == ""
    activation = {name: value for name, value in FORM["pin.activate"].items() if name != "reply_key"}
    assert opened(arrived("pin.activate", of(activation)))[0] == ""


@pytest.mark.parametrize("text", ["{", "{}", '{"v": 2', " {'v': 2}", "{" * 300, '{"v":2,"pin":"\\ud800"}'])
def test_what_begins_like_an_object_and_is_none_is_wrong(text: str) -> None:
    assert opened(arrived("pin.verify", sealed(text)))[0] == ""


def test_what_is_sealed_to_somebody_else_is_told() -> None:
    other = "A" * 100
    secret, ((event, _),) = opened(arrived("pin.verify", other))
    assert (secret, event) == (None, "seal.unreadable")


def test_a_wrong_secret_equals_no_pin() -> None:
    assert Secret("") != Secret(SECRETS["pin"])
