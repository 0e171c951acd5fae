"""First access (R10, R16) and log-in (R11)."""

from services.issuer.attempts import Admission, Compared
from services.issuer.texts import NOTICES
from shared.contract.event import EventData
from shared.contract.events import PinActivated, PinBlocked, PinLocked
from shared.contract.issuer import PinActivate, PinVerify
from shared.contract.reply import accepted, rejected
from shared.domain.account import Account, Pin
from shared.domain.credential import ended_at
from shared.domain.decision import ContextWith, Decision, DecisionContext, Delivery, Event, LedgerEntry
from shared.italy.dates import instant


def activate(account: Account, command: PinActivate, at: ContextWith[Compared]) -> Decision:
    """Replace the 16 characters, once, with eight new ones, sealed to the sender's key; the level stays."""
    compared = at.known
    pin = _compared_with(account, compared, at)
    if compared.match != "yes" or compared.new is None or pin is None or not pin.initial:
        return _refused(account, compared, at)
    new, salt, verifier = compared.new
    kept = Pin(
        id=str(at.uuid()),
        issued_at=at.now,
        initial=False,
        salt=salt,
        verifier=verifier,
        pepper=compared.pepper,
    )
    return Decision(
        reply=accepted(pin_sealed=at.box.seal(new, command.reply_key), level=account.level),
        account=account.but(status="active", pin=kept, attempts=account.attempts.cleared(), restore=None),
        entries=(LedgerEntry("pin.activated", {"pin_id": kept.id, "level": account.level}),),
        events=(Event(PinActivated()),),
    )


def verify(account: Account, _: PinVerify, at: ContextWith[Compared]) -> Decision:
    """Answer whether the PIN matches the codice fiscale, and with which level.

    A verifier under an earlier pepper is replaced: only now are the eight characters there.
    """
    compared = at.known
    pin = _compared_with(account, compared, at)
    if compared.match == "initial" and pin is not None:
        # The attempt counts as a failure, and may have locked the PIN like any other.
        refused = _refused(account, compared, at)
        known = (LedgerEntry("pin.verified_initial"), *refused.entries[1:])
        return refused.but(reply=rejected("first_access_needed"), entries=known)
    if compared.match != "yes" or pin is None or pin.initial:
        return _refused(account, compared, at)
    return Decision(
        reply=accepted(level=account.level),
        account=account.but(attempts=account.attempts.cleared(), pin=_renewed(pin, compared)),
        entries=(LedgerEntry("pin.verified"),),
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
    admission, attempts = compared.admission, account.attempts
    if admission.locked_for:
        return Decision(reply=rejected("locked", retry_after=admission.locked_for))
    decision = Decision(reply=rejected("wrong_pin"), reason=_reason(admission))
    if account.nobody:
        # No entry is written of a nobody. The row is written instead, so that both take as long.
        return decision.but(account=account.but(attempts=attempts))
    decision = decision.but(entries=(LedgerEntry("pin.attempt_failed"),))
    notices = attempts.locks + attempts.blocked
    return _told(decision, account, admission, ctx) if account.live and notices > attempts.told else decision


def _told(decision: Decision, account: Account, admission: Admission, ctx: DecisionContext) -> Decision:
    """Notify the citizen of a lock or block that was not notified yet."""
    attempts = account.attempts
    notices = attempts.locks + attempts.blocked
    telling = decision.but(account=account.but(attempts=attempts.but(told=notices)))
    if admission.blocks:
        return _with_notice(telling, PinBlocked(), NOTICES.to_registered(account, "pin_blocked", ctx))
    if admission.locks and attempts.locked_until:
        until = {"until": instant(attempts.locked_until, account.language)}
        told = NOTICES.to_registered(account, "pin_locked", ctx, sms=until, mail=until)
        return _with_notice(telling, PinLocked(until=attempts.locked_until), told)
    return decision


def _reason(admission: Admission) -> str:
    if admission.blocks:
        return "pin_blocked"
    return "pin_locked" if admission.locks else ""


def _with_notice(decision: Decision, fact: EventData, told: tuple[Delivery, ...]) -> Decision:
    event = Event(fact)
    return decision.but(
        entries=(*decision.entries, LedgerEntry(event.type, event.data)),
        events=(event,),
        deliveries=told,
    )
