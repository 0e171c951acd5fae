"""The PIN becomes dispositivo, and the istanze suspended for it are released (R29, R32)."""

from typing import Any

from services.dispositivo.pending_request import open_request
from services.dispositivo.review import taking_effect
from services.dispositivo.texts import NOTICES
from shared.contract.events import DispositivoActivated
from shared.contract.internal import TakeEffect
from shared.domain.account import Account, DispositivoRequest, Recognition
from shared.domain.decision import Decision, DecisionContext, Delivery, Event, LedgerEntry
from shared.domain.istanze import released
from shared.domain.recognition import recognised


def take_effect(account: Account, command: TakeEffect, ctx: DecisionContext) -> Decision:
    """Make an approved PIN dispositivo when the approval takes effect.

    Nothing happens if the approval has ended since: by cancellation, by revocation, or because a branch
    activated the PIN first. A PIN that is being restored is raised too: the level belongs to the citizen,
    whose identity was established, and a restored PIN keeps it.
    """
    request = open_request(account, command.request_id)
    if request is None or request.approved_at is None or request.effective_at is None:
        return Decision()
    if ctx.now < request.effective_at:
        # Another machine's clock is ahead of ours: the message is retried, or the effect would be lost.
        return Decision(messages=(taking_effect(account, request, request.effective_at),))
    via = request.via or request.submission
    established = _established(request, via, ctx)
    facts = {"channel": via, "operator": established.operator, "office": established.office}
    return activated(account, via, established, ctx, LedgerEntry("dispositivo.activated", facts))


def _established(request: DispositivoRequest, via: str, ctx: DecisionContext) -> Recognition:
    return Recognition(
        kind=via,
        at=request.approved_at or ctx.now,
        operator=request.approved_by or "",
        office=request.approved_office,
        document=request.document,
    )


def activated(
    account: Account,
    channel: str,
    recognition: Recognition,
    ctx: DecisionContext,
    entry: LedgerEntry | None = None,
) -> Decision:
    """Raise a live PIN to dispositivo, close its open request, and release every suspended istanza, at once.

    Args:
        account: one with a live PIN that is not dispositivo.
        channel: as written in the event (R8, R9, R24).
        recognition: how the citizen's identity was established; unchanged if it is recorded already.
        ctx: the context of the decision.
        entry: the entry to write, if it says more than the event.
    """
    raised = account.but(level="dispositivo", dispositivo=None, review_since=None)
    if recognition is not account.recognition:
        raised = recognised(raised, recognition)
    release = released(raised)
    facts: dict[str, Any] = {"channel": channel}
    return release.but(
        entries=(entry or LedgerEntry("dispositivo.activated", facts), *release.entries),
        events=(Event(DispositivoActivated(**facts)), *release.events),
        deliveries=_told(account, ctx),
    )


def _told(account: Account, ctx: DecisionContext) -> tuple[Delivery, ...]:
    """Notify the outcome by PEC, or else by email (R27), and list the released istanze."""
    told = NOTICES.outcome(account, "activated", ctx)
    if not account.suspended:
        return told
    protocols = ", ".join(istanza.protocol for istanza in account.suspended)
    return told + NOTICES.outcome(account, "istanza_released", ctx, protocols=protocols)
