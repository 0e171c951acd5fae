"""The review queue of the contact centre, in order of arrival (R25)."""

from itertools import islice
from uuid import UUID

from services.dispositivo.operators import REFUSED, OperatorFacts, refused, with_alarm
from shared.contract import parts
from shared.contract.dispositivo import OpenRequest, ReviewData, ReviewQueue
from shared.contract.reply import accepted
from shared.domain.account import Account, Attachment, DispositivoRequest, Document, Holder
from shared.domain.decision import ContextWith, Decision, DecisionContext, LedgerEntry
from shared.domain.policy import PinPolicy
from shared.domain.uris import allowed
from shared.italy.dates import day_of

_NOWHERE = "about:blank"


def show(_: Account, command: ReviewQueue, ctx: ContextWith[OperatorFacts]) -> Decision:
    """Show the requests still waiting, and record each view with the citizen concerned.

    A request decided since the queue was read is left out; so is a citizen whose account does not open.
    Nothing is shown to an operator who has looked too often, if a setting says how often that is.
    """
    known = ctx.known
    decision = REFUSED if refused(known, ctx.policy) else _shown(command, ctx)
    return with_alarm(decision, command.operator, known, ctx.policy)


def _shown(command: ReviewQueue, ctx: ContextWith[OperatorFacts]) -> Decision:
    waiting = ((account, told) for account in ctx.known.waiting if (told := _waits(account, ctx)))
    shown = list(islice(waiting, command.limit))
    data = ReviewData(requests=tuple(told for _, told in shown))
    return Decision(
        reply=accepted(**data.model_dump(mode="json", exclude_none=True)),
        entries=tuple(
            LedgerEntry(
                "personal_data.seen",
                {"command": command.type, "request_id": str(told.request_id), "seen": told.seen},
                subject=account.subject,
            )
            for account, told in shown
        ),
    )


def _waits(account: Account, ctx: ContextWith[OperatorFacts]) -> OpenRequest | None:
    request = account.dispositivo
    if request is None or not account.review_since:
        return None
    told = open_request_of(account, request, ctx)
    if told is None:
        raise ValueError("a request is reviewed with its documents")
    return told.model_copy(update={"seen": seen_of(account, request, ctx)})


def seen_of(
    account: Account, request: DispositivoRequest, ctx: ContextWith[OperatorFacts], given: str | None = None
) -> str | None:
    """Return the `seen` of a request as it would be shown now, and of what was decided about it.

    None is that of a request that is not shown, because its documents are not in.
    `given` is as in `SeenSeal.of`.
    """
    told = open_request_of(account, request, ctx)
    if told is None:
        return None
    shown = told.model_dump(mode="json", exclude={"seen"})
    decided = request.approved_at.isoformat() if request.approved_at else None
    return ctx.known.seal.of("request", account.subject, [shown, decided], given)


def open_request_of(
    account: Account, request: DispositivoRequest, ctx: DecisionContext
) -> OpenRequest | None:
    """Return what an operator is shown of a request, without `seen`; None before its documents are in."""
    holder: Holder | None = account.holder
    document, form, scan = request.document, request.signed_form, request.document_scan
    if not (holder and document and form and scan and request.received_at):
        return None
    return OpenRequest.model_validate(
        {
            "request_id": UUID(request.id),
            "codice_fiscale": holder.codice_fiscale,
            "surname": holder.surname,
            "name": holder.name,
            "birth_date": holder.birth_date,
            "via": request.via,
            "received_at": request.received_at,
            "signed_form": _file(form, ctx.policy),
            "document": as_told(document),
            "document_scan": _file(scan, ctx.policy),
            "document_expired": document.expires_on < day_of(ctx.now),
        }
    )


def _file(attachment: Attachment, policy: PinPolicy) -> parts.Attachment:
    """Return an attachment; one that came in when its address was still allowed leads nowhere."""
    may = allowed(attachment.uri, policy.attachment_schemes, policy.attachment_hosts)
    return parts.Attachment(**(attachment.known() | ({} if may else {"uri": _NOWHERE})))


def as_told(document: Document) -> parts.Document:
    """Return an identity document in the contract's form."""
    return parts.Document(**document.known())
