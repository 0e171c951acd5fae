"""What citizens got, as the page shows it."""

import email
import email.policy
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from io import BytesIO
from pathlib import Path
from zoneinfo import ZoneInfo

import pypdfium2
from markupsafe import Markup, escape
from pypdf import PdfReader, PdfWriter

from deploy.local.captured import Captured, PageCopy

_ROME = ZoneInfo("Europe/Rome")
_LINK = re.compile(r"https?://[^\s<>\"']*[^\s<>\"'.,;:!?)\]]")
_OPENS = '<a href="{0}" target="_blank" rel="noopener noreferrer">{0}</a>'
_BASE = '<base target="_blank">'
"""A link of a mail in a frame would else open in that frame, where no other page may be shown."""
_SCALE = 1.5
"""Of a letter's picture: 108 dots an inch."""


@dataclass(frozen=True)
class Message:
    """One copy of a delivery, as a provider received it.

    Attributes:
        kind: `sms`, `email`, `pec` or `letter`.
        copy: what was captured.
    """

    kind: str
    copy: PageCopy

    @property
    def key(self) -> str:
        """What names it in addresses: copies of one delivery have one id, and came at different times."""
        return f"{self.copy.id.hex}-{self.copy.at:.6f}"

    @property
    def to(self) -> str:
        """The number, the mailbox, or the name on the letter."""
        return self.copy.to or self.copy.text.partition("\n")[0]

    @property
    def at(self) -> datetime:
        """When it arrived, in Rome."""
        return datetime.fromtimestamp(self.copy.at, _ROME)

    @property
    def text(self) -> Markup:
        """The text, with links that open."""
        return Markup("").join(_linked(self.copy.text.strip()))

    @property
    def html(self) -> str:
        """The part of a mail in HTML, as its reader shows it; empty: there is none."""
        if self.copy.channel != "mail" or not isinstance(self.copy.whole, bytes):
            return ""
        mail = email.message_from_bytes(self.copy.whole, policy=email.policy.default)
        part = mail.get_body(("html",)) if isinstance(mail, EmailMessage) else None
        html = part.get_content() if part else ""
        return html.replace("<head>", f"<head>{_BASE}", 1) if "<head>" in html else f"{_BASE}{html}"

    def is_for(self, wanted: str) -> bool:
        """Return whether it went to a number, mailbox or name that contains a text."""
        where = self.copy.to or self.copy.text
        return wanted.casefold() in where.casefold()


def messages(state: Path, to: str = "") -> list[Message]:
    """Return what was captured, the newest first.

    Args:
        state: the stack's `.local`.
        to: only what went to a number, mailbox or name that contains this.
    """
    found = (Message(_kind(copy), copy) for copy in Captured(state).all())
    return sorted((one for one in found if one.is_for(to)), key=lambda one: one.copy.at, reverse=True)


def of_key(state: Path, key: str) -> Message | None:
    """Return the message of a key, if there is one."""
    return next((one for one in messages(state) if one.key == key), None)


def as_sheet(letter: Message) -> bytes:
    """Return the one letter of its document, as PDF."""
    writer, out = PdfWriter(), BytesIO()
    writer.add_page(PdfReader(letter.copy.path).pages[letter.copy.page - 1])
    writer.write(out)
    return out.getvalue()


def as_picture(letter: Message) -> bytes:
    """Return a letter as PNG."""
    out = BytesIO()
    with pypdfium2.PdfDocument(letter.copy.path) as document:
        document[letter.copy.page - 1].render(scale=_SCALE).to_pil().save(out, "PNG")
    return out.getvalue()


def _kind(copy: PageCopy) -> str:
    if copy.channel == "mail":
        return copy.path.name.partition("-")[0]
    return "letter" if copy.channel == "post" else copy.channel


def _linked(text: str) -> Iterator[Markup]:
    end = 0
    for link in _LINK.finditer(text):
        yield escape(text[end : link.start()])
        yield Markup(_OPENS).format(link.group())  # noqa: S704 - ours; what is put into it is escaped
        end = link.end()
    yield escape(text[end:])
