"""What a bounce says of its delivery: by its part for programs, or by its text."""

import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass
from email.message import Message
from typing import Literal

from flufl.bounce import all_failures

from services.notifier.mailbox.mail_parts import inner_messages, own_parts, text_of

_CODE = re.compile(r"(?<![\d.])([245])\.(\d{1,3})\.(\d{1,3})(?!\.?\d)")
"""A status of RFC 3463, which is not a part of an address or a version."""
_PERMANENT = re.compile(r"\b55[0-4]\b")
"""A reply by which a server refuses a recipient or a mail (RFC 5321, 4.2.3)."""
_MOST_LINES = 3000
# What it logs quotes the mail.
logging.getLogger("flufl.bounce").setLevel(logging.CRITICAL)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is said of a delivery.

    Attributes:
        status: its end, or that it is still tried; None says nothing that counts.
        evidence: a stable word: `dsn_5.1.1`, or `bounce_5.1.1` where it is read from the text.
    """

    status: Literal["failed", "delayed"] | None
    evidence: str


def by_status_part(part: Message) -> Verdict:
    """Return what the part for programs says (RFC 3464).

    The action decides, not the class of the status: a server that gives up a mail after days of 4.4.1 says
    `failed`. We write to one recipient a mail; where its server made several of it, one that is not said to
    have failed may have the half. `delivered`, `relayed` and `expanded` say nothing that counts: they are not
    asked for, and not signed.
    """
    said = [_said(block) for block in inner_messages(part) if "action" in block or "status" in block]
    if not said:
        return Verdict(None, "dsn_garbled")
    for status in ("failed", "delayed"):
        if all(verdict.status in {"failed", status} for verdict in said):
            return next(verdict for verdict in said if verdict.status == status)
    return next(verdict for verdict in said if verdict.status is None)


def by_text(message: Message, lines: int) -> Verdict:
    """Return what a bounce says that has no part for programs, as flufl.bounce or its codes tell it.

    Codes alone count where all of them are permanent: that a server still tries it, and that it gave up
    trying, look alike.

    Args:
        message: the bounce.
        lines: how many it has in all. One with very many is made by nobody's server, and flufl.bounce, which
            looks at each of them for each pattern, would take a minute.
    """
    text = "\n".join(text_of(p) for p in own_parts(message) if p.get_content_type().startswith("text/p"))
    codes = [".".join(found) for found in _CODE.findall(text) if found[0] != "2"]
    try:
        temporary, permanent = all_failures(message) if lines <= _MOST_LINES else (frozenset(), frozenset())
    except Exception:  # noqa: BLE001 - whatever a mail made it raise; its detectors are many
        temporary, permanent = frozenset(), frozenset()
    if permanent:
        return Verdict("failed", f"bounce_{_first(codes) or 'undeliverable'}")
    if temporary:
        return Verdict("delayed", f"bounce_{_first(codes) or 'delayed'}")
    if codes and all(code.startswith("5") for code in codes):
        return Verdict("failed", f"bounce_{codes[0]}")
    if not codes and (refused := _PERMANENT.search(text)):
        return Verdict("failed", f"bounce_{refused[0]}")
    return Verdict(None, "bounce_garbled")


def _said(block: Message) -> Verdict:
    action = str(block.get("action", "")).split(maxsplit=1)
    status = _CODE.search(str(block.get("status", "")))
    detail = _CODE.search(str(block.get("diagnostic-code", "")))
    if status and detail and status[0][2:] == "0.0" and status[1] == detail[1]:
        status = detail  # the same, and says more
    match action[0].lower().rstrip(";,(") if action else (status or " ")[0][:1]:
        case "failed" | "error" | "5":  # OpenSMTPD writes `error`
            return Verdict("failed", f"dsn_{status[0] if status else '5.0.0'}")
        case "delayed" | "4":
            return Verdict("delayed", f"dsn_{status[0] if status else '4.0.0'}")
        case "delivered" | "relayed" | "expanded" as other:
            return Verdict(None, f"dsn_{other}")
        case _:
            return Verdict(None, "dsn_garbled")


def _first(codes: Sequence[str]) -> str:
    return codes[0] if codes else ""
