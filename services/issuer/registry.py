"""Data of a citizen beside the PIN: contacts (R12), the health card (R19), and a death."""

from datetime import date

from services.issuer.texts import NOTICES, TEXTS
from shared.contract.events import ContactsUpdated
from shared.contract.issuer import ContactsUpdate, RegistryUpdate
from shared.contract.reply import accepted, rejected
from shared.domain.account import Account, Contacts, HealthCard
from shared.domain.decision import Decision, DecisionContext, Delivery, Event, LedgerEntry
from shared.domain.revocation import revoked


def registry_update(account: Account, command: RegistryUpdate, _: DecisionContext) -> Decision:
    """Store the health card that a revocation is checked against, or a death; a PIN need not exist.

    A death ends a live PIN and its open requests. No notification is sent, now or later: messages due later
    find nothing open. Suspended istanze stay on record and are never released, as no PIN can become
    dispositivo any more.
    """
    told = account.but(health_card=_card(account, command), deceased_on=_deceased_on(account, command))
    if told == account:
        return Decision(reply=accepted())
    updated = Decision(reply=accepted(), account=told, entries=_updated(account, told))
    if told.deceased_on is None or not told.live:
        return updated
    ending = revoked(told, "deceased")
    return ending.but(reply=accepted(), entries=(*updated.entries, *ending.entries))


def _card(account: Account, command: RegistryUpdate) -> HealthCard | None:
    told = command.health_card
    return HealthCard(number=told.number, expires_on=told.expires_on) if told else account.health_card


def _deceased_on(account: Account, command: RegistryUpdate) -> date | None:
    return None if command.takes_back else command.deceased_on or account.deceased_on


def _updated(before: Account, after: Account) -> tuple[LedgerEntry, ...]:
    """Name the changed fields, never their values: card and dates are personal data."""
    card = (LedgerEntry("registry.updated"),) if before.health_card != after.health_card else ()
    if before.deceased_on == after.deceased_on:
        return card
    return (*card, LedgerEntry("death.recorded" if after.deceased_on else "death.taken_back"))


def contacts_update(account: Account, command: ContactsUpdate, ctx: DecisionContext) -> Decision:
    """Add or change contacts after first access (R12); a restore under way ends."""
    if account.status not in {"active", "restoring"}:
        return Decision(reply=rejected("no_active_pin"))
    given = {kind: value for kind, value in command.contacts if value is not None}
    changed = [kind for kind, value in given.items() if getattr(account.contacts, kind) != value]
    if not changed:
        return Decision(reply=accepted())
    updated = _without_restore(account).but(contacts=account.contacts.but(**given))
    return Decision(
        reply=accepted(),
        account=updated,
        entries=(LedgerEntry("contacts.updated", {"changed": changed}), *_ended(account)),
        events=(Event(ContactsUpdated()),),
        deliveries=_tell(account, updated.contacts, changed, ctx),
    )


def _without_restore(account: Account) -> Account:
    """End a restore: its link is invalid, and halves sent to the old contacts make no PIN."""
    pin = None if account.status == "restoring" else account.pin
    ended: Account = account.but(restore=None, pin=pin)
    return ended


def _ended(account: Account) -> tuple[LedgerEntry, ...]:
    under_way = account.restore is not None or account.status == "restoring"
    return (LedgerEntry("restore.ended", {"cause": "contacts_changed"}),) if under_way else ()


def _tell(
    account: Account, contacts: Contacts, changed: list[str], ctx: DecisionContext
) -> tuple[Delivery, ...]:
    """Notify the change at the old and at the new contacts."""
    words = ", ".join(TEXTS.word(kind, account.language) for kind in changed)
    both = (account.contacts, contacts)
    told = NOTICES.to_all(both, account, "contacts_changed", ctx, mail={"changed": words})
    if not _ended(account):
        return told
    return told + NOTICES.to_all(both, account, "restore_ended", ctx)
