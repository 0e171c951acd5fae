"""A PIN that was lost after first access is restored (R13-R17)."""

from services.revoker.destinations import Contact, apart, named
from services.revoker.links import may_send, new_link, not_confirmed, sent, tried
from services.revoker.texts import TELLER, TEXTS
from shared.account import Account, Link, Status
from shared.contract.events import RestoreConfirmed, RestoreRequested
from shared.contract.reply import accepted
from shared.contract.revoker import RestoreConfirm, RestoreRequest
from shared.credential import NewPin, expiry, new_pin, with_pin
from shared.dates import day
from shared.decision import Decision, Delivery, Entry, Event, Moment
from shared.secret import Secret

RESTORABLE: frozenset[Status] = frozenset({"active", "restoring"})
"""Who completed first access (R17): a locked or blocked PIN can be restored, a restored one lost again."""


def request(account: Account, command: RestoreRequest, at: Moment) -> Decision:
    """Send the confirming link if all contacts given are the registered ones; the reply is the same (R14)."""
    contacts = named(command.contacts, account.contacts)
    if why := _why_not(account, contacts, at):
        return Decision(reply=accepted(), entries=(Entry("restore.refused", {"code": why}),))
    link = new_link("restore", at)
    mails = TELLER.outcome(account, "restore_link", at, **link.values(account.language))
    facts = {"delivery_id": str(mails[0].id), "expires_at": link.kept.expires_at}
    return Decision(
        reply=accepted(),
        account=sent(account, "restore", link.kept.but(contacts=contacts[:2]), at),
        entries=(Entry("restore.requested", {"halves_to": [kind for kind, _ in contacts[:2]], **facts}),),
        events=(Event(RestoreRequested()),),
        deliveries=mails,
    )


def _why_not(account: Account, contacts: tuple[Contact, ...], at: Moment) -> str | None:
    if account.status not in RESTORABLE:
        return "no_first_access"
    if not contacts:
        return "contacts_differ"
    if not apart(contacts[0], contacts[1]):
        return "one_address_for_both_halves"
    return None if may_send(account, at) else "too_many_links"


def confirm(account: Account, command: RestoreConfirm, at: Moment) -> Decision:
    """Replace the lost PIN by an initial one, which is sent in two halves to two contacts (R15)."""
    match tried(account.restore, command.token_sealed, at):
        case Link(contacts=(first, second)) if account.status in RESTORABLE and apart(first, second):
            return _restored(account, new_pin(at), (first, second), at)
        case Link():
            return not_confirmed(account, "restore", "no_link")
        case why:
            return not_confirmed(account, "restore", why)


def _restored(account: Account, new: NewPin, to: tuple[Contact, Contact], at: Moment) -> Decision:
    """Put the new PIN in the place of the lost one, which opens nothing from now on; the level is kept."""
    first = _half(account, to[0], _part("first", new.first, account), new, at)
    second = _half(account, to[1], _part("second", new.second, account), new, at)
    restored = with_pin(account, new.sent_by(first, second), status="restoring")
    carriers = {d.channel: str(d.id) for d in (*first, *second)}
    facts = {"pin_id": new.pin.id, "deliveries": carriers, "expires_at": new.expires_at}
    return Decision(
        reply=accepted(),
        account=restored,
        entries=(Entry("restore.confirmed", facts),),
        events=(Event(RestoreConfirmed()),),
        deliveries=(*first, *second),
        messages=(expiry(restored, new.pin),),
    )


def _part(name: str, half: Secret, account: Account) -> dict[str, str]:
    return {"half": half.reveal(), "part": TEXTS.word(name, account.language)}


def _half(
    account: Account, to: Contact, part: dict[str, str], new: NewPin, at: Moment
) -> tuple[Delivery, ...]:
    match to:
        case ("mobile", number):
            return TELLER.at((number,), (), account, "restore_half", at, sms=part)
        case mailbox:
            expires_on = day(new.expires_on, account.language)
            mail = {"expires_on": expires_on, **part}
            return TELLER.at((), (mailbox,), account, "restore_half", at, mail=mail)
