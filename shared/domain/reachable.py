"""Which contacts can receive by their channel: a land line gets no SMS, ordinary mail is no PEC.

The provider's answer names a delivery. A contact is marked only where it is certain that the delivery went to
it; in doubt the next delivery is tried, and tells again. It is marked by its value: another number or address
in its place is tried.
"""

from typing import Final, Literal
from uuid import UUID

from shared.domain.account import Account, Contacts, UnsuitableContact
from shared.domain.contacts import same_contact
from shared.domain.decision import DecisionContext, made_at

Unsuitable = Literal["mobile", "pec"]
NO_MOBILE: Final = frozenset({"sms_landline"})
"""Reasons of a failed delivery that say that its number will never receive an SMS."""


def reachable(account: Account, contacts: Contacts | None = None) -> Contacts:
    """Return those contacts that can receive, by default of the registered ones.

    An address that is no PEC gets nothing while there is an email; without one it is better than none.
    """
    found = account.contacts if contacts is None else contacts
    for one in account.unsuitable:
        value = getattr(found, one.kind)
        if value is not None and same_contact(one.kind, one.value, value):
            found = found.but(mobile=None) if one.kind == "mobile" else _without_pec(found)
    return found


def _without_pec(contacts: Contacts) -> Contacts:
    return contacts.but(pec=None) if contacts.email else contacts


def is_unsuitable(account: Account, kind: Unsuitable, value: str) -> bool:
    """Return whether this contact, however spelt, is known to be unable to receive by its channel."""
    return any(one.kind == kind and same_contact(kind, one.value, value) for one in account.unsuitable)


def with_unsuitable(
    account: Account, kind: Unsuitable, value: str, reason: str, ctx: DecisionContext
) -> Account:
    """Return the account with a contact marked, the latest of its kind: it cannot receive by its channel."""
    others = tuple(one for one in account.unsuitable if one.kind != kind)
    new = UnsuitableContact(kind=kind, value=value, reason=reason, since=ctx.now)
    marked: Account = account.but(unsuitable=(*others, new))
    return marked


def mobile_of(account: Account, delivery_id: UUID, ctx: DecisionContext) -> str | None:
    """Return the registered mobile if an SMS certainly went to it, else None.

    A half went to one registered when its PIN was made. Of other messages some go to a former number as well:
    when it is changed, and as long as the new one cools.
    """
    changed_at, pin = account.contacts_changed_at, account.pin
    if pin and any(str(delivery_id) in half.deliveries for half in pin.halves):
        certain = changed_at is None or changed_at <= pin.issued_at
    else:
        made = made_at(delivery_id)
        certain = (
            made is not None
            and (changed_at is None or made > changed_at)
            and not any(
                new.kind == "mobile" and made - new.since < ctx.policy.contacts_cooling
                for new in account.cooling_contacts
            )
        )
    return account.contacts.mobile if certain else None
