"""What was typed into a form, as the contract nests it."""

from collections.abc import Iterable
from typing import Any

from starlette.datastructures import FormData

DOCUMENT = ("kind", "number", "issued_by", "issued_on", "expires_on")
"""The fields of an identity document."""
KINDS = ("identity_card", "driving_licence", "passport")


def typed(form: FormData, names: Iterable[str]) -> dict[str, str]:
    """Return the fields of these dotted names as typed, to be shown again; those left out are empty."""
    return {name: str(form.get(name, "")).strip() for name in names}


def nested(fields: dict[str, str]) -> dict[str, Any]:
    """Return fields of dotted names as the contract nests them; what is empty was not given.

    `{"document.kind": "passport"}` becomes `{"document": {"kind": "passport"}}`.
    """
    body: dict[str, Any] = {}
    for name, value in fields.items():
        *above, last = name.split(".")
        within = body
        for part in above:
            within = within.setdefault(part, {})
        if value:
            within[last] = value
    return body


def of_document(within: str = "document") -> tuple[str, ...]:
    """Return the dotted names of an identity document's fields."""
    return tuple(f"{within}.{name}" for name in DOCUMENT)


def codice_fiscale_of(form: FormData) -> str:
    """Return a codice fiscale as typed, in capitals and without spaces."""
    return "".join(str(form.get("codice_fiscale", "")).split()).upper()
