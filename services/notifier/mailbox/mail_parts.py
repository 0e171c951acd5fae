"""The parts of a mail that came back, read leniently: few programs write bounces as the RFCs ask."""

from collections.abc import Iterator
from email import message_from_bytes
from email.message import Message
from email.policy import compat32

_REPORTS = frozenset({"delivery-status", "disposition-notification", "feedback-report"})
"""The kinds of `message/…` that report of a mail, and enclose none."""


def parsed(raw: bytes) -> Message:
    """Return a mail, whatever it is; values of headers are text as it came, with its folds."""
    # The newer policies raise on headers that bounces have.
    return message_from_bytes(raw, policy=compat32)


def parts_of(message: Message) -> Iterator[Message]:
    """Yield a mail and its parts, at any depth, and enclosed mails without looking into them."""
    left = [message]
    while left:
        part = left.pop()
        yield part
        if part.get_content_maintype() == "multipart":
            left += reversed(inner_messages(part))


def own_parts(message: Message) -> Iterator[Message]:
    """Yield those of them that contain no others."""
    for part in parts_of(message):
        if not (part.get_content_maintype() == "multipart" and part.is_multipart()):
            yield part


def inner_messages(part: Message | None) -> list[Message]:
    """Return what a part contains: the parts of a multipart, the blocks of a status, an enclosed mail."""
    payload = part.get_payload() if part else []
    return [inner for inner in payload if isinstance(inner, Message)] if isinstance(payload, list) else []


def status_part(message: Message) -> Message | None:
    """Return the part for programs of a delivery status notification (RFC 3464)."""
    return next((p for p in own_parts(message) if p.get_content_type() == "message/delivery-status"), None)


def is_enclosed(part: Message) -> bool:
    """Return whether a part is a mail, or the beginning of one."""
    return part.get_content_maintype() == "message" and part.get_content_subtype() not in _REPORTS


def enclosed_headers(message: Message) -> str:
    """Return the headers of the mail that a bounce returns, a line end after each; empty if there is none."""
    for part in own_parts(message):
        if is_enclosed(part):
            return "".join(headers_of(inner) for inner in inner_messages(part)[:1])
        if part.get_content_type() == "text/rfc822-headers":
            return text_of(part).lstrip("\n").partition("\n\n")[0] + "\n"
    return ""


def headers_of(message: Message) -> str:
    """Return all headers as text, a line end after each."""
    return "".join(f"{name}: {_lines(str(value))}\n" for name, value in message.items())


def header(message: Message, name: str) -> str:
    """Return the first header of a name on one line; empty if there is none."""
    return " ".join(str(message.get(name, "")).split())


def text_of(part: Message) -> str:
    """Return the text of a part, decoded, its line ends one line feed; unreadable bytes are replaced."""
    payload = part.get_payload(decode=True)
    payload = payload if isinstance(payload, bytes) else b""
    try:
        text = payload.decode(part.get_content_charset("utf-8"), errors="replace")
    except LookupError:
        text = payload.decode("utf-8", errors="replace")
    return _lines(text)


def texts(message: Message) -> str:
    """Return all that a mail says for people, outside of the mails that it encloses."""
    shown = [text_of(p) for p in own_parts(message) if p.get_content_type() in {"text/plain", "text/html"}]
    return "\n".join(shown)


def _lines(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")
