"""What is wrong with a form, field by field, by the contract's own models."""

import json
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from deploy.web.asking import Reply
from shared.contract.findings import explain_errors
from shared.contract.model import Model

Faults = dict[str, str]
"""The code of each fault by its field's dotted path, such as `{"residence.postal_code": "missing"}`; `""` is
the form as a whole. Templates say it by the text `fault.<code>`."""


def faults_of(kind: type[Model], body: Mapping[str, Any]) -> Faults:
    """Return what is wrong with a command's body: the first fault of each field; nothing if it is right."""
    content = json.dumps(body).encode()
    try:
        command = kind.model_validate_json(content)
    except ValidationError as error:
        found = explain_errors(kind, content, error).faults
    else:
        found = tuple(command.disagreements_within())
    faults: Faults = {}
    for fault in found:
        faults.setdefault(fault.field, fault.code)
    return faults


def faults_in(reply: Reply) -> Faults:
    """Return what a rejected reply says is wrong; a fault that no field has is of the form as a whole."""
    faults: Faults = {}
    for error in reply.get("errors", ()):
        faults.setdefault(error["field"], error["code"])
    return faults or {"": str(reply["code"])}
