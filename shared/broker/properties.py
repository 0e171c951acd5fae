"""Reads the properties of a message one by one, so that an unreadable one affects no other.

RabbitMQ does not check what a sender wrote: text that is not UTF-8, a time out of range, tables nested a
thousand deep. On any of these pamqp rejects the whole header, and aiormq ends the session: the redelivered
message would end every next one too. Each property gives its length, so an unreadable one is skipped, and its
name is recorded.
"""

import struct
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from pamqp.commands import Basic

_Read = Callable[[bytes], Any]

UNREADABLE = (ValueError, OverflowError, OSError, struct.error)

PROPERTIES = (
    ("content_type", 0x8000, "shortstr"),
    ("content_encoding", 0x4000, "shortstr"),
    ("headers", 0x2000, "table"),
    ("delivery_mode", 0x1000, "octet"),
    ("priority", 0x0800, "octet"),
    ("correlation_id", 0x0400, "shortstr"),
    ("reply_to", 0x0200, "shortstr"),
    ("expiration", 0x0100, "shortstr"),
    ("message_id", 0x0080, "shortstr"),
    ("timestamp", 0x0040, "timestamp"),
    ("message_type", 0x0020, "shortstr"),
    ("user_id", 0x0010, "shortstr"),
    ("app_id", 0x0008, "shortstr"),
    ("cluster_id", 0x0004, "shortstr"),
)
"""For each property: its name in pamqp, its flag and its kind, in the order of their values."""


def read_properties(properties: Basic.Properties, flags: int, data: bytes) -> None:
    """Set every property that can be read, and `unreadable` to the names of the others.

    It replaces pamqp's own function (AMQP 0-9-1, section 4.2.6.1): see `shared/broker/wire.py`.

    Args:
        properties: to be filled.
        flags: which properties are present.
        data: their values, one after the other.
    """
    unreadable = set()
    at = 0
    for name, flag, kind in PROPERTIES:
        if not flags & flag:
            continue
        end = at + _size(kind, data, at)
        try:
            if end > len(data):
                raise ValueError("it ends before its time")
            setattr(properties, name, _READERS[kind](data[at:end]))
        except UNREADABLE:
            unreadable.add(name)
        at = end
    properties.unreadable = frozenset(unreadable)  # type: ignore[attr-defined]


def _size(kind: str, data: bytes, at: int) -> int:
    """Return how many bytes a value takes, its own length included."""
    match kind:
        case "shortstr":
            return 1 + (data[at] if at < len(data) else 0)
        case "table":
            return 4 + int.from_bytes(data[at : at + 4])
        case "timestamp":
            return 8
        case _:
            return 1


def _timestamp(data: bytes) -> datetime:
    seconds = int.from_bytes(data)
    # Past the year 2106 it is probably in milliseconds: pamqp assumes the same.
    return datetime.fromtimestamp(seconds / 1000 if seconds > 2**32 - 1 else seconds, UTC)


def _table(data: bytes) -> dict[str, Any]:
    """Return the texts and integers of a table; entries of other kinds, and unreadable ones, are left out.

    This project reads no other kind, and tables and lists within it could be nested without limit.
    """
    found: dict[str, Any] = {}
    at = 4
    while at < len(data):
        name = data[at + 1 : at + 1 + data[at]]
        at += 1 + data[at]
        kind = data[at : at + 1]
        fixed = _FIXED.get(kind)
        start = at + 1 if fixed is not None else at + 5
        end = start + (int.from_bytes(data[at + 1 : at + 5]) if fixed is None else fixed)
        if kind not in _KINDS or end > len(data):
            break  # its length is unknown, and so is the start of the next one
        if read := _TABLE_READERS.get(kind):
            with suppress(*UNREADABLE):  # this entry alone is lost
                found[name.decode()] = read(data[start:end])
        at = end
    return found


def _signed(data: bytes) -> int:
    return int.from_bytes(data, signed=True)


_READERS: dict[str, _Read] = {
    "shortstr": lambda data: data[1:].decode(),
    "octet": int.from_bytes,
    "timestamp": _timestamp,
    "table": _table,
}
# https://www.rabbitmq.com/amqp-0-9-1-errata: the kinds as RabbitMQ writes them.
_FIXED = {
    kind.encode(): size
    for size, kinds in {0: "V\0", 1: "tbB", 2: "su", 4: "Iif", 5: "D", 8: "lLdT"}.items()
    for kind in kinds
}
_KINDS = _FIXED.keys() | {b"S", b"A", b"F", b"x"}
_TABLE_READERS: dict[bytes, _Read] = {
    b"S": bytes.decode,
    b"t": lambda data: data != b"\0",
    b"B": int.from_bytes,
    b"u": int.from_bytes,
    b"i": int.from_bytes,
    **dict.fromkeys((b"b", b"s", b"I", b"l", b"L"), _signed),
}
