"""The AsyncAPI 3.0 document of the contract."""

from shared.contract.asyncapi.channels import channels, operations
from shared.contract.asyncapi.messages import messages
from shared.contract.asyncapi.schemas import Json, schemas

_ABOUT = """\
What portals, operators' consoles and other systems say to the workers that carry a citizen's PIN, \
and what they hear from them. It may grow (a new type, an optional field), but never changes in place.

**Properties.** The headers given for each message are AMQP 0-9-1 properties of the same name; only \
`traceparent` and those that begin with `x-` are entries of the AMQP headers table. `type` equals the \
routing key, and `user_id` is the sender's broker user, so that the broker vouches for it.

**Who may listen.** The broker user `observer` may bind any key of `pin.events` to a queue \
`events.observer.…`; a portal `istanza.#` and `dispositivo.activated` only, as the rest would tell what a \
blind reply hides. A queue of an outside user holds at most 100,000 messages and 128 MiB; what comes on top \
pushes out the oldest.

**Once.** `message_id` is the idempotency key: the same id with the same body has one effect and gets the \
same reply again; the same id with another body is rejected with `message_id_reused`. \
Any UUID will do; one of version 7 (RFC 9562), which begins with the time, is kept and found with less work.

**Faults.** A body is a JSON object in UTF-8 of at most 256 KiB; an unknown field is an error. What cannot \
be parsed as a message, and what comes from a user who may not send it, goes to `pin.dead` with the reason \
in the header `x-reason`; of a body over 32 KiB the beginning is kept there, with `x-length` and `x-sha256`. \
The broker refuses what is larger than 1 MiB. What breaks a rule is rejected, with every fault at once, each \
with its dotted path. What fails inside is rejected with `internal_error`, and kept for an operator; a blind \
command is answered as always.

**Secrets.** No PIN, half of a PIN or confirming token is readable anywhere on the broker. Where one \
travels it is sealed: standard base64 of a libsodium sealed box (`crypto_box_seal`) of its UTF-8 bytes. \
A command should seal it in the second form, which is of use in that one command: the UTF-8 bytes of the \
JSON object `{"v": 2, "pin": …, "codice_fiscale": …, "message_id": …, "reply_key": …}`, with `token` in \
place of `pin` for a link, `reply_key` where the command has one, and no more. What disagrees with its \
message is as wrong as a wrong PIN. The first form, a bare PIN or token, is valid unless a setting refuses it.

**Signatures** are optional; settings of a deployment demand those of commands, and add those of replies \
and events. Ed25519 signs the line `pin-online signature v1` (with its line feed) and then, each preceded by \
its length in bytes (4, big-endian): `type`, `message_id`, `correlation_id` (the `message_id` if a command \
has none), `user_id`, the addressee, the text of `x-signed-at`, the body. The addressee of a command is its \
`reply_to`, of a reply the queue that it goes to (direct reply-to is always `amq.rabbitmq.reply-to`); an \
event has an empty one. A reply bears the signature of the worker that owns the command's lane.

**Blind commands** always answer a well-formed command with `accepted` and nothing more: whether the \
citizen exists, has a PIN or gave the right data shows only to the citizen. These replies, and what refuses \
a `pin.verify` or a `pin.activate`, leave a fixed time after the command came (150 ms by default).
"""


def document() -> Json:
    """Return the whole document, ready to be written as JSON."""
    return {
        "asyncapi": "3.0.0",
        "id": "urn:pin-online:contract",
        "info": {"title": "PIN online", "version": "1.0.0", "description": _ABOUT},
        "defaultContentType": "application/json",
        "servers": {"broker": _server()},
        "channels": channels(),
        "operations": operations(),
        "components": {
            "messages": messages(),
            "correlationIds": {
                "flow": {
                    "description": "Carried on all that a command leads to; the message_id by default.",
                    "location": "$message.header#/correlation_id",
                }
            },
            "securitySchemes": {
                "brokerUser": {"type": "userPassword", "description": "A user of the broker."}
            },
            "schemas": schemas(),
        },
    }


def _server() -> Json:
    return {
        "host": "{host}:{port}",
        "protocol": "amqp",
        "protocolVersion": "0-9-1",
        "description": "RabbitMQ. All queues are quorum queues, all messages persistent.",
        "variables": {
            "host": {"default": "localhost", "description": "The broker's host."},
            "port": {"default": "5672", "description": "The broker's port, 5671 with TLS."},
        },
        "security": [{"$ref": "#/components/securitySchemes/brokerUser"}],
    }
