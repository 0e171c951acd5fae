"""Restores a PIN lost after first access (R13-R17)."""

from services.revoker.destinations import Contact, distinct_contacts, named
from services.revoker.links import check_token, may_send, new_link, not_confirmed, with_link
from services.revoker.texts import NOTICES, TEXTS
from shared.contract.events import RestoreConfirmed, RestoreRequested
from shared.contract.reply import accepted
from shared.contract.revoker import RestoreConfirm, RestoreRequest
from shared.crypto.secret import Secret
from shared.domain.account import Account, Link, Status
from shared.domain.credential import NewPin, expiry, new_pin, with_pin
from shared.domain.decision import Decision, DecisionContext, Delivery, Event, LedgerEntry
from shared.italy.dates import day

RESTORABLE: frozenset[Status] = frozenset({"active", "restoring"})
"""After first access (R17): a locked or blocked PIN can be restored, and a restored one again."""


def request(account: Account, command: RestoreRequest, ctx: DecisionContext) -> Decision:
    """Send the confirming link if all contacts given are the registered ones; the reply is the same (R14)."""
    contacts = named(command.contacts, account.contacts)
    if why := _why_not(account, contacts, ctx):
        return Decision(reply=accepted(), entries=(LedgerEntry("restore.refused", {"code": why}),))
    link = new_link("restore", ctx)
    mails = NOTICES.outcome(account, "restore_link", ctx, **link.values(account.language))
    facts = {"delivery_id": str(mails[0].id), "expires_at": link.kept.expires_at}
    return Decision(
        reply=accepted(),
        account=with_link(account, "restore", link.kept.but(contacts=contacts[:2]), ctx),
        entries=(
            LedgerEntry("restore.requested", {"halves_to": [kind for kind, _ in contacts[:2]], **facts}),
        ),
        events=(Event(RestoreRequested()),),
        deliveries=mails,
    )


def _why_not(account: Account, contacts: tuple[Contact, ...], ctx: DecisionContext) -> str | None:
    if account.status not in RESTORABLE:
        return "no_first_access"
    if not contacts:
        return "contacts_differ"
    if not distinct_contacts(contacts[0], contacts[1]):
        return "one_address_for_both_halves"
    return None if may_send(account, ctx) else "too_many_links"


def confirm(account: Account, command: RestoreConfirm, ctx: DecisionContext) -> Decision:
    """Replace the lost PIN with an initial one, sent in two halves to two contacts (R15)."""
    match check_token(account.restore, command.token_sealed, ctx):
        case Link(contacts=(first, second)) if account.status in RESTORABLE and distinct_contacts(
            first, second
        ):
            return _restored(account, new_pin(ctx), (first, second), ctx)
        case Link():
            return not_confirmed(account, "restore", "no_link")
        case why:
            return not_confirmed(account, "restore", why)


def _restored(account: Account, new: NewPin, to: tuple[Contact, Contact], ctx: DecisionContext) -> Decision:
    """Replace the lost PIN, which is invalid from now on, with the new one; the level is kept."""
    first = _half(account, to[0], _part("first", new.first, account), new, ctx)
    second = _half(account, to[1], _part("second", new.second, account), new, ctx)
    restored = with_pin(account, new.sent_by(first, second), status="restoring")
    carriers = {d.channel: str(d.id) for d in (*first, *second)}
    facts = {"pin_id": new.pin.id, "deliveries": carriers, "expires_at": new.expires_at}
    return Decision(
        reply=accepted(),
        account=restored,
        entries=(LedgerEntry("restore.confirmed", facts),),
        events=(Event(RestoreConfirmed()),),
        deliveries=(*first, *second),
        messages=(expiry(restored, new.pin),),
    )


def _part(name: str, half: Secret, account: Account) -> dict[str, str]:
    return {"half": half.reveal(), "part": TEXTS.word(name, account.language)}


def _half(
    account: Account, to: Contact, part: dict[str, str], new: NewPin, ctx: DecisionContext
) -> tuple[Delivery, ...]:
    match to:
        case ("mobile", number):
            return NOTICES.at((number,), (), account, "restore_half", ctx, sms=part)
        case mailbox:
            expires_on = day(new.expires_on, account.language)
            mail = {"expires_on": expires_on, **part}
            return NOTICES.at((), (mailbox,), account, "restore_half", ctx, mail=mail)
