"""Our frames are, byte for byte, those of the library whose place they take."""

import pamqp.frame
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pamqp.body import ContentBody
from pamqp.commands import Basic
from pamqp.header import ContentHeader

from shared.broker.message import Message
from shared.broker.wire import frames

SHORT = st.text(max_size=60)
NAME = st.from_regex(r"[a-z._]{0,40}", fullmatch=True)
HEADERS = st.dictionaries(st.text(min_size=1, max_size=20), SHORT | st.integers(0, 2**62), max_size=4)


def of_the_library(message: Message, channel: int, room: int) -> bytes:
    properties = Basic.Properties(
        content_type="application/json",
        delivery_mode=2,
        message_type=message.type or None,
        message_id=message.message_id or None,
        correlation_id=message.correlation_id or None,
        headers=dict(message.headers) or None,
        user_id=message.user_id,
    )
    publish = Basic.Publish(
        exchange=message.exchange, routing_key=message.routing_key, mandatory=message.mandatory
    )
    header = ContentHeader(properties=properties, body_size=len(message.body))
    bodies = [ContentBody(message.body[i : i + room]) for i in range(0, len(message.body), room)]
    head = pamqp.frame.marshal(publish, channel) + pamqp.frame.marshal(header, channel)
    return head + b"".join(pamqp.frame.marshal(body, channel) for body in bodies)


@given(
    st.builds(
        Message,
        exchange=NAME,
        routing_key=NAME,
        body=st.binary(max_size=300),
        type=SHORT,
        message_id=SHORT,
        correlation_id=SHORT,
        mandatory=st.booleans(),
        headers=HEADERS,
        user_id=st.none() | SHORT.filter(bool),
    ),
    st.integers(1, 2047),
    st.integers(1, 400),
)
def test_a_message_is_written_as_the_library_writes_it(message: Message, channel: int, room: int) -> None:
    assert frames(message, channel, room) == of_the_library(message, channel, room)


def test_a_property_that_is_too_long_is_an_error_and_never_a_broken_frame() -> None:
    with pytest.raises((ValueError, OverflowError)):
        frames(Message("e", "k", b"{}", "t", "m" * 256), 1, 100)
