"""Fifty messages that every worker must park, each with its reason."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, cast
from uuid import UUID, uuid4

from deploy.local.citizens import DE_VISU
from tests.adversity.hostile_sender import GARBLED
from tests.adversity.people import REQUEST, citizen

MEGABYTE = 1024 * 1024
LANE = "issuer.requests"


@dataclass(frozen=True)
class Poison:
    """One poisonous message.

    Attributes:
        reason: the expected `x-reason`.
        body: its bytes.
        by: the broker user who sends it; `pinctl` may write any `user_id`.
        key: its routing key.
        exchange: empty for the queue that `key` names.
        properties: differences from those of a valid message; None omits one.
    """

    reason: str
    body: bytes
    by: str = "portal"
    key: str = REQUEST
    exchange: str = "pin.commands"
    properties: dict[str, Any] = field(default_factory=dict)

    @property
    def sent(self) -> dict[str, Any]:
        """Its AMQP properties."""
        usual = {
            "message_type": self.key,
            "message_id": str(uuid4()),
            "user_id": self.by,
            "delivery_mode": 2,
            "content_type": "application/json",
        }
        return {name: value for name, value in (usual | self.properties).items() if value is not None}


def _good() -> bytes:
    return json.dumps(citizen()).encode()


def _recognised() -> bytes:
    return json.dumps(citizen(DE_VISU)).encode()


def _with(name: str, value: bytes) -> bytes:
    """Return a valid request with raw bytes as the value of one field."""
    return json.dumps(citizen(**{name: "@"})).encode().replace(b'"@"', value)


def _subject(**more: str) -> bytes:
    return json.dumps({"subject": "00" * 16, **more}).encode()


def _expire() -> bytes:
    return _subject(pin_id=str(UUID(int=1)))


def _bodies() -> Iterator[Poison]:
    yield Poison("not_json", b"Vorrei un PIN, grazie.")
    yield Poison("not_json", b"")
    yield Poison("not_json", b" \r\n\t ")
    yield Poison("not_json", bytes(500))
    yield Poison("not_json", _good()[:-1])
    yield Poison("not_json", _good() * 2)
    yield Poison("not_json", _good().replace(b'"', b"'"))
    yield Poison("not_json", _with("surname", b"NaN"))
    yield Poison("not_json", _with("surname", b"-Infinity"))
    yield Poison("not_json", _with("surname", b'"\\ud800"'))
    yield Poison("not_utf8", _with("surname", b'"M\xfcller"'))
    yield Poison("not_utf8", _with("surname", b'"\xc0\xaf"'))
    yield Poison("not_utf8", _with("surname", b'"\xed\xa0\x80"'))
    yield Poison("not_utf8", _good().decode().encode("utf-16"))
    yield Poison("not_an_object", b"[" + _good() + b"]")
    yield Poison("not_an_object", json.dumps(_good().decode()).encode())
    yield Poison("not_an_object", b"null")
    yield Poison("not_an_object", b"16")
    yield Poison("too_deep", b"[" * 100_000 + b"]" * 100_000)
    yield Poison("too_deep", _with("residence", b'{"street":' * 20_000 + b"1" + b"}" * 20_000))
    yield Poison("too_deep", b"[" * 100_000)
    yield Poison("too_large", b" " * (MEGABYTE - 5000) + _good())
    yield Poison("too_large", _with("surname", b'"' + b"a" * (MEGABYTE - 5000) + b'"'))
    yield Poison("too_large", _good() + b" " * (256 * 1024))


def _properties() -> Iterator[Poison]:
    for reason, properties in (
        ("no_type", {"message_type": None}),
        ("type_is_not_routing_key", {"message_type": "pin.reqest"}),
        ("type_is_not_routing_key", {"message_type": "pin.verify"}),
        ("type_is_not_routing_key", {"message_type": "contacts.update"}),
        ("type_is_not_routing_key", {"message_type": "x" * 255}),
        ("no_message_id", {"message_id": None}),
        ("message_id_is_no_uuid", {"message_id": "1", "headers": {"traceparent": "x" * 130_950}}),
        ("message_id_is_no_uuid", {"message_id": f"{uuid4()}-bis"}),
        ("no_user_id", {"user_id": None}),
        ("type_unreadable", {"message_type": GARBLED}),
        ("message_id_unreadable", {"message_id": GARBLED}),
        (
            "message_id_unreadable",
            {"message_id": GARBLED, "correlation_id": GARBLED, "headers": {GARBLED: 1}},
        ),
    ):
        yield Poison(reason, _good(), properties=cast("dict[str, Any]", properties))


def _senders() -> Iterator[Poison]:
    yield Poison("forbidden_sender", _recognised())
    yield Poison("forbidden_sender", _good(), by="operator")
    for forged, reason in (
        ("operator", "forbidden_sender"),
        ("gateway", "forbidden_sender"),
        ("issuer", "forbidden_sender"),
        ("pinctl", "unknown_sender"),
        ("nobody", "unknown_sender"),
    ):
        aimed = {"user_id": forged, "message_type": REQUEST}
        yield Poison(reason, _good(), by="pinctl", key=LANE, exchange="", properties=aimed)
    # pinctl may publish in another's name, and straight to any queue.
    expire = "internal.issuer.expire"
    for by, wanted, body in (
        ("notifier", REQUEST, _good()),
        ("notifier", expire, _expire()),
        ("dispositivo", expire, _expire()),
        ("revoker", "registry.update", b"{}"),
    ):
        aimed = {"message_type": wanted, "user_id": by}
        yield Poison("forbidden_sender", body, by="pinctl", key=LANE, exchange="", properties=aimed)
    for wanted in ("pin.verify", "internal.issuer.explode", "bundle"):
        aimed = {"message_type": wanted, "user_id": "issuer"}
        yield Poison("unknown_type", _good(), by="pinctl", key=LANE, exchange="", properties=aimed)


FIFTY = (*_bodies(), *_properties(), *_senders())
