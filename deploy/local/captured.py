"""Reads halves and links from the SMS, mails and letters that a stack captured."""

import email
import hashlib
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from email.header import decode_header, make_header
from email.message import Message
from functools import cached_property, lru_cache, partial
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote
from uuid import UUID

from deploy.local.letters import own_lines

_HALF = re.compile(r"\b(?=[A-Z]*[0-9])[0-9A-HJKMNP-TV-Z]{8}\b")
_SPACED_HALF = re.compile(r"(?m)^((?:[0-9A-HJKMNP-TV-Z] ){7}[0-9A-HJKMNP-TV-Z])$")
_MESSAGE_ID = re.compile(rb"(?mi)^Message-ID:\s*<([0-9a-f-]{32,36})@")
_TOKEN = re.compile(r"https?://\S+[?&]token=([\w%.~-]+)")
_LETTER = "post"


@dataclass(frozen=True)
class PageCopy:
    """One copy of a delivery, as a provider received it.

    Attributes:
        id: the delivery's id: `client_ref`, Message-ID or the letter's id.
        channel: `sms`, `mail` (ordinary or PEC) or `post`.
        to: the number or address; empty for a letter.
        text: the text the citizen reads; of a letter only its variable lines.
        whole: the full content: equal for all copies of one delivery.
        subject: the subject of a mail.
        path: the file.
        page: the page of a letter in its document.
        at: when it arrived, in seconds since 1970.
    """

    id: UUID
    channel: str
    to: str
    text: str
    whole: bytes | str
    subject: str = ""
    path: Path = Path()
    page: int = 0
    at: float = 0.0

    @cached_property
    def half(self) -> str | None:
        """The eight characters of half a PIN, if any."""
        found = (_SPACED_HALF if self.channel == _LETTER else _HALF).search(self.text)
        return found.group().replace(" ", "") if found else None

    @property
    def token(self) -> str | None:
        """The token of the confirmation link, if any."""
        return unquote(found.group(1)) if (found := _TOKEN.search(self.text)) else None


class _Found(NamedTuple):
    """A copy not parsed yet: parsing a mail takes 1.3 ms, and few of many are read."""

    id: UUID
    channel: str
    read: Callable[[], PageCopy]


class Captured:
    """The captured SMS, mails and letters of a stack, in order of arrival.

    Args:
        state: the stack's `.local`.
        from_now: ignore copies that already exist.
    """

    def __init__(self, state: Path, *, from_now: bool = False) -> None:
        self.sms_file, self.mail_folder, self.letter_folder = (
            state / part for part in ("captured/sms.jsonl", "captured/mail", "spool/post")
        )
        self._found: list[_Found] = []
        self._first: dict[UUID, _Found] = {}
        self._seen: set[Path] = set()
        self._sms_seen = 0
        if from_now:
            self._seen = {*self.mail_folder.glob("*.eml"), *self.letter_folder.glob("*.json")}
            self._sms_seen = self.sms_file.stat().st_size if self.sms_file.exists() else 0

    def sms(self) -> list[PageCopy]:
        """Return every SMS."""
        return self._read("sms")

    def mails(self) -> list[PageCopy]:
        """Return every mail, ordinary and PEC."""
        return self._read("mail")

    def letters(self) -> list[PageCopy]:
        """Return every letter that was handed over, i.e. whose manifest exists."""
        return self._read(_LETTER)

    def all(self) -> list[PageCopy]:
        """Return every copy of every delivery."""
        return self._read("sms", "mail", _LETTER)

    def to(self, address: str) -> list[PageCopy]:
        """Return the copies sent to a number or mailbox."""
        return [copy for copy in self._read("sms", "mail") if copy.to == address]

    def first_copy(self, delivery_id: str) -> PageCopy:
        """Return the first copy of a delivery.

        Raises:
            LookupError: no provider has it.
        """
        key = UUID(delivery_id)
        if key not in self._first:
            self._look()
        if key not in self._first:
            raise LookupError(f"delivery {delivery_id} was sent, and nothing was captured")
        return self._first[key].read()

    def _read(self, *channels: str) -> list[PageCopy]:
        self._look()
        return [found.read() for channel in channels for found in self._found if found.channel == channel]

    def _look(self) -> None:
        """Find the copies added since the last call."""
        mails, manifests = self._new(self.mail_folder, "*.eml"), self._new(self.letter_folder, "*.json")
        new = [
            *self._new_sms(),
            *(mail for path in mails for mail in _mails(path)),
            *(letter for path in manifests for letter in _letters(path)),
        ]
        self._found += new
        for found in new:
            self._first.setdefault(found.id, found)

    def _new_sms(self) -> Iterator[_Found]:
        if not self.sms_file.exists():
            return
        with self.sms_file.open("rb") as file:
            file.seek(self._sms_seen)
            whole = file.read().rpartition(b"\n")[0]  # the last line may be incomplete
        self._sms_seen += len(whole) + 1 if whole else 0
        for line in whole.splitlines():
            sms = json.loads(line)
            id_, to, text = UUID(sms["client_ref"]), sms["to"], sms["text"]
            at = datetime.fromisoformat(sms["at"]).timestamp() if "at" in sms else 0.0
            copy = PageCopy(id_, "sms", to, text, f"{to}\n{text}", path=self.sms_file, at=at)
            yield _Found(id_, "sms", partial(_same, copy))

    def _new(self, folder: Path, pattern: str) -> list[Path]:
        new = [path for path in folder.glob(pattern) if path not in self._seen]
        self._seen.update(new)
        return sorted(new, key=lambda path: (path.stat().st_mtime_ns, path.name))


