"""Bounces of captured mails, in the form in which mail servers write them (RFC 3464)."""

import re
from datetime import UTC, datetime
from email.utils import format_datetime

_ADDRESS = re.compile(r"<([^<>]*)>")
_ENVID = re.compile(r"\bENVID=([0-9a-fA-F]+)")
_SERVER = "mx.example.it"


def bounce(envelope: dict[str, str], sent: bytes) -> bytes:
    """Return what says that the mailbox does not exist (5.1.1), with the headers of the mail (`RET=HDRS`).

    Args:
        envelope: as `deploy.local.smtp_server` records it: the commands `from` and `to`.
        sent: the mail.

    Raises:
        ValueError: the envelope asks for no bounce: it has no sender or no `ENVID`.
    """
    sender, recipient = (_ADDRESS.search(envelope[name]) for name in ("from", "to"))
    envid = _ENVID.search(envelope["from"])
    if not (sender and sender[1] and recipient and envid):
        raise ValueError("nobody asked for a bounce")
    headers = sent.replace(b"\r\n", b"\n").partition(b"\n\n")[0].decode("ascii", errors="replace")
    return f"""\
From: MAILER-DAEMON@{_SERVER}
To: {sender[1]}
Subject: Undelivered Mail Returned to Sender
Date: {format_datetime(datetime.now(UTC))}
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="bounce"

--bounce
Content-Type: text/plain; charset=us-ascii

<{recipient[1]}>: user unknown

--bounce
Content-Type: message/delivery-status

Reporting-MTA: dns; {_SERVER}
Original-Envelope-Id: {envid[1]}

Final-Recipient: rfc822; {recipient[1]}
Action: failed
Status: 5.1.1
Diagnostic-Code: smtp; 550 5.1.1 <{recipient[1]}>: user unknown

--bounce
Content-Type: text/rfc822-headers

{headers}

--bounce--
""".replace("\n", "\r\n").encode()
