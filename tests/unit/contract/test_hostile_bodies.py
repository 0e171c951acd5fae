"""Whatever arrives, reading it ends in a command, `Unreadable` or `Invalid`, and soon."""

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.contract.examples import COMMAND_EXAMPLES
from shared.contract.issuer import RegistryUpdate
from shared.contract.message import COMMANDS, MAX_BODY, read
from shared.errors import InvalidMessageError, UnreadableMessageError
from tests.unit.contract.building import changed, codes_of, put


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "not_json"),
        (b"rubbish", "not_json"),
        (b'{"name": "half', "not_json"),
        (b"{} {}", "not_json"),
        (b"\xef\xbb\xbf{}", "not_json"),
        (b'{"name": NaN}', "not_json"),
        (b'{"x": -Infinity}', "not_json"),
        (b'{"name": "\\ud800"}', "not_json"),
        (b'{"\\udfff": 1}', "not_json"),
        (b'{"limit": ' + b"9" * 100_000 + b"}", "not_json"),
        (b'{"name": "\x00"}', "not_json"),
        (b'{"name": "\xff"}', "not_utf8"),
        ("{}".encode("utf-16"), "not_utf8"),
        (b"[" * 100_000, "too_deep"),
        (b'{"a":' * 40_000, "too_deep"),
        (b"[]", "not_an_object"),
        (b"null", "not_an_object"),
        (b"7", "not_an_object"),
        (b'"pin.request"', "not_an_object"),
        (b" " * 10_000_000, "too_large"),
        (b" " * (MAX_BODY + 1), "too_large"),
    ],
)
def test_what_is_no_message_is_unreadable(body: bytes, reason: str) -> None:
    with pytest.raises(UnreadableMessageError) as refused:
        read("pin.request", body)
    assert refused.value.reason == reason


@pytest.mark.parametrize("type_", ["", "pin.requests", "pin.issued", "reply", "PIN.REQUEST", "\x00"])
def test_a_type_that_the_contract_does_not_have_is_unreadable(type_: str) -> None:
    with pytest.raises(UnreadableMessageError) as refused:
        read(type_, b"{}")
    assert refused.value.reason == "unknown_type"


def test_of_a_key_that_stands_twice_the_last_one_counts() -> None:
    card = b'"health_card": {"number": "80380000900012345678", "expires_on": "2029-06-30"}'
    body = b'{"codice_fiscale": "wrong", ' + card + b', "codice_fiscale": "RSSMRA85T10A562S"}'
    command = read("registry.update", body)
    assert isinstance(command, RegistryUpdate)
    assert command.codice_fiscale == "RSSMRA85T10A562S"


def test_an_object_where_a_text_belongs_is_a_fault_of_that_field() -> None:
    deep: Any = "x"
    for _ in range(150):
        deep = {"a": deep}
    assert codes_of("pin.request", put("name", deep)) == {"name": "wrong_type"}
    assert codes_of("pin.request", put("contacts", [deep])) == {"contacts": "wrong_type"}


def test_the_name_of_an_unknown_field_is_repeated_only_if_it_is_plain() -> None:
    assert codes_of("pin.request", put("in_italy", 1)) == {"in_italy": "unknown_field"}
    assert codes_of("pin.request", put("residence", {"abroad": 1}))["residence.abroad"] == "unknown_field"
    assert codes_of("pin.request", put("\x1b[31m", 1)) == {"?": "unknown_field"}


def test_a_text_of_many_characters_is_too_long() -> None:
    assert codes_of("pin.request", put("name", "a" * 200_000)) == {"name": "too_long"}


any_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=10,
)
paths = sorted({*COMMAND_EXAMPLES["pin.request"], "residence.country", "residence.number", "contacts.mobile"})


@given(type_=st.sampled_from(sorted(COMMANDS)), body=st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(type_: str, body: bytes) -> None:
    with suppress(UnreadableMessageError, InvalidMessageError):
        read(type_, body)


@given(type_=st.sampled_from(sorted(COMMANDS)), message=any_json)
def test_any_json_is_read_or_refused(type_: str, message: object) -> None:
    with suppress(UnreadableMessageError, InvalidMessageError):
        read(type_, json.dumps(message).encode())


@given(path=st.sampled_from(paths), value=any_json)
def test_any_value_in_any_field_is_read_or_refused(path: str, value: object) -> None:
    with suppress(UnreadableMessageError, InvalidMessageError):
        read("pin.request", changed("pin.request", put(path, value)))
