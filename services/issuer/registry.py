"""Data of a citizen beside the PIN: contacts (R12), the health card (R19), and a death."""

from datetime import date, datetime
from typing import Any

from services.issuer.texts import NOTICES, TEXTS
from shared.contract.events import ContactsUpdated
from shared.contract.issuer import ContactsUpdate, RegistryUpdate
from shared.contract.reply import accepted, rejected
from shared.domain.account import Account, Contacts, HealthCard
from shared.domain.contacts import RESTORABLE, count_as_before, counting, counts_from, with_contacts
from shared.domain.decision import Decision, DecisionContext, Delivery, Event, LedgerEntry
from shared.domain.revocation import revoked
from shared.italy.dates import instant

Places = tuple[Contacts, ...]


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
    """Add or change contacts after first access (R12); for a restore they count only after some time (R13).

    A restore under way ends if it is with contacts that no longer count. That is never at once, unless new
    ones need no time: else a session would be enough to end any restore by its rightful owner.
    """
    if account.status not in RESTORABLE:
        return Decision(reply=rejected("no_active_pin"))
    given = {kind: value for kind, value in command.contacts if value is not None}
    changed = [kind for kind, value in given.items() if getattr(account.contacts, kind) != value]
    if not changed:
        return Decision(reply=accepted())
    updated = with_contacts(account, given, ctx)
    data: dict[str, Any] = {"changed": changed}
    if until := counts_from(updated, ctx):
        data["counts_from"] = until
    places = (counting(account, ctx), account.contacts, updated.contacts)
    decision = Decision(
        reply=accepted(),
        account=updated,
        entries=(LedgerEntry("contacts.updated", data),),
        events=(Event(ContactsUpdated()),),
        deliveries=_notices(updated, places, changed, until, ctx),
    )
    return _with_restore_ended(decision, account, updated, places, ctx)


def _with_restore_ended(
    decision: Decision, account: Account, updated: Account, places: Places, ctx: DecisionContext
) -> Decision:
    """End a restore with contacts that no longer count: its link is invalid, and its halves make no PIN."""
    under_way = account.restore is not None or account.status == "restoring"
    if not under_way or count_as_before(account, updated, ctx):
        return decision
    pin = None if account.status == "restoring" else account.pin
    return decision.but(
        account=updated.but(restore=None, pin=pin),
        entries=(*decision.entries, LedgerEntry("restore.ended", {"cause": "contacts_changed"})),
        deliveries=decision.deliveries + NOTICES.to_all(places, account, "restore_ended", ctx),
    )


def _notices(
    account: Account, places: Places, changed: list[str], until: datetime | None, ctx: DecisionContext
) -> tuple[Delivery, ...]:
    """Notify the change at every contact, old and new, and until when the old ones count for a restore."""
    words = ", ".join(TEXTS.word(kind, account.language) for kind in changed)
    if until is None:
        return NOTICES.to_all(places, account, "contacts_changed", ctx, mail={"changed": words})
    date = {"until": instant(until, account.language)}
    return NOTICES.to_all(places, account, "contacts_cooling", ctx, sms=date, mail={"changed": words, **date})
