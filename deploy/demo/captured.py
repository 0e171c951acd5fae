"""What the far ends took: the citizen's view, by delivery id."""

import email
import email.policy
import json
import re
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from deploy.demo.letters import own_lines

_HALF = re.compile(r"\b(?=[A-Z]*[0-9])[0-9A-HJKMNP-TV-Z]{8}\b")
_SPACED_HALF = re.compile(r"(?m)^((?:[0-9A-HJKMNP-TV-Z] ){7}[0-9A-HJKMNP-TV-Z])$")
_MESSAGE_ID = re.compile(rb"(?mi)^Message-ID:\s*<([0-9a-f-]{32,36})@")
_TOKEN = re.compile(r"https?://\S+[?&]token=([\w%.~-]+)")


@dataclass(frozen=True)
class Piece:
    """One SMS, mail or letter.

    Attributes:
        text: what the citizen reads; of a letter only the lines that are its own.
        path: where it lies.
        page: of a letter, in its document.
    """

    text: str
    path: Path
    to: str = ""
    subject: str = ""
    page: int = 0

    @property
    def half(self) -> str | None:
        """The eight characters of half a PIN, if there are any."""
        if found := _SPACED_HALF.search(self.text) or _HALF.search(self.text):
            return found.group().replace(" ", "")
        return None

    @property
    def token(self) -> str | None:
        """The token of the confirming link, if there is one."""
        return found.group(1) if (found := _TOKEN.search(self.text)) else None


class Captured:
    """The captured SMS, mails and letters of a stack, from now on.

    Args:
        state: the stack's `.local`.
    """

    def __init__(self, state: Path) -> None:
        self.sms, self.mail, self.post = (
            state / part for part in ("captured/sms.jsonl", "captured/mail", "spool/post")
        )
        self._pieces: dict[UUID, Piece] = {}
        self._mails: dict[UUID, Path] = {}
        self._sms_read = self.sms.stat().st_size if self.sms.exists() else 0
        self._read = {*self.mail.glob("*.eml"), *self.post.glob("*.json")}

    def piece(self, delivery_id: str) -> Piece:
        """Return one delivery that was sent.

        Raises:
            LookupError: no far end has it.
        """
        key = UUID(delivery_id)
        if key not in self._pieces and key not in self._mails:
            self._look()
        if key in self._mails:
            self._pieces[key] = _mail(self._mails.pop(key))
        if key not in self._pieces:
            raise LookupError(f"delivery {delivery_id} was sent, and nothing was captured")
        return self._pieces[key]

    def _look(self) -> None:
        """Read what came since the last look."""
        self._look_at_sms()
        for path in {*self.mail.glob("*.eml")} - self._read:
            self._read.add(path)
            self._note_mail(path)
        for path in {*self.post.glob("*.json")} - self._read:
            self._read.add(path)
            self._take_letters(path)

    def _look_at_sms(self) -> None:
        if not self.sms.exists():
            return
        with self.sms.open("rb") as file:
            file.seek(self._sms_read)
            whole = file.read().rpartition(b"\n")[0]
        self._sms_read += len(whole) + 1 if whole else 0
        for line in whole.splitlines():
            sms = json.loads(line)
            self._pieces[UUID(sms["client_ref"])] = Piece(sms["text"], self.sms, sms["to"])

    def _note_mail(self, path: Path) -> None:
        """Note where a mail lies; parsing it takes 5 ms, and few are read by the demonstration."""
        if found := _MESSAGE_ID.search(path.read_bytes()):
            self._mails[UUID(found.group(1).decode())] = path

    def _take_letters(self, manifest: Path) -> None:
        listed = json.loads(manifest.read_bytes())
        document = self.post / listed["document"]
        pages = own_lines(document.read_bytes())
        for letter in listed["letters"]:
            page = int(letter["page"])
            self._pieces[UUID(letter["id"])] = Piece("\n".join(pages[page - 1]), document, page=page)


def _mail(path: Path) -> Piece:
    mail = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
    plain = mail.get_body(("plain",))
    return Piece(plain.get_content() if plain else "", path, str(mail["To"]), str(mail["Subject"]))
