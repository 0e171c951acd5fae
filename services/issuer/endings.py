"""Ends of an initial PIN: expiry, halves that cannot be delivered, and addresses that cannot receive."""

from services.issuer.texts import NOTICES
from shared.contract.events import PinExpired, RevocationCause
from shared.contract.internal import Expire, FailedDelivery, ReturnedLetter, UnsuitableAddress
from shared.domain.account import Account, Half, Pin
from shared.domain.contacts import is_no_pec
from shared.domain.credential import ended_at, expiry, without_pin
from shared.domain.decision import Decision, DecisionContext, Event, LedgerEntry
from shared.domain.revocation import revoked
from shared.italy.mailboxes import same_mailbox


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
    """Record that one channel of a half failed; if it was the last one, revoke the PIN."""
    delivery_id = str(command.delivery_id)
    pin = _carrying(account, delivery_id)
    if pin is None or any(delivery_id in half.failed for half in pin.halves):
        return Decision()
    halves = tuple(_without(half, delivery_id) for half in pin.halves)
    if any(half.lost for half in halves):
        return _undeliverable(account, "undeliverable", ctx)
    return Decision(
        account=account.but(pin=pin.but(halves=halves)),
        entries=(LedgerEntry("half.channel_failed", {"delivery_id": delivery_id}),),
    )


def letter_returned(account: Account, command: ReturnedLetter, ctx: DecisionContext) -> Decision:
    """Handle a returned letter: the second half did not reach the citizen."""
    if _carrying(account, str(command.delivery_id)) is None:
        return Decision()
    return _undeliverable(account, "letter_returned", ctx)


def address_unsuitable(account: Account, command: UnsuitableAddress, _: DecisionContext) -> Decision:
    """Record that the registered PEC is ordinary mail, if that is where a half went; it is preferred no more.

    A half keeps where it went. What was sent to another address, such as a link that a stranger asked for
    (R19), says nothing about the registered one, nor does one that was replaced since (R12).
    """
    delivery_id = str(command.delivery_id)
    pin, registered = _carrying(account, delivery_id), account.contacts.pec
    to = next((half.pec for half in pin.halves if delivery_id in half.deliveries), None) if pin else None
    if not (to and registered and same_mailbox(to, registered)) or is_no_pec(account, to):
        return Decision()
    return Decision(
        account=account.but(not_pec=to),
        entries=(LedgerEntry("contacts.unsuitable", {"kind": "pec", "delivery_id": delivery_id}),),
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
