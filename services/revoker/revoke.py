"""Revokes a PIN: for the citizen with the health card (R18-R20), or by the contact centre (R21)."""

from services.revoker import health_cards
from services.revoker.links import check_token, may_send, new_link, not_confirmed, refused, with_link
from services.revoker.texts import NOTICES, TEXTS
from shared.contract.events import RevokeRequested
from shared.contract.reply import accepted, rejected
from shared.contract.revoker import RevokeByContactCentre, RevokeConfirm, RevokeRequest
from shared.domain.account import Account, Contacts, HealthCard, Link, OperatorRevocation
from shared.domain.contacts import Mailbox, counting
from shared.domain.decision import Decision, DecisionContext, Event, LedgerEntry
from shared.domain.notices import by_mail
from shared.domain.revocation import revoked


def request(account: Account, command: RevokeRequest, ctx: DecisionContext) -> Decision:
    """Send the confirming link to the address given, and warn the registered contacts; the reply is the same.

    The card is compared with the registry's (R19); whether it has expired since does not matter. Wrong ones
    are counted, and lock it for a time.
    """
    given = HealthCard(number=command.health_card.number, expires_on=command.health_card.expires_on)
    match _why_not(account, given, ctx):
        case "health_card_differs" as why:
            more, lock = health_cards.counted(account, ctx)
            return refused(account, "revoke", why, *lock).but(account=more)
        case "health_card_locked" as why:
            # As a log-in while the PIN is locked: no entry, or a stranger could fill the ledger.
            return Decision(reply=accepted(), reason=why)
        case str(why):
            return refused(account, "revoke", why)
    address, link, language = _address(command), new_link("revoke", ctx), account.language
    mail = by_mail(ctx, address, TEXTS.mail("revoke_link", language, **link.values(language)), language)
    facts = {"delivery_id": str(mail.id), "channel": mail.channel, "expires_at": link.kept.expires_at}
    return Decision(
        reply=accepted(),
        account=with_link(
            account.but(card_attempts=account.card_attempts.cleared()),
            "revoke",
            link.kept.but(address=address),
            ctx,
        ),
        entries=(LedgerEntry("revoke.requested", facts),),
        events=(Event(RevokeRequested()),),
        deliveries=(mail, *NOTICES.to_all(_registered(account, ctx), account, "revoke_warning", ctx)),
    )


def _why_not(account: Account, given: HealthCard, ctx: DecisionContext) -> str | None:
    if not account.live:
        return "no_live_pin"
    if account.health_card is None:
        return "no_health_card_known"
    if health_cards.locked(account, ctx):
        return "health_card_locked"
    if account.health_card != given:
        return "health_card_differs"
    return None if may_send(account, ctx) else "too_many_links"


def _address(command: RevokeRequest) -> Mailbox:
    if command.pec:
        return "pec", command.pec
    if command.email:
        return "email", command.email
    raise ValueError("the contract lets no request pass without an address")


def confirm(account: Account, command: RevokeConfirm, ctx: DecisionContext) -> Decision:
    """Annul the PIN (R20): the citizen is notified at the registered contacts and at the link's address."""
    match check_token(account.revocation, command.token_sealed, ctx):
        case Link() as link if account.live:
            return revoked(account, "citizen").but(
                reply=accepted(),
                deliveries=NOTICES.to_all(
                    (*_registered(account, ctx), _as_contacts(link)), account, "pin_revoked", ctx
                ),
            )
        case Link():
            return not_confirmed(account, "revoke", "no_link")
        case why:
            return not_confirmed(account, "revoke", why)


def _registered(account: Account, ctx: DecisionContext) -> tuple[Contacts, ...]:
    """Return the registered contacts, and those that still count in the place of new ones: both are told."""
    return account.contacts, counting(account, ctx)


def _as_contacts(link: Link) -> Contacts:
    return Contacts() if link.address is None else Contacts(**dict([link.address]))


def by_contact_centre(account: Account, command: RevokeByContactCentre, ctx: DecisionContext) -> Decision:
    """Annul the PIN of a caller (R21): operator and office are in the entry, the reason in the account."""
    operator = command.operator
    if not account.live:
        entry = LedgerEntry("revoke.refused", {"code": "no_live_pin"})
        return Decision(reply=rejected("no_live_pin"), entries=(entry,))
    record = OperatorRevocation(
        at=ctx.now, operator=operator.id, office=operator.office, reason=command.reason
    )
    noted = account.but(revoked_by_operators=(*account.revoked_by_operators, record))
    return revoked(noted, "contact_centre").but(
        reply=accepted(),
        deliveries=NOTICES.to_all(_registered(account, ctx), account, "pin_revoked", ctx),
    )
