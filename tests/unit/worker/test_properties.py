"""One property that cannot be read costs no other."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pamqp import encode
from pamqp.base import BasicProperties
from pamqp.commands import Basic

from shared.broker.properties import read_properties

NO_UTF8 = b"\xff\xfe\xc0\x80ABC\xed"


def written(**properties: object) -> tuple[int, bytes]:
    """Return flags and values as pamqp writes them."""
    data = Basic.Properties(**properties).marshal()  # type: ignore[arg-type]
    return int.from_bytes(data[:2]), data[2:]


def read(flags: int, data: bytes) -> Basic.Properties:
    found = Basic.Properties()
    read_properties(found, flags, data)
    return found


GOOD = {
    "content_type": "application/json",
    "headers": {"traceparent": "00-abc", "x-delivery-count": 3},
    "delivery_mode": 2,
    "correlation_id": "è-7",
    "reply_to": "reply.portal.x",
    "message_id": "5b8f6a0e-3c52-4c8e-8d5e-0f7a1c2b3d4e",
    "timestamp": datetime(2026, 11, 27, tzinfo=UTC),
    "message_type": "pin.request",
    "user_id": "portal",
    "app_id": "web",
}
TEXTS = ("content_type", "correlation_id", "reply_to", "message_id", "message_type", "user_id", "app_id")

short = st.text(max_size=40)
headers = st.dictionaries(
    st.text(min_size=1, max_size=20),
    st.one_of(short, st.booleans(), st.integers(-(2**63), 2**63 - 1)),
    max_size=6,
)


@given(text=st.fixed_dictionaries({}, optional=dict.fromkeys(TEXTS, short)), table=headers)
def test_good_properties_are_read_as_pamqp_reads_them(text: dict[str, str], table: dict[str, object]) -> None:
    flags, data = written(**text, headers=table, delivery_mode=2, priority=7)
    ours, theirs = read(flags, data), Basic.Properties()
    BasicProperties.unmarshal(theirs, flags, data)  # the class's own is replaced by ours
    assert ours == theirs
    assert ours.unreadable == frozenset()  # type: ignore[attr-defined]


@pytest.mark.parametrize("broken", TEXTS)
def test_a_text_that_is_no_utf8_is_lost_alone(broken: str) -> None:
    flags, data = written(**{**GOOD, broken: "not-utf8"})
    found = read(flags, data.replace(b"\x08not-utf8", bytes([len(NO_UTF8)]) + NO_UTF8))
    assert found.unreadable == {broken}  # type: ignore[attr-defined]
    assert all(getattr(found, name) == value for name, value in GOOD.items() if name != broken)
    assert not getattr(found, broken)


@pytest.mark.parametrize("seconds", [1_795_737_600_000_000, 2**63, 2**64 - 1])
def test_a_time_past_all_calendars_is_lost_alone(seconds: int) -> None:
    flags, data = written(**GOOD)
    stamp = encode.timestamp(GOOD["timestamp"])  # type: ignore[arg-type]
    found = read(flags, data.replace(stamp, seconds.to_bytes(8)))
    assert found.unreadable == {"timestamp"}  # type: ignore[attr-defined]
    assert (found.message_type, found.user_id, found.app_id) == ("pin.request", "portal", "web")


def entry(name: bytes, value: bytes) -> bytes:
    return bytes([len(name)]) + name + value


def with_table(*entries: bytes) -> Basic.Properties:
    body = b"".join(entries)
    flags, data = written(message_type="pin.request")
    return read(flags | Basic.Properties.flags["headers"], len(body).to_bytes(4) + body + data)


TRACE = entry(b"traceparent", b"S\0\0\0\x0200")


@pytest.mark.parametrize(
    "odd",
    [
        entry(NO_UTF8, b"S\0\0\0\x01x"),
        entry(b"latin", b"S\0\0\0\x01\xe8"),
        entry(b"past", b"T" + b"\xff" * 8),
        entry(b"list", b"A\0\0\0\x02xx"),
        entry(b"nothing", b"V"),
        entry(b"decimal", b"D\xff\xff\xff\xff\xff"),
        entry(b"deep", b"F" + (5000).to_bytes(4) + bytes(5000)),
    ],
)
def test_an_odd_header_is_lost_alone(odd: bytes) -> None:
    found = with_table(odd, TRACE)
    assert found.headers == {"traceparent": "00"}
    assert found.message_type == "pin.request"


def test_headers_after_one_of_unknown_length_are_lost_and_the_other_properties_are_not() -> None:
    found = with_table(TRACE, entry(b"what", b"?1234"), entry(b"after", b"V"))
    assert found.headers == {"traceparent": "00"}
    assert found.message_type == "pin.request"


def test_a_table_a_thousand_deep_is_passed_over() -> None:
    deep = b""
    for _ in range(10_000):
        inner = entry(b"d", b"F" + len(deep).to_bytes(4) + deep)
        deep = inner
    assert with_table(deep, TRACE).headers == {"traceparent": "00"}


@given(flags=st.integers(0, 2**16 - 1).map(lambda n: n & 0xFFFC), data=st.binary(max_size=300))
def test_no_bytes_at_all_raise(flags: int, data: bytes) -> None:
    read(flags, data)


@given(data=st.binary(max_size=300))
def test_no_table_raises(data: bytes) -> None:
    read(Basic.Properties.flags["headers"], len(data).to_bytes(4) + data)
