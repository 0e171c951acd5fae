"""What one mail is understood to be: what a classifier returns, and the reader of mailboxes acts on."""

from collections.abc import Callable
from dataclasses import dataclass

from shared.contract.internal import ProviderReport


@dataclass(frozen=True, slots=True)
class Understood:
    """What was understood of one mail.

    Attributes:
        reason: a stable word for the log, such as `pec_avvenuta_consegna`, `auto_reply` or `bad_signature`;
            no address and nothing that the mail's sender chose.
        reports: what it says of deliveries of ours, the same in the same order whenever it is read; none for
            a mail that is known and ends nothing, such as an auto-reply: it is filed as processed.
        unknown: whether it is filed for a person to look at, in the folder of what is not understood. What
            it reports is reported all the same.
        kept: what is filed in its place, where the mail must not stay readable whole: a bounce that has our
            text with it. A complete mail (RFC 5322), the same whenever it is read; None files it as it is.
    """

    reason: str
    reports: tuple[ProviderReport, ...] = ()
    unknown: bool = False
    kept: bytes | None = None


Classifier = Callable[[bytes], Understood]
"""Understands one mail, complete and as it lies on the server; it has no effect, and may take seconds.

What it raises files the mail as unknown, and so does taking longer than `PIN_MAILBOX_MAIL_TIMEOUT`; it is
called for the next mail then while it still runs.
"""
