"""First access (R10, R16) and log-in (R11)."""

from services.issuer.comparing import Compared
from services.issuer.texts import TELLER
from shared.account import Account, Attempts, Pin
from shared.contract.issuer import PinActivate, PinVerify
from shared.contract.reply import accepted, rejected
from shared.dates import instant
from shared.decision import Decision, Delivery, Entry, Event, Moment, decides


@decides(PinActivate)
def activate(account: Account, command: PinActivate, at: Moment) -> Decision:
    """Replace the 16 characters, once, by eight new ones, sealed to the sender's key; the level stays."""
    compared: Compared = at.effect
    pin = _compared_with(account, compared)
    if compared.match != "yes" or compared.new is None or pin is None or not pin.initial:
        return _refused(account, compared, at)
    new, salt, verifier = compared.new
    kept = Pin(id=str(at.uuid()), issued_at=at.now, initial=False, salt=salt, verifier=verifier)
    return Decision(
        reply=accepted(pin_sealed=at.box.seal(new, command.reply_key), level=account.level),
        account=account.but(status="active", pin=kept, attempts=Attempts(), restore=None),
        entries=(Entry("pin.activated", {"pin_id": kept.id, "level": account.level}),),
        events=(Event("pin.activated"),),
    )


@decides(PinVerify)
def verify(account: Account, _: PinVerify, at: Moment) -> Decision:
    """Say whether codice fiscale and PIN belong together, and what the PIN is good for."""
    compared: Compared = at.effect
    pin = _compared_with(account, compared)
    if compared.match == "initial" and pin is not None:
        return Decision(reply=rejected("first_access_needed"), entries=(Entry("pin.verified_initial"),))
    if compared.match != "yes" or pin is None or pin.initial:
        return _refused(account, compared, at)
    return Decision(
        reply=accepted(level=account.level),
        account=account.but(attempts=Attempts()),
        entries=(Entry("pin.verified"),),
    )


def _compared_with(account: Account, compared: Compared) -> Pin | None:
    """Return the PIN that was compared, if it is still the citizen's: it may have ended in between."""
    pin = account.pin
    return pin if account.live and pin is not None and pin.id == compared.pin_id else None


def _refused(account: Account, compared: Compared, at: Moment) -> Decision:
    """Answer alike for a wrong PIN, a blocked one and nobody's; tell the citizen of a lock."""
    admission = compared.admission
    if admission.locked_for:
        return Decision(reply=rejected("locked", retry_after=admission.locked_for))
    decision = Decision(reply=rejected("wrong_pin"), entries=(Entry("pin.attempt_failed"),))
    if not account.live:
        return decision
    if admission.blocks:
        return _with_notice(decision, "pin.blocked", {}, TELLER.everywhere(account, "pin_blocked", at))
    locked_until = account.attempts.locked_until
    if admission.locks and locked_until:
        until = {"until": instant(locked_until, account.language)}
        told = TELLER.everywhere(account, "pin_locked", at, sms=until, mail=until)
        return _with_notice(decision, "pin.locked", {"until": locked_until}, told)
    return decision


def _with_notice(
    decision: Decision, kind: str, facts: dict[str, object], told: tuple[Delivery, ...]
) -> Decision:
    return decision.but(
        entries=(*decision.entries, Entry(kind, facts)),
        events=(Event(kind, facts),),
        deliveries=told,
    )
