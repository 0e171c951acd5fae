"""The classifier of the mailbox for bounces of ordinary mail.

Nothing here is signed: anybody may write to it, and what they can do is in `docs/far-ends.md`. So a bounce
has to name a delivery of ours by its whole id, and says nothing but that ordinary mail failed or is late.
"""

from datetime import UTC, datetime
from email.message import Message
from email.utils import parseaddr, parsedate_to_datetime
from uuid import UUID

from services.notifier.mailbox import reduced
from services.notifier.mailbox.auto_reply import automatic, from_a_server, is_complaint
from services.notifier.mailbox.correlation import Correlation
from services.notifier.mailbox.evidence import Classifier, Understood
from services.notifier.mailbox.mail_parts import header, parsed, status_part
from services.notifier.mailbox.verdict import Verdict, by_status_part, by_text
from services.notifier.settings import NotifierSettings
from shared.contract.instants import rfc3339
from shared.contract.internal import ProviderReport

_PROVIDER = "bounce"
"""What a report calls its provider: the server that names itself in a bounce may be anybody's invention."""


def bounce_classifier(settings: NotifierSettings) -> Classifier:
    """Return what understands the mails of the mailbox for bounces.

    Args:
        settings: `mail_bounces` and `mail_from`, by which our mails are known.
    """
    sender = parseaddr(settings.mail_from)[1]
    correlation = Correlation(settings.mail_bounces or sender, sender.rpartition("@")[2])
    return BounceClassifier(correlation).classify


class BounceClassifier:
    """Understands bounces, and what else comes to their address."""

    def __init__(self, correlation: Correlation) -> None:
        self._correlation = correlation

    def classify(self, raw: bytes) -> Understood:
        """Return what a mail says of a delivery of ours, and what is kept of it.

        Args:
            raw: the mail as it lies in the mailbox.
        """
        message = parsed(raw)
        if part := status_part(message):
            return self._bounce(message, by_status_part(part), reduced.report(message))
        if is_complaint(message):
            return Understood("complaint", unknown=True, kept=reduced.headers_alone(message))
        kind = automatic(message)
        if from_a_server(message) and kind != "read_receipt":
            verdict = by_text(message, raw.count(b"\n"))
            if verdict.status or not kind:
                return self._bounce(message, verdict, reduced.bounce(message))
        if kind:
            return Understood(kind, kept=reduced.headers_alone(message))
        return self._unknown(message)

    def _bounce(self, message: Message, verdict: Verdict, kept: bytes | None) -> Understood:
        named, when = self._correlation.named(message), _when(message)
        if len(named) != 1 or when is None:
            doubt = "names_nothing_of_ours" if not named else "names_several" if when else "undated"
            return Understood(f"bounce_{doubt}", unknown=True, kept=kept)
        if verdict.status is None:
            return Understood(verdict.evidence, unknown=verdict.evidence.endswith("garbled"), kept=kept)
        [delivery] = named
        return Understood(verdict.evidence, (_report(delivery, verdict, when),), kept=kept)

    def _unknown(self, message: Message) -> Understood:
        ours = reduced.shows_text_of_ours(message) or self._correlation.named(message)
        return Understood("not_a_bounce", unknown=True, kept=reduced.letter(message) if ours else None)


def _report(delivery: UUID, verdict: Verdict, when: datetime) -> ProviderReport:
    return ProviderReport(
        channel="email",
        delivery_id=delivery,
        status=verdict.status or "delayed",
        evidence=verdict.evidence,
        provider=_PROVIDER,
        occurred_at=rfc3339(when),
        forgeable=True,
    )


def _when(message: Message) -> datetime | None:
    """Return when a bounce was written, by its date, else by our own server's stamp."""
    for written in (header(message, "Date"), header(message, "Received").rpartition(";")[2]):
        try:
            return parsedate_to_datetime(written).astimezone(UTC)
        except (ValueError, TypeError, OverflowError):
            continue
    return None
