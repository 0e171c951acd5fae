"""What is kept of a mail that brought our text back: never the text.

The same mail gives the same bytes. What was left out is gone: a mail of ours may hold a half or a link.
"""

import re
from email.message import Message

from services.notifier.mailbox.mail_parts import (
    enclosed_headers,
    headers_of,
    inner_messages,
    is_enclosed,
    own_parts,
    status_part,
    text_of,
)

_BOUNDARY = "=_reduced_="
_NOTE = "Comments: filed without the text that it quoted, by notifier-mailbox"
_FREE = frozenset({"subject", "thread-topic", "comments"})
"""Headers that people write."""
_LONGEST_TEXT = 20_000
"""Characters of a text that are kept."""
_SECRETS = re.compile(
    r"(?<![0-9A-Za-z])(?:"
    r"(?:[0-9A-HJKMNP-TV-Z]{4}[- ]?){1,3}[0-9A-HJKMNP-TV-Z]{4}"  # a half, or both, as we write them
    r"|(?=[a-z-]{0,8}[0-9])[0-9a-hjkmnp-tv-z]{4}-?[0-9a-hjkmnp-tv-z]{4}"  # as one may type it
    r"|[0-9a-f]{40}"  # the token of a link
    r")(?![0-9A-Za-z])"
    r"|(?<=token=)\S+"
)
_COPY = re.compile(
    r"^(?:[>|]?[ \t]{0,8}(?:return-path|received|mime-version|content-type|dkim-signature):"
    r"|--.{0,200}?(?:copy|original|below|return|following|copia|messaggio|kopie|nachricht|=_part_=))",
    re.IGNORECASE | re.MULTILINE,
)
"""Where the copy of our mail begins in a text for people."""
_NAMED = re.compile(r"^(?:message-id|return-path):.{1,200}$", re.IGNORECASE | re.MULTILINE)
"""What of a copy names the mail."""
_TAG = re.compile(r"<[^<>]*>")
_HARMLESS = frozenset({"text/plain", "text/html", "message/delivery-status", "text/rfc822-headers"})


def masked(text: str) -> str:
    """Return a text without what may be a half or the token of a link."""
    return _SECRETS.sub("[…]", text)


def shows_text_of_ours(message: Message) -> bool:
    """Return whether a mail has more of ours than its headers, or may have."""
    return any(_shows(part) for part in own_parts(message)) or _shows_between(message)


def report(message: Message) -> bytes | None:
    """Return what is kept of a delivery status notification: its part for programs, and returned headers.

    None where it is kept as it is, since it returns the headers alone.
    """
    kinds = {part.get_content_type() for part in own_parts(message)}
    if kinds <= _HARMLESS and not shows_text_of_ours(message):
        return None
    return _composed(message, masked(_blocks(status_part(message))))


def bounce(message: Message) -> bytes:
    """Return what is kept of a bounce without such a part: its text, as far as the copy of ours."""
    text = _readable(message)
    copy = _COPY.search(text)
    told = masked(text[: copy.start()] if copy else text)[:_LONGEST_TEXT]
    return _composed(message, told, "".join(f"{named}\n" for named in _NAMED.findall(text)[:2]))


def headers_alone(message: Message) -> bytes:
    """Return what is kept of a mail whose text is of no use, such as an auto-reply."""
    return _composed(message, "")


def letter(message: Message) -> bytes:
    """Return what is kept of a mail that a person has to look at: its text, without what may be secret."""
    return _composed(message, masked(_readable(message))[:_LONGEST_TEXT])


def _readable(message: Message) -> str:
    plain = [text_of(part) for part in own_parts(message) if part.get_content_type() == "text/plain"]
    hypertext = [text_of(part) for part in own_parts(message) if part.get_content_type() == "text/html"]
    return "\n".join(plain) or _TAG.sub(" ", "\n".join(hypertext))


def _shows(part: Message) -> bool:
    if is_enclosed(part):
        return True
    if part.get_content_type() == "text/rfc822-headers":
        return bool(text_of(part).strip("\n").partition("\n\n")[2].strip())
    text = _blocks(part) if part.get_content_type() == "message/delivery-status" else text_of(part)
    return bool(_COPY.search(text)) or masked(text) != text


def _shows_between(message: Message) -> bool:
    """Return whether our text stands where only programs without MIME show it: around the parts."""
    around = "\n".join(f"{part.preamble or ''}\n{part.epilogue or ''}" for part in message.walk())
    return bool(_COPY.search(around)) or masked(around) != around


def _blocks(part: Message | None) -> str:
    return "\n".join(f"{headers_of(block)}{block.get_payload()}" for block in inner_messages(part))


def _composed(message: Message, text: str, quoted: str = "") -> bytes:
    """Return a report of two parts, the text and the returned headers, under the headers of a mail."""
    own = "".join(
        f"{name}: {masked(str(value)) if name.lower() in _FREE else value}\n"
        for name, value in message.items()
        if not name.lower().startswith(("content-", "mime-version"))
    )
    kind = "message/delivery-status" if status_part(message) else "text/plain; charset=utf-8"
    parts = [(kind, text), ("text/rfc822-headers; charset=utf-8", enclosed_headers(message) or quoted)]
    body = "".join(
        f"--{_BOUNDARY}\nContent-Type: {kind}\nContent-Transfer-Encoding: 8bit\n\n{_within(content)}\n"
        for kind, content in parts
    )
    whole = (
        f"{own}{_NOTE}\nMIME-Version: 1.0\n"
        f'Content-Type: multipart/mixed; boundary="{_BOUNDARY}"\n\n{body}--{_BOUNDARY}--\n'
    )
    lines = whole.replace("\r\n", "\n").replace("\r", "\n").replace("\n", "\r\n")
    return lines.encode("utf-8", "surrogateescape")


def _within(content: str) -> str:
    return content.replace(f"--{_BOUNDARY}", f"- -{_BOUNDARY}")