def _same(copy: PageCopy) -> PageCopy:
    return copy


def _mails(path: Path) -> Iterator[_Found]:
    raw = path.read_bytes()
    if found := _MESSAGE_ID.search(raw):
        at = path.stat().st_mtime  # now, as the file may be gone when the mail is parsed
        yield _Found(UUID(found.group(1).decode()), "mail", partial(_mail, raw, path, at))


# Shared by all readers, so that each mail and letter is parsed once.
@lru_cache(maxsize=100_000)
def _mail(raw: bytes, path: Path, at: float) -> PageCopy:
    # Not by `email.policy.default`, which takes eight times as long: tests read mails by the ten thousand.
    mail = email.message_from_bytes(raw)
    plain = next((part for part in mail.walk() if part.get_content_type() == "text/plain"), None)
    content = plain.get_payload(decode=True) if plain else b""
    charset = plain.get_content_charset("utf-8") if plain else "utf-8"
    text = content.decode(charset) if isinstance(content, bytes) else ""
    id_ = UUID(str(mail["Message-ID"]).strip("<> ").partition("@")[0])
    return PageCopy(id_, "mail", _header(mail, "To"), text, raw, _header(mail, "Subject"), path, at=at)


def _header(mail: Message, name: str) -> str:
    unfolded = "".join(str(mail[name]).splitlines())
    return str(make_header(decode_header(unfolded)))


def forget() -> None:
    """Forget what was read: who breaks a cluster a hundred times would keep a million mails."""
    _mail.cache_clear()
    _pages.cache_clear()


def _letters(manifest: Path) -> list[_Found]:
    copies = _pages(manifest, manifest.read_bytes())
    return [_Found(copy.id, _LETTER, partial(_same, copy)) for copy in copies]


@lru_cache(maxsize=10_000)
def _pages(manifest: Path, content: bytes) -> tuple[PageCopy, ...]:
    listed = json.loads(content)
    path, at = manifest.parent / listed["document"], manifest.stat().st_mtime
    document = path.read_bytes()
    if hashlib.sha256(document).hexdigest() != listed["sha256"]:
        raise ValueError(f"{path} is not what its manifest says")
    texts = ["\n".join(lines) for lines in own_lines(document)]
    pages = [(UUID(letter["id"]), int(letter["page"])) for letter in listed["letters"]]
    return tuple(
        PageCopy(id_, _LETTER, "", texts[page - 1], texts[page - 1], path=path, page=page, at=at)
        for id_, page in pages
    )
