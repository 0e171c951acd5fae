"""Which contacts count for a restore (R13): a new one does only some time after it was registered.

Otherwise who holds a session changes the contacts, restores the PIN to them, and has the account for good.
Until a new contact counts, the one before it still does: who is robbed of a session restores with what was
always registered, and the robber does not have that.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Final, Literal

from shared.domain.account import Account, Contacts, CoolingContact, Status
from shared.domain.decision import DecisionContext
from shared.italy.mailboxes import same_mailbox

RESTORABLE: frozenset[Status] = frozenset({"active", "restoring"})
"""After first access contacts are changed (R12) and a PIN is restored (R17), also a locked or blocked one."""
Mailbox = tuple[Literal["pec", "email"], str]
_COUNTING: Final = ("mobile", "email", "pec")


def preferred_mailbox(account: Account) -> Mailbox | None:
    """Return the one registered mailbox that gets halves and warnings: the PEC, else the email (R5).

    An address given as PEC that is known to be none comes last.
    """
    return preferred_of(account, account.contacts.pec, account.contacts.email)


def preferred_of(account: Account, pec: str | None, email: str | None) -> Mailbox | None:
    """Return the mailbox that would get them, of two that are given."""
    if pec and not (email and is_no_pec(account, pec)):
        return "pec", pec
    return ("email", email) if email else None


def is_no_pec(account: Account, address: str) -> bool:
    """Return whether this address, however spelt, was given as PEC and is known to be ordinary mail."""
    return account.not_pec is not None and same_mailbox(account.not_pec, address)


def counting(account: Account, ctx: DecisionContext) -> Contacts:
    """Return the contacts that count for a restore: for each that cools, the one before it, if any."""
    return account.contacts.but(**{new.kind: new.former for new in _cooling(account, ctx)})


def counts_from(account: Account, ctx: DecisionContext) -> datetime | None:
    """Return the instant from which all registered contacts count; None if all do."""
    return max((new.since + ctx.policy.contacts_cooling for new in _cooling(account, ctx)), default=None)


def with_contacts(account: Account, given: Mapping[str, str], ctx: DecisionContext) -> Account:
    """Return the account with changed contacts, which cool from now on.

    One that is changed back to what counts until then, or to another address of the same mailbox, counts at
    once: it was there before, and the citizen who undoes a thief's change loses nothing.
    """
    before = counting(account, ctx)
    cooling: dict[str, CoolingContact] = {new.kind: new for new in _cooling(account, ctx)}
    for kind in _COUNTING:
        value, former = given.get(kind), getattr(before, kind)
        if value is None or value == getattr(account.contacts, kind):
            continue
        cooling.pop(kind, None)
        if ctx.policy.contacts_cooling and not same_contact(kind, value, former):
            cooling[kind] = CoolingContact(kind=kind, former=former, since=ctx.now)
    changed: Account = account.but(
        contacts=account.contacts.but(**given), cooling_contacts=tuple(cooling.values())
    )
    return changed


def undone(account: Account, proven: Mapping[str, str], ctx: DecisionContext) -> Account:
    """Return the account with the change undone, after a restore with contacts from before it.

    Args:
        account: as it is.
        proven: the contacts that the PIN was restored with; nothing is undone if they are registered.
        ctx: the context.
    """
    if all(getattr(account.contacts, kind) == value for kind, value in proven.items()):
        return account
    kept: Account = account.but(contacts=counting(account, ctx).but(**proven), cooling_contacts=())
    return kept


def count_as_before(account: Account, changed: Account, ctx: DecisionContext) -> bool:
    """Return whether the contacts that count for a restore are the same in both accounts, however spelt."""
    before, after = counting(account, ctx).known(), counting(changed, ctx).known()
    return all(
        before[kind] == after[kind] or (before[kind] and same_contact(kind, before[kind], after[kind]))
        for kind in _COUNTING
    )


def same_contact(kind: str, one: str, other: str | None) -> bool:
    """Return whether two values of a kind are the same contact; a mobile in E.164 has one spelling."""
    return one == other if kind == "mobile" or other is None else same_mailbox(one, other)


def _cooling(account: Account, ctx: DecisionContext) -> tuple[CoolingContact, ...]:
    return tuple(new for new in account.cooling_contacts if ctx.now - new.since < ctx.policy.contacts_cooling)
