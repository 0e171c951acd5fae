"""The JSON schemas of the document, from the message models."""

from collections.abc import Mapping
from typing import Any

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode, models_json_schema
from pydantic_core import core_schema

from shared.config.field_docs import field_doc
from shared.contract.command import Command, InternalCommand
from shared.contract.event import EventData
from shared.contract.events import EVENTS, Event
from shared.contract.message import COMMANDS
from shared.contract.model import Model
from shared.contract.reply import DETAILS, Reply

Json = dict[str, Any]

PUBLISHED: Mapping[str, type[Command]] = {
    type_: command for type_, command in COMMANDS.items() if not issubclass(command, InternalCommand)
}
"""The commands that others may send."""

_EVERYWHERE: Mapping[str, type[Model] | None] = {"invalid": None, "message_id_reused": None}
_UNLESS_BLIND: Mapping[str, type[Model] | None] = {"internal_error": None}


def reference(model: type[Model] | str) -> Json:
    """Return the reference to a model's schema."""
    name = model if isinstance(model, str) else model.__name__
    return {"$ref": f"#/components/schemas/{name}"}


class _WithFieldDocs(GenerateJsonSchema):
    """Describes each field by the text that stands below it."""

    def model_schema(self, schema: core_schema.ModelSchema) -> Json:
        made, model = super().model_schema(schema), schema["cls"]
        for name, field in model.model_fields.items():
            shown = made["properties"].get(field.alias or name, {})
            if doc := field_doc(model, name):
                shown["description"] = doc
        return made


def schemas() -> Json:
    """Return the schema of every model that the document refers to, by name, in alphabetical order."""
    wanted: list[tuple[type[Model], JsonSchemaMode]] = [(Reply, "serialization")]
    for command in PUBLISHED.values():
        wanted.append((command, "validation"))
        data = [command.reply_data, *command.refusals.values()]
        wanted += [(model, "serialization") for model in data if model]
    wanted += [(data, "serialization") for data in EVENTS.values()]
    _, made = models_json_schema(
        wanted, ref_template="#/components/schemas/{model}", schema_generator=_WithFieldDocs
    )
    return {name: _plain(made["$defs"][name]) for name in sorted(made["$defs"]) if name != Reply.__name__}


def event_schema(data: type[EventData]) -> Json:
    """Return the schema of an event's body: the envelope with this type and data."""
    envelope = _plain(Event.model_json_schema(mode="serialization", schema_generator=_WithFieldDocs))
    return {
        "type": "object",
        "additionalProperties": False,
        "required": list(envelope["properties"]),
        "properties": envelope["properties"] | {"type": {"const": data.type}, "data": reference(data)},
    }


def reply_schema(command: type[Command]) -> Json:
    """Return the schema of every reply that a command may get."""
    refused = {**command.refusals, **_EVERYWHERE, **({} if command.blind else _UNLESS_BLIND)}
    return {
        "oneOf": [
            _reply("accepted", "accepted", command.reply_data),
            *(_reply("rejected", code, data) for code, data in refused.items()),
        ]
    }


def _reply(outcome: str, code: str, data: type[Model] | None) -> Json:
    errors: Json = {"type": "array", "items": reference("Fault")}
    if code != "invalid":
        errors["maxItems"] = 0
    return {
        "type": "object",
        "title": code,
        "description": DETAILS[code] or "The command was carried out, or blindly taken.",
        "additionalProperties": False,
        "required": ["outcome", "code", "detail", "errors", "data"],
        "properties": {
            "outcome": {"const": outcome},
            "code": {"const": code},
            "detail": {"type": "string"},
            "errors": errors,
            "data": reference(data) if data else {"type": "object", "maxProperties": 0},
        },
    }


def prose(docstring: str | None) -> str:
    """Return what a docstring says, without its sections and line breaks."""
    said = (docstring or "").split("\nAttributes:")[0]
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in said.split("\n\n")).strip()


def _plain(schema: Any) -> Any:  # noqa: ANN401 - JSON
    """Return a schema without the titles that repeat field names, its descriptions as prose."""
    if isinstance(schema, list):
        return [_plain(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: prose(value) if key == "description" and isinstance(value, str) else _plain(value)
        for key, value in schema.items()
        if not (key == "title" and isinstance(value, str))
    }
