"""Restores a PIN lost after first access (R13-R17)."""

from services.revoker.destinations import Contact, distinct_contacts, named, receiving
from services.revoker.links import check_token, may_send, new_link, not_confirmed, refused, with_link
from services.revoker.texts import NOTICES, TEXTS
from shared.contract.events import ContactsUpdated, RestoreConfirmed, RestoreRequested
from shared.contract.reply import accepted
from shared.contract.revoker import RestoreConfirm, RestoreRequest
from shared.crypto.secret import Secret
from shared.domain.account import Account, Contacts, Link
from shared.domain.contacts import RESTORABLE, counting, undone
from shared.domain.credential import NewPin, expiry, new_pin, with_pin
from shared.domain.decision import Decision, DecisionContext, Delivery, Event, LedgerEntry
from shared.domain.reachable import reachable
from shared.italy.dates import day


def request(account: Account, command: RestoreRequest, ctx: DecisionContext) -> Decision:
    """Send the confirming link if all contacts given are the registered ones; the reply is the same (R14).

    In the place of one that was changed so recently that it does not count, the one before it does (R13).
    Two of them have to be able to receive a half.
    """
    registered = counting(account, ctx)
    contacts = named(command.contacts, registered)
    if why := _why_not(account, command, contacts, ctx):
        return refused(account, "restore", why)
    contacts, mailbox = receiving(account, contacts), reachable(account, registered).mail
    link = new_link("restore", ctx)
    mails = NOTICES.at(
        (), (mailbox,) if mailbox else (), account, "restore_link", ctx, mail=link.values(account.language)
    )
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


def _why_not(
    account: Account, command: RestoreRequest, contacts: tuple[Contact, ...], ctx: DecisionContext
) -> str | None:
    if account.status not in RESTORABLE:
        return "no_first_access"
    if not contacts:
        return "contacts_cooling" if named(command.contacts, account.contacts) else "contacts_differ"
    contacts = receiving(account, contacts)
    if len(contacts) < 2:  # noqa: PLR2004 - one a half
        return "contact_unsuitable"
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
    """Replace the lost PIN, which is invalid from now on, with the new one; the level is kept.

    If it was restored with contacts from before a change, the change is undone: else who made it from
    somebody else's session could soon restore the PIN in turn.
    """
    first = _half(account, to[0], _part("first", new.first, account), new, ctx)
    second = _half(account, to[1], _part("second", new.second, account), new, ctx)
    kept = undone(account, dict(to), ctx)
    pin = new.sent_by(first, second)
    restored = with_pin(kept, pin, status="restoring")
    carriers = {d.channel: str(d.id) for d in (*first, *second)}
    facts = {"pin_id": pin.id, "deliveries": carriers, "expires_at": new.expires_at}
    restoring = Decision(
        reply=accepted(),
        account=restored,
        entries=(LedgerEntry("restore.confirmed", facts),),
        events=(Event(RestoreConfirmed()),),
        deliveries=(*first, *second),
        messages=(expiry(restored, pin),),
    )
    return restoring if kept is account else _with_contacts_undone(restoring, account, kept.contacts, ctx)


def _with_contacts_undone(
    restoring: Decision, account: Account, kept: Contacts, ctx: DecisionContext
) -> Decision:
    """Record that a change of contacts was undone, and say so at the contacts that are dropped."""
    dropped = {
        kind: value for kind, value in account.contacts.known().items() if getattr(kept, kind) != value
    }
    told = NOTICES.to_all((Contacts(**dropped),), account, "contacts_undone", ctx)
    undoing = LedgerEntry("contacts.updated", {"changed": list(dropped), "cause": "restore"})
    return restoring.but(
        entries=(*restoring.entries, undoing),
        events=(*restoring.events, Event(ContactsUpdated())),
        deliveries=(*restoring.deliveries, *told),
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
