"""Composes mails: plain text, and the same as HTML in a template.

Without `email.message`, which takes longer for one mail than the rest of its handling: the constant
parts of a language are made once, and the fields are inserted.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.header import Header
from email.utils import format_datetime, formataddr, parseaddr
from functools import lru_cache
from html import escape
from pathlib import Path
from string import Template
from uuid import UUID

from services.notifier.channels.quoted_printable import quoted
from services.notifier.settings import Receipt
from shared.contract.delivery import Mail
from shared.crypto.secret import Secret
from shared.errors import AddressError
from shared.italy.mailboxes import deliverable

# "=_" never occurs in quoted-printable (RFC 2045, 6.7), so this separates any two bodies.
_BOUNDARY = "=_part_="
_SUBJECT = "\1"
_ADDRESS = re.compile(r"[a-zA-Z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@[a-zA-Z0-9.-]{1,253}")
_HALF = re.compile(r"[0-9A-HJKMNP-TV-Z]{8}")
_PARAGRAPHS = re.compile(r"\n[ \t]*\n\s*")


@dataclass(frozen=True, slots=True)
class _Frame:
    """The constant parts of all mails in a language."""

    headers: str
    html_part: str
    before_text: str
    after_html: str


class Composer:
    """Composes the mails of one sender."""

    def __init__(self, sender: str, receipt: Receipt | None = None) -> None:
        """Prepare the frames.

        Args:
            sender: `Name <local@domain>` or `local@domain`.
            receipt: for PEC, the receipt of delivery to ask for.
        """
        name, self.sender = parseaddr(sender)
        self._domain = self.sender.rpartition("@")[2]
        self._frames = {
            language: _frame(language, name or self.sender, formataddr((name, self.sender)), receipt)
            for language in ("it", "de")
        }

    def compose(self, delivery: UUID, created_at: datetime, mail: Mail) -> tuple[str, bytes]:
        """Compose one mail; the same arguments give the same bytes.

        Args:
            delivery: the delivery's id, used for the Message-ID.
            created_at: the date of the mail.
            mail: its content.

        Returns:
            The envelope's recipient, and the mail: 7-bit lines ending in CRLF, at most 76 characters long
            in the bodies.

        Raises:
            AddressError: the address is invalid, or needs SMTPUTF8.
        """
        frame, to, text = self._frames[mail.language], _recipient(mail.to), mail.text.reveal()
        message = (
            f"To: {to}\r\n"
            f"Subject: {_subject(mail.subject)}\r\n"
            f"Date: {_date(created_at)}\r\n"
            f"Message-ID: <{delivery.hex}@{self._domain}>\r\n"
            f"{frame.headers}{quoted(text)}\r\n"
            f"{frame.html_part}{_opening(frame.before_text, mail.subject)}"
            f"{quoted(as_html(text, mail.link))}{frame.after_html}"
        )
        return to, message.encode("ascii")


@lru_cache(maxsize=64)
def _date(created_at: datetime) -> str:
    """Return the date of a mail (RFC 5322); those of one batch of decisions have the same."""
    return format_datetime(created_at.astimezone(UTC))


def as_html(text: str, link: Secret | None = None) -> str:
    """Return a plain text as HTML paragraphs, with the link clickable and a half on its own large.

    Args:
        text: plain text; shown verbatim, escaped.
        link: the one address that becomes a link, wherever it is a word of its own. All others stay text:
            they come from outside. Matching the portal's address in the settings would not do, as an address
            there may come from outside too.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n").strip()
    trusted = link.reveal() if link else ""
    return "\n".join([_paragraph(paragraph, trusted) for paragraph in _PARAGRAPHS.split(text)])


def _paragraph(paragraph: str, link: str) -> str:
    if _HALF.fullmatch(paragraph):
        return f'<p class="word">{paragraph}</p>'
    content = escape(paragraph, quote=False)
    if link and link in paragraph:
        shown = escape(link, quote=False)
        clickable = f'<a href="{escape(link)}">{shown}</a>'
        content = re.sub(rf"(?<!\S){re.escape(shown)}(?![^\s.,;:])", lambda _: clickable, content)
    return f"<p>{content.replace(chr(10), '<br>' + chr(10))}</p>"


def _recipient(written: str) -> str:
    try:
        address = deliverable(written)
    except ValueError:
        address = ""
    # This goes into a header and a command, so it is validated here, too.
    if not _ADDRESS.fullmatch(address):
        raise AddressError("not an address that SMTP can carry") from None
    return address


# A subject never contains a secret, so its encoded form may be cached.
@lru_cache(maxsize=256)
def _opening(before: str, subject: str) -> str:
    """Return the page up to the text, with the subject as title and heading."""
    return quoted(before.replace(_SUBJECT, escape(_one_line(subject), quote=False)))


def _one_line(subject: str) -> str:
    # Line ends become spaces: a subject is one line.
    return " ".join("".join(c if c.isprintable() else " " for c in subject).split())


@lru_cache(maxsize=256)
def _subject(subject: str) -> str:
    line = _one_line(subject)
    if line.isascii() and "=?" not in line and len(line) <= 66:  # noqa: PLR2004 - 76 with "Subject: "
        return line
    return Header(line, "utf-8", header_name="Subject").encode(linesep="\r\n")


def _frame(language: str, name: str, sender: str, receipt: Receipt | None) -> _Frame:
    page = Template(Path(__file__).with_name("mail.html").read_text(encoding="utf-8"))
    before, after = page.substitute(
        language=language, sender=escape(name), subject=_SUBJECT, body="\0"
    ).split("\0")
    head = [f"From: {sender}"]
    if receipt:
        head.append(f"X-TipoRicevuta: {receipt}")
    head += [
        "Auto-Submitted: auto-generated",
        f"Content-Language: {language}",
        "MIME-Version: 1.0",
        f'Content-Type: multipart/alternative; boundary="{_BOUNDARY}"',
        "",
        *_part("plain"),
    ]
    return _Frame(
        headers="\r\n".join(head),
        html_part="\r\n".join(_part("html")),
        before_text=before,
        after_html=f"{quoted(after)}\r\n--{_BOUNDARY}--\r\n",
    )


def _part(subtype: str) -> list[str]:
    return [
        f"--{_BOUNDARY}",
        f"Content-Type: text/{subtype}; charset=utf-8",
        "Content-Transfer-Encoding: quoted-printable",
        "",
        "",
    ]
