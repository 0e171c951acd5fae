"""What people type and upload, as a form's fields."""

import io
from collections.abc import Mapping
from datetime import date
from typing import Any

from PIL import Image, ImageDraw

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
    return _written(Image.new("RGB", (width, height), "white"), "PNG")


def jpeg() -> bytes:
    """Return a photograph of an identity card."""
    card = Image.new("RGB", (640, 400), "#e8eef4")
    draw = ImageDraw.Draw(card)
    draw.rectangle((30, 60, 190, 270), outline="#17324d", width=3)
    draw.ellipse((70, 90, 150, 180), outline="#17324d", width=3)
    for row, words in enumerate(("CARTA DI IDENTITÀ", "CA12345AA", "ROSSI", "MARIO", "San Giuliano Terme")):
        draw.text((220, 70 + 44 * row), words, fill="#17324d", font_size=28)
    return _written(card, "JPEG")


def pdf(words: str = "") -> bytes:
    """Return a page that somebody signed."""
    sheet = Image.new("RGB", (620, 877), "white")
    draw = ImageDraw.Draw(sheet)
    draw.text((60, 70), "Richiesta del PIN dispositivo", fill="black", font_size=26)
    draw.text((60, 150), "Il sottoscritto Mario Rossi, RSSMRA85T10A562S,", fill="black", font_size=18)
    draw.text((60, 180), "chiede che il suo PIN diventi dispositivo.", fill="black", font_size=18)
    draw.line([(360, 330), (400, 300), (420, 345), (460, 295), (480, 340), (550, 310)], fill="#003", width=4)
    return _written(sheet, "PDF", title=words or "scan")


def _written(picture: Image.Image, kind: str, **more: str) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, **more)
    return file.getvalue()


def scans() -> dict[str, tuple[str, bytes, str]]:
    """Return the two files of «Converti PIN»."""
    return {
        "signed_form": ("modulo.pdf", pdf(), "application/pdf"),
        "document_scan": ("carta.jpg", jpeg(), "image/jpeg"),
    }
