"""Understands PEC receipts (RFC 6109): what a provider certifies of a mail of ours.

A receipt counts only by what its provider signed: the headers of the mail, `X-Ricevuta` among them, can be
written by anybody.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import Message
from functools import partial
from typing import Final
from uuid import UUID

from services.notifier.mailbox.daticert import CertifiedData, read_daticert
from services.notifier.mailbox.evidence import Classifier, Understood
from services.notifier.mailbox.mail_parts import parts_of
from services.notifier.mailbox.pec_settings import PecSettings, Trust
from services.notifier.mailbox.smime import Verified, verified
from services.notifier.mailbox.stripped import stripped
from shared.contract.instants import rfc3339
from shared.contract.internal import ProviderReport, ReportStatus
from shared.domain.decision import made_at
from shared.errors import UncountedEvidenceError

_PROVIDER: Final = "posta-certificata"
"""The local part of the address by which every provider signs (RFC 6109, 6.4)."""
_OURS = re.compile(r"([0-9a-f]{32})@[A-Za-z0-9.-]+", re.ASCII)
"""A Message-ID of ours (`channels/mail.py`): the delivery's id."""
_REFERENCE: Final = "X-Riferimento-Message-ID"
_LATE = timedelta(hours=18)
"""After which a notice of delay is the second: they come after 12 and 24 hours."""
_MEANS: Final[dict[str, ReportStatus]] = {
    "accettazione": "accepted",
    "non-accettazione": "failed",
    "presa-in-carico": "accepted",
    "avvenuta-consegna": "delivered",
    "errore-consegna": "failed",
    "preavviso-errore-consegna": "delayed",
    "rilevazione-virus": "failed",
}
"""The kinds of receipts. «Mancata consegna» is none: it is the subject of an `errore-consegna`."""
_A_MESSAGE: Final = "posta-certificata"
"""The kind of what is no receipt: a mail that somebody sent us by PEC."""


def pec_classifier(
    settings: PecSettings, sender: str, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
) -> Classifier:
    """Return what understands the mails of the PEC mailbox.

    Args:
        settings: whose signatures count.
        sender: the address that our PEC are sent from.
        clock: the time, UTC.
    """
    return partial(_understood, settings.trust, sender.lower(), clock)


def _understood(trust: Trust, sender: str, clock: Callable[[], datetime], raw: bytes) -> Understood:
    if not trust.authorities:
        return _unknown("pec_no_trust", raw)
    try:
        covered = verified(raw, trust, clock())
    except UncountedEvidenceError as error:
        return _unknown(error.reason, raw)
    try:
        return _counted(covered, sender, raw)
    except UncountedEvidenceError as error:
        return _unknown(error.reason, raw, covered.content)


def _unknown(reason: str, raw: bytes, covered: bytes | None = None) -> Understood:
    return Understood(reason, unknown=True, kept=stripped(raw, covered))


def _counted(covered: Verified, sender: str, raw: bytes) -> Understood:
    local, _, provider = covered.signer.partition("@")
    if local != _PROVIDER:
        raise UncountedEvidenceError("pec_no_provider")
    entity = message_from_bytes(covered.content)
    data = _daticert(entity)
    status = _MEANS.get(data.kind)
    if status is None:
        raise UncountedEvidenceError("pec_message" if data.kind == _A_MESSAGE else "pec_unknown_kind")
    if data.sender != sender:
        # Whoever knows a Message-ID of ours can send a PEC under it, and forward the genuine receipt.
        raise UncountedEvidenceError("pec_other_sender")
    delivery = _delivery(entity, data)
    certified = _one_recipient(data)
    at = data.at or covered.signed_at
    if at is None:
        raise UncountedEvidenceError("pec_without_time")
    word = "pec_" + data.kind.replace("-", "_")
    if status == "delayed":
        word += _hours(delivery, at)
    said = _Said(delivery, provider, rfc3339(at))
    reports = [said.report(status, word)]
    if status == "accepted" and not certified:
        reports.append(said.report("unsuitable", "pec_esterno"))
    return Understood(word, tuple(reports), kept=stripped(raw, covered.content))


@dataclass(frozen=True, slots=True)
class _Said:
    """What all reports of one receipt have in common."""

    delivery: UUID
    provider: str
    at: str

    def report(self, status: ReportStatus, evidence: str) -> ProviderReport:
        return ProviderReport(
            channel="pec",
            delivery_id=self.delivery,
            status=status,
            evidence=evidence,
            provider=self.provider,
            occurred_at=self.at,
        )


def _daticert(entity: Message) -> CertifiedData:
    """Read the one `daticert.xml` of what is signed, and of no mail that is enclosed or signed in it."""
    parts = list(parts_of(entity))
    if any(part.get_content_type() == "multipart/signed" for part in parts):
        raise UncountedEvidenceError("pec_signed_within")
    found = [part for part in parts if (part.get_filename() or "").lower() == "daticert.xml"]
    if not found:
        raise UncountedEvidenceError("pec_no_daticert")
    if len(found) > 1:
        raise UncountedEvidenceError("pec_two_daticert")
    content = found[0].get_payload(decode=True)
    return read_daticert(content if isinstance(content, bytes) else b"")


def _delivery(entity: Message, data: CertifiedData) -> UUID:
    """Return the delivery that a receipt is about: a mail of ours, and only one."""
    named = [str(name) for part in parts_of(entity) for name in part.get_all(_REFERENCE, [])]
    if any(name.strip().strip("<>") != data.message for name in named):
        raise UncountedEvidenceError("pec_two_messages")
    ours = _OURS.fullmatch(data.message)
    if not ours:
        raise UncountedEvidenceError("pec_other_message")
    return UUID(hex=ours[1])


def _one_recipient(data: CertifiedData) -> bool:
    """Return whether the recipient has a PEC address. Every mail of ours has one recipient."""
    if len(data.recipients) != 1:
        raise UncountedEvidenceError("pec_many_recipients")
    ((address, certified),) = data.recipients.items()
    if data.given_to not in {"", address}:
        raise UncountedEvidenceError("pec_other_recipient")
    return certified


def _hours(delivery: UUID, at: datetime) -> str:
    """Tell the two notices of delay apart by the time in the delivery's id; they say the same otherwise."""
    made = made_at(delivery)
    if made is None:
        return ""
    return "_24h" if at - made > _LATE else "_12h"
