"""Receives the signed form and a copy of the identity document, online or by fax (R24)."""

from collections.abc import Iterator
from datetime import timedelta

from services.dispositivo.pending_request import undecided
from shared.contract import parts as contract
from shared.contract.dispositivo import SubmitDocuments
from shared.contract.events import DocumentsReceived
from shared.contract.reply import accepted, rejected
from shared.domain.account import Account, Attachment, Document
from shared.domain.decision import ContextWith, Decision, Event, LedgerEntry
from shared.domain.policy import PinPolicy
from shared.domain.uris import allowed
from shared.errors import Fault


def submit(account: Account, command: SubmitDocuments, ctx: ContextWith[int]) -> Decision:
    """Accept documents; until an operator decides, the latest count, at the queue position of the first.

    The fact beside the account is the message's position in its batch.
    """
    if faults := tuple(_faults(command, ctx.policy)):
        return Decision(reply=rejected("invalid", faults=faults))
    request = undecided(account, command.request_id)
    if request is None:
        return Decision(reply=rejected("no_open_request"))
    received = request.but(
        via=command.via,
        signed_form=Attachment(**command.signed_form.model_dump()),
        document=Document(**command.document.model_dump()),
        document_scan=Attachment(**command.document_scan.model_dump()),
        received_at=ctx.now,
    )
    # A batch has one instant: the microseconds keep the order of arrival.
    arrived_at = ctx.now + timedelta(microseconds=ctx.known)
    return Decision(
        reply=accepted(),
        account=account.but(dispositivo=received, review_since=account.review_since or arrived_at),
        entries=(
            LedgerEntry(
                "dispositivo.documents_received",
                {
                    "request_id": request.id,
                    "via": command.via,
                    "replacing": request.received_at is not None,
                    "signed_form_sha256": command.signed_form.sha256,
                    "document_scan_sha256": command.document_scan.sha256,
                },
            ),
        ),
        events=(Event(DocumentsReceived()),),
    )


def _faults(command: SubmitDocuments, policy: PinPolicy) -> Iterator[Fault]:
    """Yield what the settings do not allow: where an attachment may be, and that a fax comes from nobody."""
    for field, attachment in command:
        if isinstance(attachment, contract.Attachment) and not allowed(
            attachment.uri, policy.attachment_schemes, policy.attachment_hosts
        ):
            yield Fault(
                f"{field}.uri", "uri_not_allowed", "Attachments may not be named by this scheme or host."
            )
    if command.via == "fax" and command.operator is None and policy.require_operator:
        yield Fault("operator", "required", "Who took the fax in has to be named.")
