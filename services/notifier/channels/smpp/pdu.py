"""The PDUs of SMPP 3.4 that we say and understand, as bytes (SMPP Protocol Specification 3.4, 4 and 5)."""

import asyncio
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum

from shared.errors import GarbledError

RESPONSE = 0x8000_0000
"""This bit of a command says that it answers the one without it."""
OK = 0
INVALID_COMMAND = 0x03
_HEADER = struct.Struct(">IIII")
_LARGEST = 128 * 1024
"""Octets of one PDU: a payload has 64 KiB at most."""
_VERSION = 0x34
_TLV = struct.Struct(">HH")


class Command(IntEnum):
    """The commands we say and understand, without those that answer them."""

    GENERIC_NACK = 0x00
    SUBMIT_SM = 0x04
    DELIVER_SM = 0x05
    UNBIND = 0x06
    BIND_TRANSCEIVER = 0x09
    ENQUIRE_LINK = 0x15


class Tag(IntEnum):
    """Optional parameters (5.3.2)."""

    RECEIPTED_MESSAGE_ID = 0x001E
    NETWORK_ERROR_CODE = 0x0423
    MESSAGE_PAYLOAD = 0x0424
    MESSAGE_STATE = 0x0427


@dataclass(frozen=True, slots=True)
class Pdu:
    """One PDU. Its body may hold a text or a password: it is not shown.

    Attributes:
        command: with `RESPONSE` if it answers one.
        status: zero unless it answers.
        sequence: by which an answer finds its question.
        body: what follows the header.
    """

    command: int
    status: int
    sequence: int
    body: bytes = field(default=b"", repr=False)

    def encoded(self) -> bytes:
        """Return the octets."""
        length = _HEADER.size + len(self.body)
        return _HEADER.pack(length, self.command, self.status, self.sequence) + self.body


async def read_pdu(reader: asyncio.StreamReader) -> Pdu:
    """Read one PDU.

    Raises:
        GarbledError: its length is impossible.
        asyncio.IncompleteReadError, OSError: the connection ended.
    """
    length, command, status, sequence = _HEADER.unpack(await reader.readexactly(_HEADER.size))
    if not _HEADER.size <= length <= _LARGEST:
        raise GarbledError(f"a PDU of {length} octets")
    return Pdu(command, status, sequence, await reader.readexactly(length - _HEADER.size))


@dataclass(frozen=True, slots=True)
class Address:
    """An address with its type of number and numbering plan (5.2.5, 5.2.6)."""

    ton: int
    npi: int
    text: str = field(repr=False)

    def encoded(self) -> bytes:
        """Return the octets."""
        return bytes([self.ton, self.npi]) + c_string(self.text)


def bind(system_id: str, password: str, system_type: str) -> bytes:
    """Return the body of a bind_transceiver (4.1.5), for all addresses of the account."""
    texts = c_string(system_id) + c_string(password) + c_string(system_type)
    return texts + bytes([_VERSION]) + Address(0, 0, "").encoded()


def submit(  # noqa: PLR0913 - one a field
    source: Address, to: Address, coding: int, text: bytes, more: Mapping[int, bytes], *, whole: bool
) -> bytes:
    """Return the body of a submit_sm (4.4.1) that asks for a receipt of the end, good or bad.

    Args:
        source: our address.
        to: the recipient's.
        coding: `data_coding`.
        text: encoded accordingly.
        more: optional parameters.
        whole: the text is one message; else it goes as `message_payload`, for the SMSC to cut.
    """
    esm_class = protocol = priority = replace = default_message = 0
    receipt = 1
    schedule = validity = b"\0"
    head = b"\0" + source.encoded() + to.encoded() + bytes([esm_class, protocol, priority])
    flags = bytes([receipt, replace, coding, default_message])
    short = text if whole else b""
    options = dict(more) if whole else {**more, Tag.MESSAGE_PAYLOAD: text}
    tlvs = b"".join(_TLV.pack(tag, len(value)) + value for tag, value in options.items())
    return head + schedule + validity + flags + bytes([len(short)]) + short + tlvs


def message_id(body: bytes) -> str:
    """Return the SMSC's id that a submit_sm_resp (4.4.2) or a parameter begins with; empty if it is none."""
    text = body.partition(b"\0")[0][:65]
    return text.decode("ascii") if text.isascii() and text.decode("ascii").isprintable() else ""


@dataclass(frozen=True, slots=True)
class Deliver:
    """What a deliver_sm brings (4.6.1). Who sent it is not kept.

    Attributes:
        esm_class: says whether it is a receipt.
        coding: `data_coding`.
        text: of the message, wherever it stood; may quote what we sent.
        tlvs: the optional parameters.
    """

    esm_class: int
    coding: int
    text: bytes = field(repr=False)
    tlvs: Mapping[int, bytes] = field(repr=False)


def read_deliver(body: bytes) -> Deliver:
    """Read the body of a deliver_sm.

    Raises:
        ValueError: it is not one.
    """
    try:
        source = _after_string(body, 0)
        to = _after_string(body, source + 2)
        at = _after_string(body, to + 2)
        esm_class = body[at]
        validity = _after_string(body, at + 3)
        flags = _after_string(body, validity)
        coding, length = body[flags + 2], body[flags + 4]
    except IndexError:
        raise ValueError("a deliver_sm that is cut off") from None
    start = flags + 5
    text, tlvs = body[start : start + length], _tlvs(body, start + length)
    return Deliver(esm_class, coding, text or tlvs.get(Tag.MESSAGE_PAYLOAD, b""), tlvs)


def c_string(text: str) -> bytes:
    """Return a C-octet string."""
    return text.encode("ascii") + b"\0"


def _after_string(body: bytes, at: int) -> int:
    return body.index(b"\0", at) + 1


def _tlvs(body: bytes, at: int) -> dict[int, bytes]:
    found = {}
    while at + _TLV.size <= len(body):
        tag, length = _TLV.unpack_from(body, at)
        at += _TLV.size
        found[tag] = body[at : at + length]
        at += length
    return found
