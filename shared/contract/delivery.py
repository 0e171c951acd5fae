"""The contents of a delivery: made where the half is born, sealed, opened by its channel alone.

The text form of these shows no address, name or secret.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from typing import Final, Literal

import orjson

from shared.crypto.secret import Secret
from shared.errors import UnreadableDeliveryError

Language = Literal["it", "de"]
"""R33: every message exists in Italian and in German."""
BUNDLE: Final = "bundle"
"""The type of the messages that bring deliveries to their channel."""


@dataclass(frozen=True, slots=True)
class Sms:
    """A text message (R5).

    Attributes:
        to: the mobile number, E.164.
        text: one segment, see `shared.texts.sms_length`.
    """

    to: str = field(repr=False)
    text: Secret


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail, ordinary or PEC (R5).

    Attributes:
        to: the address, as the citizen wrote it.
        subject: names the matter, never a secret.
        text: plain text; a blank line parts paragraphs. The HTML is made from it.
        language: of the text.
        link: the address in the text that we made ourselves: the only one that becomes a link in the HTML.
    """

    to: str = field(repr=False)
    subject: str
    text: Secret
    language: Language
    link: Secret | None = None


@dataclass(frozen=True, slots=True)
class Post:
    """A letter (R6).

    Attributes:
        address: the whole address block, as `Letter.address` wants it.
        name: given name and surname, for the salutation.
        language: of the letter.
        half: the eight characters.
        expires_on: last day on which the PIN can be used first.
        written_on: the date of the letter.
    """

    address: tuple[str, ...] = field(repr=False)
    name: str = field(repr=False)
    language: Language
    half: Secret
    expires_on: date
    written_on: date


Content = Sms | Mail | Post


def to_bytes(content: Content) -> bytes:
    """Reveal a content as JSON, to be sealed at once."""
    match content:
        case Sms(to, text):
            fields: list[object] = ["sms", to, text.reveal()]
        case Mail(to, subject, text, language, link):
            # Without a link as before there were any, so that a worker that is still of before can read it.
            fields = ["mail", to, subject, text.reveal(), language, *([link.reveal()] if link else [])]
        case Post(address, name, language, half, expires_on, written_on):
            fields = ["post", address, name, language, half.reveal(), expires_on, written_on]
    return orjson.dumps(fields)


def from_bytes(sealed_once: bytes) -> Content:
    """Read a content back.

    Raises:
        UnreadableDeliveryError: the bytes are not what `to_bytes` makes; says nothing of them.
    """
    try:
        kind, *fields = orjson.loads(sealed_once)
        return _readers[kind](*fields)
    except (ValueError, TypeError, KeyError):
        raise UnreadableDeliveryError("not the contents of a delivery") from None


def _sms(to: str, text: str) -> Sms:
    return Sms(_text(to), Secret(_text(text)))


def _mail(to: str, subject: str, text: str, language: str, link: str = "") -> Mail:
    trusted = Secret(link) if _text(link) else None
    return Mail(_text(to), _text(subject), Secret(_text(text)), _language(language), trusted)


def _post(  # noqa: PLR0913, PLR0917 - one a field
    address: list[str],
    name: str,
    language: str,
    half: str,
    expires_on: str,
    written_on: str,
) -> Post:
    return Post(
        address=tuple(_text(line) for line in address),
        name=_text(name),
        language=_language(language),
        half=Secret(_text(half)),
        expires_on=date.fromisoformat(expires_on),
        written_on=date.fromisoformat(written_on),
    )


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("not a text")
    return value


def _language(value: str) -> Language:
    match value:
        case "it" | "de":
            return value
        case _:
            raise ValueError("not a language of ours")


_readers: dict[str, Callable[..., Content]] = {"sms": _sms, "mail": _mail, "post": _post}
