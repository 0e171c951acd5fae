"""Ends of an initial PIN: expiry, halves that cannot be delivered, and addresses that cannot receive."""

from uuid import UUID

from services.issuer.texts import NOTICES
from shared.contract.events import PinExpired, RevocationCause
from shared.contract.internal import Expire, FailedDelivery, ReturnedLetter, UnsuitableAddress
from shared.domain.account import Account, Half, Pin
from shared.domain.credential import ended_at, expiry, without_pin
from shared.domain.decision import Decision, DecisionContext, Event, LedgerEntry
from shared.domain.reachable import REASONS, Unsuitable, with_unsuitable
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
    marking = contact_unsuitable(
        account, REASONS.get(command.reason), command.delivery_id, command.reason, ctx
    )
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


def address_unsuitable(account: Account, command: UnsuitableAddress, ctx: DecisionContext) -> Decision:
    """Mark a registered PEC that is ordinary mail; it is preferred no more (R5)."""
    return contact_unsuitable(account, "pec", command.delivery_id, "pec_ordinary_mail", ctx)


def contact_unsuitable(
    account: Account, kind: Unsuitable | None, delivery_id: UUID, reason: str, ctx: DecisionContext
) -> Decision:
    """Mark the registered contact of a kind that this delivery went to; none if there is no kind to mark."""
    marked = with_unsuitable(account, kind, delivery_id, reason, ctx) if kind else account
    if kind is None or marked is account:
        return Decision()
    facts = {"kind": kind, "delivery_id": str(delivery_id), "reason": reason}
    return Decision(account=marked, entries=(LedgerEntry("contacts.unsuitable", facts),))


def letter_returned(account: Account, command: ReturnedLetter, ctx: DecisionContext) -> Decision:
    """Handle a returned letter: the second half did not reach the citizen."""
    if _carrying(account, str(command.delivery_id)) is None:
        return Decision()
    return _undeliverable(account, "letter_returned", ctx)


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
