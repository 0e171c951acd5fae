"""Which contacts can receive by their channel: a land line, or a PEC address of ordinary mail, is tried once.

The provider's answer names a delivery, and the account has no list of them: a contact is marked only where it
is certain that the delivery went to it. In doubt the next delivery is tried, and tells again.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final, Literal
from uuid import UUID

from shared.domain.account import Account, Contacts, UnsuitableContact
from shared.domain.decision import DecisionContext
from shared.italy.mailboxes import same_mailbox

Unsuitable = Literal["mobile", "pec"]
REASONS: Final[Mapping[str, Unsuitable]] = {"sms_landline": "mobile"}
"""Reasons of a failed delivery that say its contact can never receive by its channel: the contact's kind."""

_WITH_TIME = 7
"""The version of a UUID that begins with the time."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def reachable(account: Account, contacts: Contacts | None = None) -> Contacts:
    """Return those contacts that can receive, by default of the registered ones.

    An address that is no PEC still receives ordinary mail: it takes the email's place where there is none.
    """
    found = account.contacts if contacts is None else contacts
    for one in account.unsuitable:
        if not _same(one.kind, getattr(found, one.kind), one.value):
            continue
        if one.kind == "mobile":
            found = found.but(mobile=None)
        else:
            found = found.but(pec=None, email=found.email or one.value)
    return found


def _same(kind: str, given: str | None, known: str) -> bool:
    return given is not None and (same_mailbox(given, known) if kind == "pec" else given == known)


def with_unsuitable(
    account: Account, kind: Unsuitable, delivery_id: UUID, reason: str, ctx: DecisionContext
) -> Account:
    """Return the account with its contact of a kind marked: it cannot receive by its channel.

    Args:
        account: the citizen's; returned as it is if the delivery may have gone to another contact.
        kind: of the contact.
        delivery_id: of the delivery that showed it.
        reason: a stable word.
        ctx: the context.
    """
    value = getattr(account.contacts, kind)
    if value is None or not _went_to_registered(account, kind, delivery_id, ctx):
        return account
    if any((one.kind, one.value) == (kind, value) for one in account.unsuitable):
        return account
    others = tuple(one for one in account.unsuitable if one.kind != kind)
    new = UnsuitableContact(kind=kind, value=value, reason=reason, since=ctx.now)
    marked: Account = account.but(unsuitable=(*others, new))
    return marked


def _went_to_registered(account: Account, kind: Unsuitable, delivery_id: UUID, ctx: DecisionContext) -> bool:
    """Return whether a delivery by a kind's channel surely went to the contact that is registered now.

    A half went to one registered when its PIN was made. Of other messages some go to a former contact as
    well: when it is changed, and as long as the new one cools.
    """
    changed_at, pin = account.contacts_changed_at, account.pin
    if pin and any(str(delivery_id) in half.deliveries for half in pin.halves):
        return changed_at is None or changed_at <= pin.issued_at
    made_at = _made_at(delivery_id)
    if made_at is None or (changed_at and made_at <= changed_at):
        return False
    return all(
        new.kind != kind or made_at - new.since >= ctx.policy.contacts_cooling
        for new in account.cooling_contacts
    )


def _made_at(delivery_id: UUID) -> datetime | None:
    """Return when a delivery was decided, by its id; ids of earlier releases have no time in them."""
    if delivery_id.version != _WITH_TIME:
        return None
    return _EPOCH + timedelta(milliseconds=delivery_id.int >> 80)
