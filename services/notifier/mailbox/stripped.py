"""What is kept of a receipt that has a mail of ours in it: all but that mail, which may carry a half.

Complete and short receipts of delivery enclose it (`PIN_PEC_RECEIPT`), and so may notices of failure.
"""

from email import message_from_bytes, policy
from email.message import EmailMessage
from hashlib import sha256

from services.notifier.mailbox.mail_parts import parts_of

_HEADERS = ("From", "To", "Date", "Message-ID", "X-Ricevuta", "X-Riferimento-Message-ID", "X-TipoRicevuta")
_KEPT = frozenset({"daticert.xml", "smime.p7s"})
"""Not an opaque signature, which has the mail in it."""
_LONGEST = 900
"""Characters of a header: lines may have 998 (RFC 5322)."""
_MOST_PARTS = 100
_SAYS = (
    "A mail of ours that this receipt enclosed was removed, as it may carry half of a PIN.\n"
    "Kept are its certified data and its signature, which can no longer be verified.\n"
    "SHA-256 of the mail as it came: {digest}\n"
)


def stripped(raw: bytes, covered: bytes | None) -> bytes | None:
    """Return what is filed in place of a mail; None if it encloses none.

    Args:
        raw: the whole mail.
        covered: what its signature covers, where it is whole.
    """
    mail = message_from_bytes(raw)
    read = message_from_bytes(covered) if covered and not mail.is_multipart() else mail
    parts = list(parts_of(read))[:_MOST_PARTS]
    if not any(part.get_content_maintype() == "message" for part in parts):
        return None
    digest = sha256(raw).hexdigest()
    kept = EmailMessage(policy=policy.SMTP)
    for name in _HEADERS:
        text = "".join(c if c.isprintable() and c.isascii() else "?" for c in str(mail.get(name, "")))
        if text:
            kept[name] = text[:_LONGEST]
    kept["Subject"] = "Ricevuta PEC, without the mail that it enclosed"
    kept.set_content(_SAYS.format(digest=digest))
    for part in parts:
        content = part.get_payload(decode=True)
        if (name := (part.get_filename() or "").lower()) in _KEPT and isinstance(content, bytes):
            kept.add_attachment(content, maintype="application", subtype="octet-stream", filename=name)
    kept.set_boundary(f"=_{digest[:32]}")
    return kept.as_bytes()
