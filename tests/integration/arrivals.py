"""What arrived at the far ends, as a citizen reads it."""

import email
import email.policy
import re
from email.message import EmailMessage
from io import BytesIO
from typing import NamedTuple

from pypdf import PdfReader

from deploy.local.stack import Stack

_CHARACTER = "[0-9A-HJKMNP-TV-Z]"
_HALF = re.compile(rf"\b(?=[A-Z]*[0-9]){_CHARACTER}{{8}}\b")
_HALF_IN_LETTER = re.compile(rf"(?m)^\s*((?:{_CHARACTER} ?){{8}})\s*$")
_TOKEN = re.compile(r"/(restore|revoke)/confirm\?token=(\S+)")


class Arrival(NamedTuple):
    """One SMS, mail or letter; a letter has no address here."""

    to: str
    text: str

    @property
    def halves(self) -> list[str]:
        """The halves of PINs in an SMS or a mail."""
        return _HALF.findall(self.text)

    @property
    def token(self) -> str:
        """The token of the link in a mail; empty where there is none."""
        found = _TOKEN.search(self.text)
        return found[2] if found else ""


def sms(stack: Stack) -> list[Arrival]:
    """Return every SMS."""
    return [Arrival(message["to"], message["text"]) for message in stack.far_ends.sms()]


def mails(stack: Stack) -> list[Arrival]:
    """Return every mail, PEC included."""
    parsed = (email.message_from_bytes(raw, policy=email.policy.default) for raw in stack.far_ends.mails())
    return [Arrival(str(mail["To"]), _plain(mail)) for mail in parsed]


def _plain(mail: EmailMessage) -> str:
    body = mail.get_body(("plain",))
    return str(body.get_content()) if body else ""


def halves_in_letters(stack: Stack) -> list[str]:
    """Return the half in every letter that the print provider may fetch, the latest document last."""
    done = sorted((stack.state / "spool/post").glob("*.json"), key=lambda path: path.stat().st_mtime)
    pages = [
        page for path in done for page in PdfReader(BytesIO(path.with_suffix(".pdf").read_bytes())).pages
    ]
    found = [_HALF_IN_LETTER.search(page.extract_text()) for page in pages]
    return [match[1].replace(" ", "") for match in found if match]
