"""A PIN is ended: by the citizen with the health card (R18-R20), or by the contact centre (R21)."""

from dataclasses import replace

from services.revoker.links import may_send, new_link, not_confirmed, sent, tried
from services.revoker.texts import TELLER, TEXTS
from shared.account import Account, Contacts, HealthCard, Link, OperatorRevocation
from shared.contract.events import RevokeRequested
from shared.contract.reply import accepted, rejected
from shared.contract.revoker import RevokeByContactCentre, RevokeConfirm, RevokeRequest
from shared.decision import Decision, Entry, Event, Moment
from shared.revocation import revoked
from shared.telling import Mailbox, by_mail


def request(account: Account, command: RevokeRequest, at: Moment) -> Decision:
    """Send the confirming link to the address given, and warn the registered contacts; the reply is the same.

    The card is compared with the registry's (R19); whether it has expired since does not matter.
    """
    given = HealthCard(number=command.health_card.number, expires_on=command.health_card.expires_on)
    if why := _why_not(account, given, at):
        return Decision(reply=accepted(), entries=(Entry("revoke.refused", {"code": why}),))
    address, link, language = _address(command), new_link("revoke", at), account.language
    mail = by_mail(at, address, TEXTS.mail("revoke_link", language, **link.values(language)), language)
    facts = {"delivery_id": str(mail.id), "channel": mail.channel, "expires_at": link.kept.expires_at}
    return Decision(
        reply=accepted(),
        account=sent(account, "revoke", link.kept.but(address=address), at),
        entries=(Entry("revoke.requested", facts),),
        events=(Event(RevokeRequested()),),
        deliveries=(mail, *TELLER.at_all((account.contacts,), account, "revoke_warning", at)),
    )


def _why_not(account: Account, given: HealthCard, at: Moment) -> str | None:
    if not account.live:
        return "no_live_pin"
    if account.health_card is None:
        return "no_health_card_known"
    if account.health_card != given:
        return "health_card_differs"
    return None if may_send(account, at) else "too_many_links"


def _address(command: RevokeRequest) -> Mailbox:
    if command.pec:
        return "pec", command.pec
    if command.email:
        return "email", command.email
    raise ValueError("the contract lets no request pass without an address")


def confirm(account: Account, command: RevokeConfirm, at: Moment) -> Decision:
    """Annul the PIN (R20): the citizen is told at the registered contacts and at the link's address."""
    match tried(account.revocation, command.token_sealed, at):
        case Link() as link if account.live:
            return revoked(account, "citizen").but(
                reply=accepted(),
                deliveries=TELLER.at_all((account.contacts, _as_contacts(link)), account, "pin_revoked", at),
            )
        case Link():
            return not_confirmed(account, "revoke", "no_link")
        case why:
            return not_confirmed(account, "revoke", why)


def _as_contacts(link: Link) -> Contacts:
    return Contacts() if link.address is None else Contacts(**dict([link.address]))


def by_contact_centre(account: Account, command: RevokeByContactCentre, at: Moment) -> Decision:
    """Annul the PIN of who phoned (R21): operator and office are in the entry, the reason in the account."""
    actor, office = f"operator:{command.operator.id}", command.operator.office
    if not account.live:
        refused = Entry("revoke.refused", {"code": "no_live_pin", "office": office}, actor=actor)
        return Decision(reply=rejected("no_live_pin"), entries=(refused,))
    record = OperatorRevocation(at=at.now, operator=command.operator.id, office=office, reason=command.reason)
    noted = account.but(revoked_by_operators=(*account.revoked_by_operators, record))
    ending = revoked(noted, "contact_centre", office=office)
    return ending.but(
        reply=accepted(),
        entries=tuple(replace(entry, actor=actor) for entry in ending.entries),
        deliveries=TELLER.at_all((account.contacts,), account, "pin_revoked", at),
    )
