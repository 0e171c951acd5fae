"""What is kept about a citizen beside the PIN: contacts (R12) and the health card (R19)."""

from services.issuer.texts import TELLER, TEXTS
from shared.account import Account, Contacts, HealthCard
from shared.contract.issuer import ContactsUpdate, RegistryUpdate
from shared.contract.reply import accepted, rejected
from shared.decision import Decision, Delivery, Entry, Event, Moment, decides


@decides(RegistryUpdate)
def registry_update(account: Account, command: RegistryUpdate, _: Moment) -> Decision:
    """Keep the health card that a revocation is compared with; the citizen may not have a PIN yet."""
    card = HealthCard(number=command.health_card.number, expires_on=command.health_card.expires_on)
    if account.health_card == card:
        return Decision(reply=accepted())
    return Decision(
        reply=accepted(),
        account=account.but(health_card=card),
        entries=(Entry("registry.updated"),),
    )


@decides(ContactsUpdate)
def contacts_update(account: Account, command: ContactsUpdate, at: Moment) -> Decision:
    """Add or change contacts after first access (R12); a restore that is under way ends."""
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
        entries=(Entry("contacts.updated", {"changed": changed}), *_ended(account)),
        events=(Event("contacts.updated"),),
        deliveries=_tell(account, updated.contacts, changed, at),
    )


def _without_restore(account: Account) -> Account:
    """End a restore: the link opens nothing, and halves that went to the old contacts make no PIN."""
    pin = None if account.status == "restoring" else account.pin
    ended: Account = account.but(restore=None, pin=pin)
    return ended


def _ended(account: Account) -> tuple[Entry, ...]:
    under_way = account.restore is not None or account.status == "restoring"
    return (Entry("restore.ended", {"cause": "contacts_changed"}),) if under_way else ()


def _tell(account: Account, contacts: Contacts, changed: list[str], at: Moment) -> tuple[Delivery, ...]:
    """Tell of the change at the old contacts and at the new ones."""
    words = ", ".join(TEXTS.word(kind, account.language) for kind in changed)
    both = (account.contacts, contacts)
    told = TELLER.at_all(both, account, "contacts_changed", at, mail={"changed": words})
    if not _ended(account):
        return told
    return told + TELLER.at_all(both, account, "restore_ended", at)
