"""An operator decides a request: approves it (R25, R29) or cancels it with a reason (R28)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from services.dispositivo.operators import OperatorFacts
from services.dispositivo.pending_request import open_request, undecided
from services.dispositivo.queue import seen_of
from services.dispositivo.seen import differs, lacks_seen
from services.dispositivo.texts import NOTICES, TEXTS
from shared.contract.dispositivo import DispositivoApprove, DispositivoCancel
from shared.contract.events import DispositivoApproved, DispositivoCancelled
from shared.contract.instants import rfc3339
from shared.contract.internal import TakeEffect
from shared.contract.parts import Operator
from shared.contract.reply import accepted, rejected
from shared.domain.account import Account, Cancellation, DispositivoRequest
from shared.domain.decision import ContextWith, Decision, DecisionContext, Event, LedgerEntry, WorkerMessage
from shared.italy.dates import instant


def approve(account: Account, command: DispositivoApprove, ctx: ContextWith[OperatorFacts]) -> Decision:
    """Approve a request whose documents are in; it takes effect 24 hours later, a setting (R29)."""
    if lacking := lacks_seen(command, ctx.policy):
        return Decision(reply=lacking)
    request = undecided(account, command.request_id)
    if differs(command, seen_of(account, request, ctx, command.seen) if request else None):
        return Decision(reply=rejected("changed_since_seen"))
    if request is None:
        return Decision(reply=rejected("no_open_request"))
    if request.received_at is None:
        return Decision(reply=rejected("documents_missing"))
    effective_at = ctx.now + ctx.policy.dispositivo_delay
    decided = _decided(request, command.operator, effective_at, ctx)
    facts = {"request_id": request.id, "seen": command.seen}
    return approved(account, decided, facts, ctx).but(
        reply=accepted(effective_at=rfc3339(effective_at), seen=seen_of(account, decided, ctx))
    )


def approved(
    account: Account, decided: DispositivoRequest, facts: Mapping[str, Any], ctx: DecisionContext
) -> Decision:
    """Record an approval, notify the citizen, and schedule the message that makes it take effect.

    Args:
        account: of the citizen.
        decided: the request, approved.
        facts: of the entry, beside the instant of its effect.
        ctx: the context of the decision.
    """
    effective_at = decided.effective_at
    if effective_at is None:
        raise ValueError("an approval takes effect some time")
    event = Event(DispositivoApproved(effective_at=rfc3339(effective_at)))
    told = instant(effective_at, account.language)
    return Decision(
        account=account.but(dispositivo=decided, review_since=None),
        entries=(LedgerEntry("dispositivo.approved", {**facts, **event.data}),),
        events=(event,),
        deliveries=NOTICES.outcome(account, "approved", ctx, effective_at=told),
        messages=(taking_effect(account, decided, effective_at),),
    )


def _decided(
    request: DispositivoRequest, operator: Operator, effective_at: datetime, ctx: DecisionContext
) -> DispositivoRequest:
    return request.but(
        approved_at=ctx.now,
        approved_by=operator.id,
        approved_office=operator.office,
        effective_at=effective_at,
    )


def taking_effect(account: Account, request: DispositivoRequest, effective_at: datetime) -> WorkerMessage:
    """Return the internal message that is due when an approval takes effect."""
    take_effect = TakeEffect(subject=account.subject.hex(), request_id=UUID(request.id))
    return WorkerMessage(take_effect, due_at=effective_at)


def cancel(account: Account, command: DispositivoCancel, ctx: ContextWith[OperatorFacts]) -> Decision:
    """Cancel a request not yet in effect; the citizen is notified of the reason and may ask again (R28)."""
    if lacking := lacks_seen(command, ctx.policy):
        return Decision(reply=lacking)
    request = open_request(account, command.request_id)
    if differs(command, seen_of(account, request, ctx, command.seen) if request else None):
        return Decision(reply=rejected("changed_since_seen"))
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
            LedgerEntry(
                "dispositivo.cancelled",
                {"request_id": request.id, "reason": command.reason, "seen": command.seen},
            ),
        ),
        events=(Event(DispositivoCancelled(reason=command.reason)),),
        deliveries=NOTICES.outcome(account, "cancelled", ctx, reason=reason),
    )
