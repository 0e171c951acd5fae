"""Everything that is wrong with a body that did not validate, in the contract's own words."""

import re
from collections.abc import Iterator
from functools import cache
from typing import Any, NamedTuple, get_args

from pydantic import ValidationError, create_model
from pydantic_core import ErrorDetails, from_json, to_json

from shared.contract.model import INVALID, Model
from shared.contract.parts import ABROAD, IN_ITALY
from shared.errors import Fault

MOST_FAULTS = 50
"""How many faults of one message are told."""
_WORTH_TELLING = 1000

_PLAIN = re.compile(r"[A-Za-z0-9_-]{1,64}")
_TOO_LONG = ("too_long", "Longer than allowed.")
_TOO_SHORT = ("too_short", "Shorter than allowed.")
_NOT_UUID = ("not_a_uuid", "Must be a UUID.")
_RANGE = ("out_of_range", "The number is out of range.")
_WORDS = {
    "missing": ("missing", "This field is required."),
    "extra_forbidden": ("unknown_field", "The contract has no such field here."),
    "string_type": ("wrong_type", "Must be a text."),
    "int_type": ("wrong_type", "Must be a whole number."),
    "tuple_type": ("wrong_type", "Must be a list."),
    "model_type": ("wrong_type", "Must be an object."),
    "string_too_long": _TOO_LONG,
    "too_long": _TOO_LONG,
    "string_too_short": _TOO_SHORT,
    "too_short": _TOO_SHORT,
    "uuid_type": _NOT_UUID,
    "uuid_parsing": _NOT_UUID,
    "greater_than_equal": _RANGE,
    "less_than_equal": _RANGE,
    "string_pattern_mismatch": ("wrong_format", "Not of the form that the contract gives."),
}
_UNFORESEEN = ("not_allowed", "The value is not allowed here.")


class Findings(NamedTuple):
    """What came of looking closer at a body that did not validate.

    Attributes:
        unreadable: why it is no message at all, or None if it is one.
        faults: else all its faults, field by field.
    """

    unreadable: str | None
    faults: tuple[Fault, ...] = ()


def explain_errors(kind: type[Model], body: bytes, error: ValidationError) -> Findings:
    """Return all that is wrong with a body that failed to validate as this kind with this error."""
    try:
        raw = from_json(body, allow_inf_nan=False)
    except ValueError as reason:
        return Findings(_no_json(body, str(reason)))
    if not isinstance(raw, dict):
        return Findings("not_an_object")
    if error.error_count() > _WORTH_TELLING:
        return Findings(None, (Fault("", "too_many_faults", "There are too many faults to list."),))
    found = [_fault(each) for each in error.errors(include_url=False, include_input=False)]
    found += _salvaged(kind, raw).disagreements_within()
    return Findings(None, tuple(found[:MOST_FAULTS]))


def _no_json(body: bytes, reason: str) -> str:
    try:
        body.decode()
    except UnicodeDecodeError:
        return "not_utf8"
    return "too_deep" if "recursion limit" in reason else "not_json"


def _fault(error: ErrorDetails) -> Fault:
    context = error.get("ctx", {})
    if "detail" in context:
        return Fault(_path(error), error["type"], context["detail"])
    if error["type"] == "literal_error":
        return Fault(_path(error), "not_one_of", f"Must be {context['expected']}.")
    return Fault(_path(error), *_WORDS.get(error["type"], _UNFORESEEN))


def _path(error: ErrorDetails) -> str:
    *above, last = error["loc"]
    steps = [step for step in above if step not in {IN_ITALY, ABROAD}]
    if error["type"] == "extra_forbidden" or last not in {IN_ITALY, ABROAD}:
        steps.append(last)
    # A sender may put anything into the name of a field, so only plain ones are repeated.
    return ".".join(text if _PLAIN.fullmatch(text := str(step)) else "?" for step in steps)


def _salvaged(kind: type[Model], raw: dict[str, Any]) -> Model:
    """Return the model with what is right in `raw`, and `INVALID` in the place of the rest."""
    given = (name for name, field in kind.model_fields.items() if name in raw or field.is_required())
    return kind.model_construct(**{name: _value(kind, name, raw) for name in given})


def _value(kind: type[Model], name: str, raw: dict[str, Any]) -> Any:  # noqa: ANN401 - of any field
    field = kind.model_fields[name]
    if name not in raw:
        return INVALID
    try:
        alone = _alone(kind, name).model_validate_json(to_json({name: raw[name]}))
    except ValidationError:
        part = next(_parts(field.annotation, raw[name]), None)
        return _salvaged(part, raw[name]) if part else INVALID
    return getattr(alone, name)


@cache
def _alone(kind: type[Model], name: str) -> type[Model]:
    field = kind.model_fields[name]
    return create_model(f"{kind.__name__}_{name}", __base__=Model, **{name: (field.annotation, field)})  # type: ignore[call-overload, no-any-return]


def _parts(annotation: Any, raw: object) -> Iterator[type[Model]]:  # noqa: ANN401 - any type expression
    if not isinstance(raw, dict):
        return
    if isinstance(annotation, type) and issubclass(annotation, Model):
        if annotation.describes(raw):
            yield annotation
        return
    for argument in get_args(annotation):
        yield from _parts(argument, raw)
