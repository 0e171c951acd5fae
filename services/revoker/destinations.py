"""The registered contacts that a citizen named, and those that get the halves of the new PIN (R13, R15)."""

from typing import Final, Literal

from shared.contract.parts import RestoreContacts
from shared.domain.account import Account, Contacts
from shared.domain.contacts import same_contact
from shared.domain.reachable import is_unsuitable
from shared.italy.mailboxes import same_mailbox

Contact = tuple[Literal["mobile", "pec", "email"], str]

_ORDER: Final = ("mobile", "pec", "email")
"""Half 1 goes to the first of these that is named, half 2 to the next.

If all three are named, the halves go to the mobile and the PEC, the safer of the two mailboxes.
"""


def named(given: RestoreContacts, kept: Contacts) -> tuple[Contact, ...]:
    """Return the contacts given, as kept and in the order of the halves; empty unless all match."""
    found: list[Contact] = []
    for kind in _ORDER:
        typed, registered = getattr(given, kind), getattr(kept, kind)
        if typed is None:
            continue
        if registered is None or not same_contact(kind, typed, registered):
            return ()
        found.append((kind, registered))
    return tuple(found)


def receiving(account: Account, contacts: tuple[Contact, ...]) -> tuple[Contact, ...]:
    """Return those of some contacts that can receive a half: no number that is known to be a land line.

    A PEC that is ordinary mail receives, and is used if the citizen names no other.
    """
    able = [(kind, to) for kind, to in contacts if kind != "mobile" or not is_unsuitable(account, kind, to)]
    return tuple(sorted(able, key=lambda one: one[0] == "pec" and is_unsuitable(account, "pec", one[1])))


def distinct_contacts(first: Contact, second: Contact) -> bool:
    """Return whether two contacts are distinct: no mailbox may get both halves, even by two addresses."""
    return "mobile" in {first[0], second[0]} or not same_mailbox(first[1], second[1])
