"""What a program sent that is no bounce: absence notices, receipts of reading, newsletters."""

import re
from email.message import Message

from services.notifier.mailbox.mail_parts import header, own_parts

_MARKS = ("X-Autoreply", "X-Autorespond", "X-Auto-Reply", "X-Autoresponder", "X-Vacation", "X-Mail-Autoreply")
"""Headers of programs that answer by themselves."""
_IN_BULK = frozenset({"bulk", "junk", "list", "auto_reply"})
_ABSENT = re.compile(
    r"(automatic reply|auto[- ]?reply|autorespon|out of (the )?office|vacation|risposta automatica"
    r"|fuori (sede|ufficio)|assenza|assente|automatische antwort|abwesen|nicht im b.ro)",
    re.IGNORECASE,
)
_SERVER = re.compile(
    r"\b(mailer-daemon|mail-daemon|mdaemon|postmaster|microsoftexchange[0-9a-f]+)@"
    r"|mail delivery|system administrator|amministratore di sistema",
    re.IGNORECASE,
)


def from_a_server(message: Message) -> bool:
    """Return whether a mail says that it comes from a mail server.

    That nobody is to answer it does not say so: absence notices have no envelope's sender either.
    """
    return "X-Failed-Recipients" in message or bool(_SERVER.search(header(message, "From")))


def automatic(message: Message) -> str:
    """Return what kind of automatic mail this is, such as `auto_reply`; empty if it is none.

    By RFC 3834, and by what programs write that are older or do not know it. A bounce is told apart before.
    """
    if any(part.get_content_type() == "message/disposition-notification" for part in own_parts(message)):
        return "read_receipt"
    submitted = header(message, "Auto-Submitted").lower()
    if submitted.startswith("auto-replied") or any(mark in message for mark in _MARKS):
        return "auto_reply"
    if _ABSENT.search(header(message, "Subject")) and (submitted or _answers(message)):
        return "auto_reply"
    if "List-Id" in message or header(message, "Precedence").lower() in _IN_BULK:
        return "bulk"
    return ""


def is_complaint(message: Message) -> bool:
    """Return whether a recipient's provider reports that our mail was called spam (RFC 5965)."""
    return any(part.get_content_type() == "message/feedback-report" for part in own_parts(message))


def _answers(message: Message) -> bool:
    return any(name in message for name in ("In-Reply-To", "References", "X-Auto-Response-Suppress"))
