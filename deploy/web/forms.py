"""What is wrong with a form, field by field, by the contract's own models."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import ValidationError

from deploy.web.asking import Reply
from shared.contract.findings import explain_errors
from shared.contract.model import Model

WRONG = 422
"""The status of a page whose form has faults."""
Faults = dict[str, str]
"""The code of each fault by its field's dotted path, such as `{"residence.postal_code": "missing"}`; `""` is
the form as a whole. Templates say it by the text `fault.<code>`."""


def faults_of(kind: type[Model], body: Mapping[str, Any], at: Mapping[str, str] | None = None) -> Faults:
    """Return what is wrong with a command's body: the first fault of each field; nothing if it is right.

    Args:
        kind: the command's model.
        body: as it would be published.
        at: the field of the form at which a fault is shown, by its code or its field in the contract, where
            that is none of the form's: `{"no_phone": "contacts.mobile"}`.
    """
    content = json.dumps(body).encode()
    try:
        command = kind.model_validate_json(content)
    except ValidationError as error:
        found = explain_errors(kind, content, error).faults
    else:
        found = tuple(command.disagreements_within())
    return _by_field(((fault.field, fault.code) for fault in found), at or {})


def faults_in(reply: Reply, at: Mapping[str, str] | None = None) -> Faults:
    """Return what a rejected reply says is wrong; a fault that no field has is of the form as a whole."""
    told = ((error["field"], error["code"]) for error in reply.get("errors", ()))
    return _by_field(told, at or {}) or {"": str(reply["code"])}


def _by_field(found: Iterable[tuple[str, str]], at: Mapping[str, str]) -> Faults:
    faults: Faults = {}
    for field, code in found:
        faults.setdefault(at.get(code, at.get(field, field)), code)
    return faults
