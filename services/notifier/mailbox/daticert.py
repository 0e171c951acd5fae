"""Reads `daticert.xml`, the certified data of a PEC receipt (RFC 6109), as strictly as what is hostile."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from xml.parsers.expat import ExpatError, ParserCreate

from shared.errors import UncountedEvidenceError

_LARGEST = 64 * 1024
"""Bytes: one about a mail to a single recipient has two thousand."""
_DEEPEST = 8
_MOST = 500
"""Elements."""
_RECIPIENT = ("postacert", "intestazione", "destinatari")
_SENDER = ("postacert", "intestazione", "mittente")
_MESSAGE = ("postacert", "dati", "msgid")
_GIVEN_TO = ("postacert", "dati", "consegna")
_DAY, _TIME = ("postacert", "dati", "data", "giorno"), ("postacert", "dati", "data", "ora")
_DATE = ("postacert", "dati", "data")


@dataclass(frozen=True, slots=True)
class CertifiedData:
    """What a provider certifies.

    Attributes:
        kind: `tipo`, such as `avvenuta-consegna`.
        sender: of the message that it is about, lower case; empty where it does not say.
        message: the Message-ID of that message, without brackets.
        recipients: of that message: each address, lower case, and whether it is a PEC address.
        given_to: to whom the receipt says it was delivered, or not, lower case; empty where it does not say.
        at: when, UTC; None if it does not say so in the form that it has to.
    """

    kind: str
    sender: str
    message: str
    recipients: dict[str, bool]
    given_to: str
    at: datetime | None


@dataclass(slots=True)
class _Found:
    path: list[str] = field(default_factory=list)
    texts: dict[tuple[str, ...], list[str]] = field(default_factory=dict)
    kinds: list[str] = field(default_factory=list)
    certified: list[bool] = field(default_factory=list)
    zone: str = ""
    elements: int = 0


def read_daticert(content: bytes) -> CertifiedData:
    """Read it.

    Raises:
        UncountedEvidenceError: it is not what a provider writes, declares a document type or entities, is too
            large or too deep, or names no message, or two.
    """
    if len(content) > _LARGEST:
        raise UncountedEvidenceError("pec_daticert_too_large")
    found = _Found()
    try:
        _parser(found).Parse(content, True)  # noqa: FBT003 - expat's own: this is all
    except (ExpatError, ValueError, LookupError):
        raise UncountedEvidenceError("pec_daticert_unreadable") from None
    messages = [text for path, texts in found.texts.items() if path[-1] == "msgid" for text in texts]
    if len(messages) > 1:
        raise UncountedEvidenceError("pec_two_messages")
    recipients = found.texts.get(_RECIPIENT, [])
    given_to = found.texts.get(_GIVEN_TO, [])
    if not messages or _MESSAGE not in found.texts or len(given_to) > 1:
        raise UncountedEvidenceError("pec_daticert_unreadable")
    return CertifiedData(
        kind=found.kinds[0],
        sender=" ".join(found.texts.get(_SENDER, [])).lower(),
        message=messages[0].removeprefix("<").removesuffix(">"),
        recipients={
            address.lower(): certified for address, certified in zip(recipients, found.certified, strict=True)
        },
        given_to="".join(given_to).lower(),
        at=_instant(found),
    )


def _parser(found: _Found) -> Any:  # noqa: ANN401 - expat's type has no name
    parser = ParserCreate()
    parser.buffer_text = True

    def begins(name: str, attributes: dict[str, str]) -> None:
        found.path.append(name)
        found.elements += 1
        if len(found.path) > _DEEPEST or found.elements > _MOST:
            raise UncountedEvidenceError("pec_daticert_too_large")
        path = tuple(found.path)
        found.texts.setdefault(path, []).append("")
        if path == ("postacert",):
            found.kinds.append(attributes.get("tipo", ""))
        elif path == _RECIPIENT:
            found.certified.append(attributes.get("tipo", "certificato") != "esterno")
        elif path == _DATE:
            found.zone = attributes.get("zona", "")

    def ends(_: str) -> None:
        texts = found.texts[tuple(found.path)]
        texts[-1] = texts[-1].strip()
        found.path.pop()

    def says(text: str) -> None:
        found.texts[tuple(found.path)][-1] += text

    def refused(*_: object) -> int:
        raise UncountedEvidenceError("pec_daticert_declares")

    parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = begins, ends, says
    # With a document type come entities: a few bytes that become gigabytes, or name files.
    parser.StartDoctypeDeclHandler = parser.EntityDeclHandler = refused
    parser.ExternalEntityRefHandler = parser.UnparsedEntityDeclHandler = refused
    return parser


def _instant(found: _Found) -> datetime | None:
    day, time = (" ".join(found.texts.get(path, [])) for path in (_DAY, _TIME))
    try:
        return datetime.strptime(f"{day} {time} {found.zone}", "%d/%m/%Y %H:%M:%S %z").astimezone(UTC)
    except (ValueError, OverflowError):
        return None
