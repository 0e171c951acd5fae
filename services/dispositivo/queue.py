"""The review queue of the contact centre, in order of arrival (R25)."""

from collections.abc import Sequence
from datetime import datetime
from itertools import islice
from uuid import UUID

from services.dispositivo.pending_request import by_operator
from shared.contract import parts
from shared.contract.dispositivo import OpenRequest, ReviewData, ReviewQueue
from shared.contract.reply import accepted
from shared.domain.account import Account, Attachment, DispositivoRequest, Document, Holder
from shared.domain.decision import ContextWith, Decision
from shared.italy.dates import day_of

WaitingCitizens = Sequence[Account]
"""The citizens who wait according to the ledger, in its order, with their current accounts."""


def show(_: Account, command: ReviewQueue, at: ContextWith[WaitingCitizens]) -> Decision:
    """Show the requests still waiting, and record each view with the citizen concerned.

    A request decided since the queue was read is left out; so is a citizen whose account does not open.
    """
    waiting = (
        (account, request, holder)
        for account in at.known
        if (request := account.dispositivo) and (holder := account.holder) and account.review_since
    )
    shown = list(islice(waiting, command.limit))
    data = ReviewData(requests=tuple(_shown(request, holder, at.now) for _, request, holder in shown))
    return Decision(
        reply=accepted(**data.model_dump(mode="json", exclude_none=True)),
        entries=tuple(
            by_operator(
                command.operator,
                "personal_data.seen",
                account.subject,
                command=command.type,
                request_id=request.id,
            )
            for account, request, _ in shown
        ),
    )


def _shown(request: DispositivoRequest, holder: Holder, now: datetime) -> OpenRequest:
    document, form, scan = request.document, request.signed_form, request.document_scan
    if not (document and form and scan and request.received_at):
        raise ValueError("a request is reviewed with its documents")
    return OpenRequest.model_validate(
        {
            "request_id": UUID(request.id),
            "codice_fiscale": holder.codice_fiscale,
            "surname": holder.surname,
            "name": holder.name,
            "birth_date": holder.birth_date,
            "via": request.via,
            "received_at": request.received_at,
            "signed_form": _file(form),
            "document": as_told(document),
            "document_scan": _file(scan),
            "document_expired": document.expires_on < day_of(now),
        }
    )


def _file(attachment: Attachment) -> parts.Attachment:
    return parts.Attachment(**attachment.known())


def as_told(document: Document) -> parts.Document:
    """Return an identity document in the contract's form."""
    return parts.Document(**document.known())
