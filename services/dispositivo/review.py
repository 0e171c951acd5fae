"""An operator decides a request: approves it (R25, R29) or cancels it with a reason (R28)."""

from datetime import datetime
from uuid import UUID

from services.dispositivo.pending_request import by_operator, open_request, undecided
from services.dispositivo.texts import NOTICES, TEXTS
from shared.contract.dispositivo import DispositivoApprove, DispositivoCancel
from shared.contract.events import DispositivoApproved, DispositivoCancelled
from shared.contract.instants import rfc3339
from shared.contract.internal import TakeEffect
from shared.contract.parts import Operator
from shared.contract.reply import accepted, rejected
from shared.domain.account import Account, Cancellation, DispositivoRequest
from shared.domain.decision import Decision, DecisionContext, Event, WorkerMessage
from shared.italy.dates import instant


def approve(account: Account, command: DispositivoApprove, ctx: DecisionContext) -> Decision:
    """Approve a request whose documents are in; it takes effect 24 hours later, a setting (R29)."""
    request = undecided(account, command.request_id)
    if request is None:
        return Decision(reply=rejected("no_open_request"))
    if request.received_at is None:
        return Decision(reply=rejected("documents_missing"))
    effective_at = ctx.now + ctx.policy.dispositivo_delay
    approval = approved(account, request, command.operator, effective_at, ctx)
    return approval.but(reply=accepted(effective_at=rfc3339(effective_at)))


def approved(
    account: Account,
    request: DispositivoRequest,
    operator: Operator,
    effective_at: datetime,
    ctx: DecisionContext,
) -> Decision:
    """Record an approval, notify the citizen, and schedule the message that makes it take effect."""
    decided = request.but(approved_at=ctx.now, approved_by=operator.id, effective_at=effective_at)
    event = Event(DispositivoApproved(effective_at=rfc3339(effective_at)))
    told = instant(effective_at, account.language)
    return Decision(
        account=account.but(dispositivo=decided, review_since=None),
        entries=(by_operator(operator, "dispositivo.approved", request_id=request.id, **event.data),),
        events=(event,),
        deliveries=NOTICES.outcome(account, "approved", ctx, effective_at=told),
        messages=(taking_effect(account, request, effective_at),),
    )


def taking_effect(account: Account, request: DispositivoRequest, effective_at: datetime) -> WorkerMessage:
    """Return the internal message that is due when an approval takes effect."""
    take_effect = TakeEffect(subject=account.subject.hex(), request_id=UUID(request.id))
    return WorkerMessage(take_effect, due_at=effective_at)


def cancel(account: Account, command: DispositivoCancel, ctx: DecisionContext) -> Decision:
    """Cancel a request not yet in effect; the citizen is notified of the reason and may ask again (R28)."""
    request = open_request(account, command.request_id)
    if request is None:
        return Decision(reply=rejected("no_open_request"))
    cancelled = Cancellation(
        request_id=request.id,
        at=ctx.now,
        operator=command.operator.id,
        reason=command.reason,
        note=command.note,
    )
    reason = TEXTS.word(command.reason, account.language)
    return Decision(
        reply=accepted(),
        account=account.but(dispositivo=None, review_since=None, cancelled=cancelled),
        entries=(
            by_operator(
                command.operator, "dispositivo.cancelled", request_id=request.id, reason=command.reason
            ),
        ),
        events=(Event(DispositivoCancelled(reason=command.reason)),),
        deliveries=NOTICES.outcome(account, "cancelled", ctx, reason=reason),
    )
