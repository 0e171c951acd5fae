"""What the citizen gets: halves and links, read out of captured SMS, mails and letters."""

import email
import email.policy
import hashlib
import json
import re
from dataclasses import dataclass
from functools import cached_property, lru_cache
from io import BytesIO
from pathlib import Path
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

from pypdf import PdfReader

from deploy.local.stack import Stack

_HALF = re.compile(r"\b(?=[A-Z]*[0-9])[0-9A-HJKMNP-TV-Z]{8}\b")
_SPACED_HALF = re.compile(r"(?m)^\s*((?:[0-9A-HJKMNP-TV-Z] ?){7}[0-9A-HJKMNP-TV-Z])\s*$")
_LINK = re.compile(r"https?://\S+\?token=[\w%.~-]+")


@dataclass(frozen=True)
class Copy:
    """One copy of a delivery, as a far end took it.

    Attributes:
        id: the delivery's id: `client_ref`, Message-ID or the letter's id.
        channel: `sms`, `mail` (ordinary or PEC) or `post`.
        to: the number or address; empty for a letter.
        text: what the citizen reads.
        whole: all of it: copies of one delivery are equal here.
    """

    id: UUID
    channel: str
    to: str
    text: str
    whole: bytes | str

    @cached_property
    def half(self) -> str | None:
        """The eight characters of a PIN in it, if there are any."""
        if self.channel == "post":
            found = _SPACED_HALF.search(self.text)
            return found.group(1).replace(" ", "") if found else None
        word = _HALF.search(self.text)
        return word.group() if word else None

    @property
    def token(self) -> str | None:
        """The token of the confirming link in it, if there is one."""
        link = _LINK.search(self.text)
        return parse_qs(urlsplit(link.group()).query)["token"][0] if link else None


class Captured:
    """The far ends of a stack."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack

    def sms(self) -> list[Copy]:
        """Return every SMS that the gateway took, in order of arrival."""
        return [_sms(sms["client_ref"], sms["to"], sms["text"]) for sms in self._stack.far_ends.sms()]

    def mails(self) -> list[Copy]:
        """Return every mail, ordinary and PEC."""
        return [_mail(mail) for mail in self._stack.far_ends.mails()]

    def letters(self) -> list[Copy]:
        """Return every letter that was handed over: those whose manifest is there."""
        manifests = [path.read_bytes() for path in sorted(self.spool.glob("*.json"))]
        return [letter for manifest in manifests for letter in _letters(self.spool, manifest)]

    @property
    def spool(self) -> Path:
        """The folder of the letters."""
        return self._stack.state / "spool/post"

    def forget_letters(self) -> None:
        """Empty the folder of the letters, which all tests of a session share."""
        for path in self.spool.iterdir():
            path.unlink()

    def all(self) -> list[Copy]:
        """Return every copy of every delivery."""
        return [*self.sms(), *self.mails(), *self.letters()]

    def of(self, delivery: str | UUID) -> list[Copy]:
        """Return every copy of one delivery."""
        return [copy for copy in self.all() if copy.id == UUID(str(delivery))]

    def to(self, address: str) -> list[Copy]:
        """Return what went to a number or mailbox, in order of arrival."""
        return [copy for copy in (*self.sms(), *self.mails()) if copy.to == address]


@lru_cache(maxsize=10_000)
def _sms(client_ref: str, to: str, text: str) -> Copy:
    return Copy(UUID(client_ref), "sms", to, text, f"{to}\n{text}")


@lru_cache(maxsize=10_000)
def _mail(raw: bytes) -> Copy:
    mail = email.message_from_bytes(raw, policy=email.policy.default)
    plain = mail.get_body(("plain",))
    text = plain.get_content() if plain else ""
    id_ = UUID(str(mail["Message-ID"]).strip("<> ").partition("@")[0])
    return Copy(id_, "mail", str(mail["To"]), f"{mail['Subject']}\n{text}", raw)


# A test looks at the same things many times: each is read once.
@lru_cache(maxsize=1000)
def _letters(folder: Path, manifest: bytes) -> tuple[Copy, ...]:
    listed = json.loads(manifest)
    document = (folder / listed["document"]).read_bytes()
    if hashlib.sha256(document).hexdigest() != listed["sha256"]:
        raise AssertionError(f"{listed['document']} is not what its manifest says")
    texts = [page.extract_text() for page in PdfReader(BytesIO(document)).pages]
    pages = [(UUID(letter["id"]), texts[letter["page"] - 1]) for letter in listed["letters"]]
    return tuple(Copy(id_, "post", "", text, text) for id_, text in pages)
