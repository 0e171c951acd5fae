"""What people type and upload, as a form's fields."""

import io
from collections.abc import Mapping
from datetime import date
from typing import Any

from PIL import Image

from shared.contract.examples import COMMAND_EXAMPLES

CITIZEN = str(COMMAND_EXAMPLES["pin.request"]["codice_fiscale"])
HALVES = ("7K2M9QXT", "4H8N3RWZ")
"""Of an initial PIN."""
PIN = "5T7R2KDW"
TOKEN = "dGhpcy1pcy1hLXRva2VuLW9mLWEtbGluaw"
"""Of a link of a mail."""
CARD = {"health_card.number": "80380 00090 00123 45678", "health_card.expires_on": "30/06/2029"}


def typed(body: Mapping[str, Any], above: str = "") -> dict[str, str]:
    """Return what a person types for a command's body: dotted names, dates as people write them."""
    fields: dict[str, str] = {}
    for name, value in body.items():
        if isinstance(value, Mapping):
            fields |= typed(value, f"{above}{name}.")
        elif isinstance(value, list | tuple):
            fields |= {f"{above}{name}.{at}": str(each) for at, each in enumerate(value)}
        else:
            fields[f"{above}{name}"] = str(value)
    for name in ("birth_date",):
        if name in fields:
            fields[name] = f"{date.fromisoformat(fields[name]):%d/%m/%Y}"
    return fields


def request_of(body: Mapping[str, Any]) -> tuple[dict[str, str], dict[str, str]]:
    """Return what is typed into the two steps of a request (figures 4 and 5) for a `pin.request`."""
    fields = typed(body)
    lives = "italy" if fields.get("residence.country") == "IT" else "abroad"
    if lives == "italy":
        del fields["residence.country"]
    fields.pop("language", None)
    return {"codice_fiscale": fields.pop("codice_fiscale"), "lives": lives}, fields


DETAILS = typed({"document": COMMAND_EXAMPLES["branch.activate"]["document"]})
FIRST_STEP, SECOND_STEP = request_of(COMMAND_EXAMPLES["pin.request"])
ABROAD = {
    "residence.country": "AT",
    "residence.lines.0": "Maria-Theresien-Straße 18",
    "residence.municipality": "Innsbruck",
    "residence.postal_code": "6020",
}


def living_abroad() -> dict[str, str]:
    """Return the second step of who lives in Innsbruck."""
    return {name: text for name, text in SECOND_STEP.items() if not name.startswith("residence.")} | ABROAD


def png(width: int = 60, height: int = 40) -> bytes:
    """Return a picture."""
    return _picture("PNG", width, height)


def jpeg() -> bytes:
    """Return a photograph."""
    return _picture("JPEG", 60, 40)


def _picture(kind: str, width: int, height: int) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (width, height), "white").save(file, kind)
    return file.getvalue()


def pdf(words: str = "") -> bytes:
    """Return a page."""
    file = io.BytesIO()
    Image.new("RGB", (60, 40), "white").save(file, "PDF", title=words or "scan")
    return file.getvalue()


def scans() -> dict[str, tuple[str, bytes, str]]:
    """Return the two files of «Converti PIN»."""
    return {
        "signed_form": ("modulo.pdf", pdf(), "application/pdf"),
        "document_scan": ("carta.jpg", jpeg(), "image/jpeg"),
    }
