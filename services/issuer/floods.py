"""Limits the messages that requests in other people's names can send to one phone or mailbox.

Anybody can request a PIN in any name, with any address. So the messages that such a request causes, the first
half (R5) or the notice that a PIN exists (R7), are counted per address and day, over all citizens.
"""

from collections.abc import Iterator, Mapping

from shared.contract.issuer import PinRequest
from shared.domain.account import Account, Contacts
from shared.domain.decision import ContextWith, DecisionContext
from shared.domain.reachable import reachable
from shared.italy.mailboxes import mailbox_of

SentToday = Mapping[bytes, int]
"""How many messages went to each address today (Italian time), as of the last decision."""


def addresses(account: Account, command: PinRequest) -> Iterator[str]:
    """Yield the addresses that a request may send to: the contacts given, or those registered."""
    yield from _reached(command.contacts.mobile, command.contacts.pec or command.contacts.email)
    if account.live:
        yield from _reached(account.contacts.mobile, account.contacts.pec or account.contacts.email)
    if account.unsuitable:  # then others may take the place of those
        yield from _counted(reachable(account, Contacts(**command.contacts.__dict__)))
        yield from _counted(reachable(account))


def places(contacts: Contacts, ctx: DecisionContext) -> tuple[bytes, ...]:
    """Return the digests of all addresses of these contacts, as they are counted."""
    return tuple(map(ctx.pepper.place, _counted(contacts)))


def flooded(contacts: Contacts, at: ContextWith[SentToday]) -> bool:
    """Return whether one of these contacts has reached its limit of messages today, under any pepper."""
    return any(
        sum(at.known.get(place, 0) for place in at.pepper.places(address)) >= at.policy.first_halves_a_day
        for address in _counted(contacts)
    )


def _counted(contacts: Contacts) -> Iterator[str]:
    mailbox = contacts.mailbox
    return _reached(contacts.mobile, mailbox[1] if mailbox else None)


def _reached(mobile: str | None, mailbox: str | None) -> Iterator[str]:
    if mobile:
        yield mobile
    if mailbox:
        yield mailbox_of(mailbox)
