# mypy: ignore-errors
"""What both peers share: the messages, the tables, the PIN and the letter."""

import hashlib
import os
import secrets

from pydantic import BaseModel
from reportlab.lib.pagesizes import A4
from reportlab.pdfgen import canvas

AMQP = os.environ["PEER_AMQP"]
DSN = os.environ["PEER_DSN"]
SMS = os.environ["PEER_SMS"]
SMTP_HOST, _, SMTP_PORT = os.environ["PEER_SMTP"].partition(":")
LETTERS = os.environ["PEER_LETTERS"]
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


class PinRequest(BaseModel):
    request_id: str
    codice_fiscale: str
    name: str
    surname: str
    street: str
    postal_code: str
    municipality: str
    mobile: str
    email: str


class Delivery(BaseModel):
    id: int
    channel: str
    to: str
    half: str
    name: str


def new_pin() -> tuple[str, str, bytes]:
    pin = "".join(secrets.choice(ALPHABET) for _ in range(16))
    return pin[:8], pin[8:], hashlib.sha256(pin.encode()).digest()


def write_letter(number: int, name: str, half: str) -> None:
    page = canvas.Canvas(f"{LETTERS}/{number}.pdf", pagesize=A4)
    page.setFont("Helvetica", 11)
    for i, line in enumerate([name, "Via Roma 1", "00184 ROMA RM"]):
        page.drawString(330, 700 - 14 * i, line)
    for i, line in enumerate(["PIN online", f"Gentile {name},", f"seconda parte del PIN: {half}"]):
        page.drawString(60, 560 - 18 * i, line)
    page.showPage()
    page.save()


def requests(count: int) -> list[PinRequest]:
    return [
        PinRequest(
            request_id=f"r{i}",
            codice_fiscale=f"RSSMRA{i:010d}",
            name="Mario",
            surname="Rossi",
            street="Via Roma 1",
            postal_code="00184",
            municipality="Roma",
            mobile="+393331234567",
            email=f"u{i}@example.it",
        )
        for i in range(count)
    ]
