"""First access (R10, R16) and log-in (R11)."""

from services.issuer.attempts import Compared, Failure, failed, failed_before
from services.issuer.texts import NOTICES
from shared.contract.event import EventData
from shared.contract.events import PinActivated, PinBlocked, PinLocked
from shared.contract.issuer import PinActivate, PinVerify
from shared.contract.reply import accepted, rejected
from shared.domain.account import Account, Pin
from shared.domain.credential import ended_at
from shared.domain.decision import ContextWith, Decision, DecisionContext, Delivery, Event, LedgerEntry
from shared.domain.log_ins import LogIns
from shared.italy.dates import instant


def activate(account: Account, command: PinActivate, ctx: ContextWith[Compared]) -> Decision:
    """Replace the 16 characters, once, with eight new ones, sealed to the sender's key; the level stays."""
    compared = ctx.known
    pin = _compared_with(account, compared, ctx)
    if compared.match != "yes" or compared.new is None or pin is None or not pin.initial:
        return _refused(account, compared, ctx)
    new, salt, verifier = compared.new
    kept = Pin(
        id=str(ctx.uuid()),
        issued_at=ctx.now,
        initial=False,
        salt=salt,
        verifier=verifier,
        pepper=compared.pepper,
    )
    return Decision(
        reply=accepted(pin_sealed=ctx.box.seal(new, command.reply_key), level=account.level),
        account=account.but(status="active", pin=kept, attempts=account.attempts.cleared(), restore=None),
        entries=(LedgerEntry("pin.activated", {"pin_id": kept.id, "level": account.level}),),
        events=(Event(PinActivated()),),
    )


def verify(account: Account, _: PinVerify, ctx: ContextWith[Compared]) -> Decision:
    """Answer whether the PIN matches the codice fiscale, and with which level.

    A verifier under an earlier pepper is replaced: only now are the eight characters there. A log-in that
    changes the account has an entry, and so has the first of a month; all others are counted.
    """
    compared = ctx.known
    pin = _compared_with(account, compared, ctx)
    if compared.match == "initial" and pin is not None:
        # The attempt counts as a failure, and may have locked the PIN like any other.
        refused = _refused(account, compared, ctx)
        known = (LedgerEntry("pin.verified_initial"), *refused.entries[1:])
        return refused.but(reply=rejected("first_access_needed"), entries=known)
    if compared.match != "yes" or pin is None or pin.initial:
        return _refused(account, compared, ctx)
    decision, cleared = Decision(reply=accepted(level=account.level)), account.attempts.cleared()
    changes = account.attempts != cleared or compared.renewed is not None
    if not changes and not compared.log_ins.due(ctx.now):
        return decision.but(log_ins=compared.log_ins.counted(ctx.now))
    return decision.but(
        account=account.but(attempts=cleared, pin=_renewed(pin, compared)) if changes else None,
        entries=(LedgerEntry("pin.verified", compared.log_ins.told()),),
        log_ins=LogIns(last=ctx.now),
    )


def _renewed(pin: Pin, compared: Compared) -> Pin:
    if compared.renewed is None:
        return pin
    salt, verifier = compared.renewed
    renewed: Pin = pin.but(salt=salt, verifier=verifier, pepper=compared.pepper)
    return renewed


def _compared_with(account: Account, compared: Compared, ctx: DecisionContext) -> Pin | None:
    """Return the PIN that was compared, if it is still the citizen's: it may have ended since.

    A PIN past its last day is invalid, even before the message that ends it is handled.
    """
    pin = account.pin
    if not account.live or pin is None or pin.id != compared.pin_id:
        return None
    end = ended_at(pin)
    return None if end and ctx.now >= end else pin


def _refused(account: Account, compared: Compared, ctx: DecisionContext) -> Decision:
    """Give the same answer for a wrong, a blocked or no PIN; notify the citizen of a lock."""
    if compared.sealed_wrong:
        return Decision(reply=rejected("wrong_pin"))
    if compared.admission.locked_for:
        return Decision(reply=rejected("locked", retry_after=compared.admission.locked_for))
    failure = _failure(account, compared, ctx)
    counted = account.but(attempts=failure.attempts)
    decision = Decision(reply=rejected("wrong_pin"), account=counted, reason=_reason(failure))
    if account.nobody:
        # No entry is written of a nobody.
        return decision
    decision = decision.but(entries=(LedgerEntry("pin.attempt_failed"),))
    return _told(decision, counted, failure, ctx) if account.live else decision


def _failure(account: Account, compared: Compared, ctx: DecisionContext) -> Failure:
    if compared.admission.counted:
        return failed_before(account.attempts, ctx.now)
    return failed(account.attempts, ctx.now, ctx.policy)


def _told(decision: Decision, account: Account, failure: Failure, ctx: DecisionContext) -> Decision:
    """Notify the citizen of a lock or block that was not notified yet."""
    attempts = account.attempts
    notices = attempts.locks + attempts.blocked
    if notices <= attempts.told:
        return decision
    telling = decision.but(account=account.but(attempts=attempts.but(told=notices)))
    if failure.blocks:
        return _with_notice(telling, PinBlocked(), NOTICES.to_registered(account, "pin_blocked", ctx))
    if failure.locks and attempts.locked_until:
        until = {"until": instant(attempts.locked_until, account.language)}
        told = NOTICES.to_registered(account, "pin_locked", ctx, sms=until, mail=until)
        return _with_notice(telling, PinLocked(until=attempts.locked_until), told)
    return decision


def _reason(failure: Failure) -> str:
    if failure.blocks:
        return "pin_blocked"
    return "pin_locked" if failure.locks else ""


def _with_notice(decision: Decision, fact: EventData, told: tuple[Delivery, ...]) -> Decision:
    event = Event(fact)
    return decision.but(
        entries=(*decision.entries, LedgerEntry(event.type, event.data)),
        events=(event,),
        deliveries=told,
    )
