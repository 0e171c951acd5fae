"""The messages of the document: commands, their replies, events."""

from collections.abc import Iterable, Mapping

from shared.contract.asyncapi.schemas import PUBLISHED, Json, event_schema, prose, reference, reply_schema
from shared.contract.command import GATEWAY, OPERATOR, Command
from shared.contract.event import EventData
from shared.contract.events import EVENTS
from shared.contract.examples import COMMAND_EXAMPLES, EVENT_EXAMPLES, REPLY_EXAMPLES
from shared.crypto.signing import KEY_ID, SIGNATURE, SIGNED_AT

AMQP = "0.3.0"
"""The version of the AMQP bindings."""
REPLY_TO = (
    "A queue for the reply, optional: server-named (`amq.gen-…`), `reply.<user>.…` or "
    "`amq.rabbitmq.reply-to`. Any other name is ignored."
)
"""What is said of the property `reply_to`."""
_MESSAGE_ID = "6f3f0c1e-8a37-4b58-9d0e-2b7f5a4c1d10"
_SUBJECT = "9c56cc51b374c3ba189210d5b6d4bf57790d351c96c47c02190ecf1e430635ab"


def key_of(type_: str) -> str:
    """Return the key of a command's channel and message in the document."""
    return type_.replace(".", "_")


def messages() -> Json:
    """Return every message of the document by its key."""
    made: Json = {}
    for type_, command in PUBLISHED.items():
        made[key_of(type_)] = _command(command)
        if is_answered(command):
            made[f"{key_of(type_)}_reply"] = _reply(command)
    for type_, data in EVENTS.items():
        made[f"{key_of(type_)}_event"] = _event(data)
    return made | {"dead": _dead()}


def is_answered(command: type[Command]) -> bool:
    """Tell whether a command may get a reply: receipts get none."""
    return GATEWAY not in command.senders


def _message(type_: str, said: str, headers: Json, payload: Json, examples: Iterable[Json]) -> Json:
    summary, _, more = said.partition("\n\n")
    return {
        "name": type_,
        "title": type_,
        "summary": summary,
        **({"description": more} if more else {}),
        "contentType": "application/json",
        "correlationId": {"$ref": "#/components/correlationIds/flow"},
        "headers": headers,
        "payload": payload,
        "bindings": {"amqp": {"contentEncoding": "utf-8", "messageType": type_, "bindingVersion": AMQP}},
        "examples": list(examples),
    }


def _headers(type_: str, required: tuple[str, ...], **more: Json) -> Json:
    properties: Mapping[str, Json] = {
        "type": {"const": type_},
        "content_type": {"const": "application/json"},
        "correlation_id": {"type": "string", "maxLength": 255},
        "traceparent": {
            "type": "string",
            "description": "W3C trace context, optional: passed on, or the parent of what is passed on.",
        },
        SIGNATURE: {"type": "string", "description": "Base64 of an Ed25519 signature, optional."},
        SIGNED_AT: {"type": "string", "format": "date-time", "description": "When it was signed, in UTC."},
        KEY_ID: {"type": "string", "description": "16 hex digits of the SHA-256 of the public key."},
        **more,
    }
    return {"type": "object", "required": ["type", *required], "properties": properties}


def _command(command: type[Command]) -> Json:
    headers = _headers(
        command.type,
        ("message_id", "user_id"),
        message_id={"type": "string", "format": "uuid", "description": "The idempotency key."},
        user_id={"type": "string", "description": f"A user with the rights of {senders_of(command)}."},
        **({"reply_to": {"type": "string", "description": REPLY_TO}} if is_answered(command) else {}),
    )
    sent = {
        "type": command.type,
        "message_id": _MESSAGE_ID,
        "user_id": OPERATOR if OPERATOR in command.senders else min(command.senders),
    }
    example = {"headers": sent, "payload": COMMAND_EXAMPLES[command.type]}
    return _message(command.type, about(command), headers, reference(command), [example])


def about(command: type[Command]) -> str:
    """Return what a command is for: a summary, and after an empty line perhaps more."""
    said = prose(command.__doc__)
    return f"{said}\n\nBlind." if command.blind else said


def senders_of(command: type[Command]) -> str:
    """Return the roles that may send a command, in prose."""
    return " or ".join(f"`{sender}`" for sender in sorted(command.senders, reverse=True))


def _reply(command: type[Command]) -> Json:
    data = REPLY_EXAMPLES.get(command.type, {})
    payload = {"outcome": "accepted", "code": "accepted", "detail": "", "errors": [], "data": data}
    headers = {"type": "reply", "correlation_id": _MESSAGE_ID}
    return _message(
        "reply",
        f"The reply to {command.type}.",
        _headers("reply", ("correlation_id",)),
        reply_schema(command),
        [{"headers": headers, "payload": payload}],
    )


def _event(data: type[EventData]) -> Json:
    body = {
        "event_id": "c1a3f0de-5b7a-4f6e-8f5d-0c9e8d7b6a51",
        "type": data.type,
        "subject": _SUBJECT,
        "correlation_id": _MESSAGE_ID,
        "occurred_at": "2026-11-22T09:30:00Z",
        "data": EVENT_EXAMPLES.get(data.type, {}),
    }
    headers = {"type": data.type, "message_id": body["event_id"], "correlation_id": _MESSAGE_ID}
    return _message(
        data.type,
        prose(data.__doc__),
        _headers(
            data.type, ("message_id", "correlation_id"), message_id={"type": "string", "format": "uuid"}
        ),
        event_schema(data),
        [{"headers": headers, "payload": body}],
    )


def _dead() -> Json:
    return {
        "name": "dead",
        "title": "dead",
        "summary": "Any message that no worker could read or handle, as it came, or its first 32 KiB.",
        "headers": {
            "type": "object",
            "required": ["x-reason"],
            "properties": {
                "x-reason": {"type": "string", "description": "Why it is here."},
                "x-length": {"type": "integer", "description": "Of a body that was cut: its bytes."},
                "x-sha256": {"type": "string", "description": "Of a body that was cut: its SHA-256, in hex."},
            },
        },
        "payload": {"description": "Whatever was sent."},
        "bindings": {"amqp": {"bindingVersion": AMQP}},
        "examples": [{"headers": {"x-reason": "not_json"}, "payload": "rubbish"}],
    }
