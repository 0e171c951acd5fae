"""Ends of an initial PIN: expiry, halves that cannot be delivered, and contacts that cannot receive."""

from uuid import UUID

from services.issuer.texts import NOTICES
from shared.contract.events import PinExpired, RevocationCause
from shared.contract.internal import Expire, FailedDelivery, ReturnedLetter, UnsuitableAddress
from shared.domain.account import Account, Half, Pin
from shared.domain.contacts import same_contact
from shared.domain.credential import ended_at, expiry, without_pin
from shared.domain.decision import Decision, DecisionContext, Event, LedgerEntry
from shared.domain.reachable import NO_MOBILE, Unsuitable, is_unsuitable, mobile_of, with_unsuitable
from shared.domain.revocation import revoked


def expire(account: Account, command: Expire, ctx: DecisionContext) -> Decision:
    """End an initial PIN that was not used in time; the citizen may ask again.

    A message that comes before the end of the PIN's last day is retried: it is an earlier release's, or
    another machine's clock is ahead of ours.
    """
    pin = account.pin
    if not account.live or pin is None or pin.id != str(command.pin_id) or not pin.initial:
        return Decision()
    end = ended_at(pin)
    if end and ctx.now < end:
        return Decision(messages=(expiry(account, pin),))
    return Decision(
        account=without_pin(account, "expired"),
        entries=(LedgerEntry("pin.expired", {"pin_id": pin.id}),),
        events=(Event(PinExpired()),),
        deliveries=NOTICES.to_registered(account, "pin_expired", ctx),
    )


def delivery_failed(account: Account, command: FailedDelivery, ctx: DecisionContext) -> Decision:
    """Record that one channel of a half failed; if it was the last one, revoke the PIN.

    A contact that can never receive by its channel is marked, whatever the delivery carried: it is not tried
    again.
    """
    marking = _marking(account, command, ctx)
    marked, delivery_id = marking.account or account, str(command.delivery_id)
    pin = _carrying(marked, delivery_id)
    if pin is None or any(delivery_id in half.failed for half in pin.halves):
        return marking
    halves = tuple(_without(half, delivery_id) for half in pin.halves)
    if any(half.lost for half in halves):
        ending = _undeliverable(marked, "undeliverable", ctx)
        return ending.but(entries=(*marking.entries, *ending.entries))
    failed = LedgerEntry("half.channel_failed", {"delivery_id": delivery_id})
    return Decision(account=marked.but(pin=pin.but(halves=halves)), entries=(*marking.entries, failed))


def _marking(account: Account, command: FailedDelivery, ctx: DecisionContext) -> Decision:
    if command.reason not in NO_MOBILE:
        return Decision()
    number = mobile_of(account, command.delivery_id, ctx)
    return _unsuitable(account, "mobile", number, command.delivery_id, command.reason, ctx)


def letter_returned(account: Account, command: ReturnedLetter, ctx: DecisionContext) -> Decision:
    """Handle a returned letter: the second half did not reach the citizen."""
    if _carrying(account, str(command.delivery_id)) is None:
        return Decision()
    return _undeliverable(account, "letter_returned", ctx)


def address_unsuitable(account: Account, command: UnsuitableAddress, ctx: DecisionContext) -> Decision:
    """Record that the registered PEC is ordinary mail, if that is where a half went; it is preferred no more.

    A half keeps where it went. What was sent to another address, such as a link that a stranger asked for
    (R19), says nothing about the registered one, nor does one that was replaced since (R12).
    """
    delivery_id = str(command.delivery_id)
    pin, registered = _carrying(account, delivery_id), account.contacts.pec
    to = next((half.pec for half in pin.halves if delivery_id in half.deliveries), None) if pin else None
    if not (to and registered and same_contact("pec", to, registered)):
        return Decision()
    return _unsuitable(account, "pec", to, command.delivery_id, "ordinary_mail", ctx)


def _unsuitable(  # noqa: PLR0913, PLR0917 - a contact, and how it is known
    account: Account,
    kind: Unsuitable,
    value: str | None,
    delivery_id: UUID,
    reason: str,
    ctx: DecisionContext,
) -> Decision:
    if value is None or is_unsuitable(account, kind, value):
        return Decision()
    facts = {"kind": kind, "delivery_id": str(delivery_id), "reason": reason}
    return Decision(
        account=with_unsuitable(account, kind, value, reason, ctx),
        entries=(LedgerEntry("contacts.unsuitable", facts),),
    )


def _carrying(account: Account, delivery_id: str) -> Pin | None:
    """Return the citizen's unused PIN if this delivery carried one of its halves."""
    pin = account.pin
    if not account.live or pin is None or not pin.initial:
        return None
    return pin if any(delivery_id in half.deliveries for half in pin.halves) else None


def _without(half: Half, delivery_id: str) -> Half:
    if delivery_id not in half.deliveries:
        return half
    failed: Half = half.but(failed=(*half.failed, delivery_id))
    return failed


def _undeliverable(account: Account, cause: RevocationCause, ctx: DecisionContext) -> Decision:
    told = NOTICES.to_registered(account, "pin_revoked_undeliverable", ctx)
    return revoked(account, cause).but(deliveries=told)
