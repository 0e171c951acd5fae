"""The channels of the document, and the operations on them as the workers see them."""

from shared.contract import topology
from shared.contract.asyncapi.messages import AMQP, REPLY_TO, about, is_answered, key_of, senders_of
from shared.contract.asyncapi.schemas import PUBLISHED, Json, prose
from shared.contract.command import Command
from shared.contract.events import EVENTS


def channels() -> Json:
    """Return every channel of the document: a routing key of an exchange, or a queue."""
    made: Json = {}
    for type_, command in PUBLISHED.items():
        made[key_of(type_)] = _command_channel(command)
    for type_, data in EVENTS.items():
        made[f"{key_of(type_)}_event"] = {
            "address": type_,
            "description": prose(data.__doc__),
            "messages": _only(f"{key_of(type_)}_event"),
            "bindings": _routed(topology.EVENTS),
        }
    replies = [f"{key_of(type_)}_reply" for type_, command in PUBLISHED.items() if is_answered(command)]
    made["replies"] = {
        "address": None,
        "description": "The queue that a command names in `reply_to`.",
        "messages": {key: {"$ref": f"#/components/messages/{key}"} for key in replies},
    }
    made["dead"] = {
        "address": topology.DEAD,
        "description": "What no worker could read or handle.",
        "messages": _only("dead"),
        "bindings": _queue(topology.DEAD),
    }
    return made


def _only(key: str) -> Json:
    return {key: {"$ref": f"#/components/messages/{key}"}}


def _command_channel(command: type[Command]) -> Json:
    receipt = not is_answered(command)
    return {
        "address": command.type,
        "description": f"Sent by {senders_of(command)}; handled in the lane `{command.lane}`.",
        "messages": _only(key_of(command.type)),
        "bindings": _routed(topology.RECEIVED, "fanout") if receipt else _routed(topology.COMMANDS),
    }


def _routed(exchange: str, kind: str = "topic") -> Json:
    return {
        "amqp": {
            "is": "routingKey",
            "exchange": {
                "name": exchange,
                "type": kind,
                "durable": True,
                "autoDelete": False,
                "vhost": "/",
            },
            "bindingVersion": AMQP,
        }
    }


def _queue(name: str) -> Json:
    return {
        "amqp": {
            "is": "queue",
            "queue": {"name": name, "durable": True, "exclusive": False, "autoDelete": False, "vhost": "/"},
            "bindingVersion": AMQP,
        }
    }


def operations() -> Json:
    """Return every operation: commands are received and answered, events are sent."""
    made: Json = {}
    for type_, command in PUBLISHED.items():
        made[f"receive_{key_of(type_)}"] = _receiving(command)
    for type_ in EVENTS:
        made[f"send_{key_of(type_)}_event"] = _operation(
            "send", f"{key_of(type_)}_event", f"Tell that {type_}."
        )
    return made | {"send_dead": _operation("send", "dead", "Park what nobody could read or handle.")}


def _operation(action: str, key: str, summary: str) -> Json:
    return {
        "action": action,
        "channel": {"$ref": f"#/channels/{key}"},
        "summary": summary,
        "messages": [{"$ref": f"#/channels/{key}/messages/{key}"}],
        "bindings": {"amqp": {"deliveryMode": 2, "mandatory": True, "ack": True, "bindingVersion": AMQP}},
    }


def _receiving(command: type[Command]) -> Json:
    key = key_of(command.type)
    operation = _operation("receive", key, about(command).partition("\n\n")[0])
    if not is_answered(command):
        return operation
    return operation | {
        "reply": {
            "address": {"location": "$message.header#/reply_to", "description": REPLY_TO},
            "channel": {"$ref": "#/channels/replies"},
            "messages": [{"$ref": f"#/channels/replies/messages/{key}_reply"}],
        }
    }
