"""A confirmed request becomes a PIN (R1-R8)."""

from typing import Any

from services.issuer.floods import SentToday, counted, flooded, places
from services.issuer.texts import NOTICES
from shared.contract.delivery import Post
from shared.contract.events import PinIssued, PinRequestRejected
from shared.contract.issuer import PinRequest
from shared.contract.reply import accepted
from shared.documents.address import address_lines
from shared.domain.account import Account, Contacts, Document, Holder, Recognition, Residence
from shared.domain.credential import NewPin, expiry, new_pin, with_pin
from shared.domain.decision import ContextWith, Decision, DecisionContext, Delivery, Event, LedgerEntry
from shared.domain.istanze import released
from shared.domain.recognition import recognised
from shared.italy.dates import day, day_of
from shared.italy.names import given, greeted

_KEPT = tuple(Holder.model_fields.keys() - {"residence"})


def request(account: Account, command: PinRequest, ctx: ContextWith[SentToday]) -> Decision:
    """Issue a PIN, or nothing while one is live (R7). The reply is the same.

    Nothing is issued for a citizen who has died, nor to an address that had too many first halves today,
    for any citizens.
    """
    if account.deceased_on:
        return _rejected("deceased")
    if account.live:
        return _second_request(account, ctx)
    registered = _registered(account, command, ctx)
    to = counted(registered)
    if flooded(to, ctx):
        return _rejected("address_flooded")
    return _issue(registered, new_pin(ctx), places(to, ctx), ctx)


def _rejected(code: str) -> Decision:
    """Issue nothing; ledger and event state the reason, the reply does not."""
    return Decision(
        reply=accepted(),
        entries=(LedgerEntry("pin.request_rejected", {"code": code}),),
        events=(Event(PinRequestRejected(code=code)),),
    )


def _second_request(account: Account, ctx: ContextWith[SentToday]) -> Decision:
    refused = _rejected("pin_exists")
    told_at, to = account.told_pin_exists_at, counted(account)
    if (told_at and ctx.now - told_at < ctx.policy.notice_interval) or flooded(to, ctx):
        return refused
    return refused.but(
        account=account.but(told_pin_exists_at=ctx.now),
        deliveries=NOTICES.to_registered(account, "pin_exists", ctx),
        sent_to=places(to, ctx),
    )


def _registered(account: Account, command: PinRequest, ctx: DecisionContext) -> Account:
    """Store the confirmed data in the account (R1); an operator's recognition makes it dispositivo (R8)."""
    recognition, contacts = _recognition(command, ctx), Contacts(**command.contacts.__dict__)
    replaced = account.contacts != Contacts() and account.contacts != contacts
    return recognised(
        account,
        recognition,
        holder=_holder(command),
        contacts=contacts,
        cooling_contacts=(),
        contacts_changed_at=ctx.now if replaced else account.contacts_changed_at,
        level="dispositivo" if recognition else "online",
    )


def _recognition(command: PinRequest, ctx: DecisionContext) -> Recognition | None:
    vouched = command.recognition
    if vouched is None:
        return None
    return Recognition(
        kind=vouched.kind,
        at=ctx.now,
        operator=vouched.operator.id,
        office=vouched.operator.office,
        document=Document(**vouched.document.__dict__),
    )


def _holder(command: PinRequest) -> Holder:
    told = command.__dict__
    return Holder(**{name: told[name] for name in _KEPT}, residence=Residence(**command.residence.__dict__))


def _issue(account: Account, new: NewPin, to: tuple[bytes, ...], ctx: DecisionContext) -> Decision:
    first, second = _first_half(account, new, ctx), _second_half(account, new, ctx)
    pin = new.sent_by(first, second)
    issued = with_pin(account, pin, status="issued")
    carriers = {d.channel: str(d.id) for d in (*first, *second)}
    facts: dict[str, Any] = {"level": issued.level, "expires_at": new.expires_at}
    issuing = Decision(
        reply=accepted(),
        account=issued,
        entries=(LedgerEntry("pin.issued", {"pin_id": pin.id, "deliveries": carriers, **facts}),),
        events=(Event(PinIssued(**facts)),),
        deliveries=(*first, *second),
        messages=(expiry(issued, pin),),
        sent_to=to,
    )
    return _with_release(issuing, issued) if issued.level == "dispositivo" else issuing


def _with_release(issuing: Decision, issued: Account) -> Decision:
    """Release istanze suspended under an earlier PIN if this one is dispositivo from the start (R8, R32)."""
    release = released(issued)
    return issuing.but(
        account=release.account,
        entries=issuing.entries + release.entries,
        events=issuing.events + release.events,
    )


def _first_half(account: Account, new: NewPin, ctx: DecisionContext) -> tuple[Delivery, ...]:
    """Return the two messages: to the mobile, and to the PEC or else the email (R5)."""
    half = new.first.reveal()
    expires_on = day(new.expires_on, account.language)
    return NOTICES.to_registered(
        account, "first_half", ctx, sms={"half": half}, mail={"half": half, "expires_on": expires_on}
    )


def _second_half(account: Account, new: NewPin, ctx: DecisionContext) -> tuple[Delivery, ...]:
    """Return the letter to the residence (R6)."""
    holder = account.holder
    if holder is None:
        raise ValueError("a PIN is issued to somebody")
    letter = Post(
        address=address_lines(given(holder.name), given(holder.surname), holder.residence.__dict__),
        name=greeted(holder.name, holder.surname),
        language=holder.language,
        half=new.second,
        expires_on=new.expires_on,
        written_on=day_of(ctx.now),
    )
    return (Delivery(ctx.delivery_id(), "post", letter),)
