"""Nobody floods a stranger's phone or mailbox with requests in other people's names.

Anybody can ask for a PIN in any name, with any address. So what such a request leads to, the first half (R5)
or the notice that a PIN exists (R7), is counted by the address that it goes to: a day, over all citizens.
"""

from collections.abc import Iterator, Mapping

from shared.contract.issuer import PinRequest
from shared.domain.account import Account, Contacts
from shared.domain.decision import ContextWith, DecisionContext
from shared.italy.mailboxes import mailbox_of

SentToday = Mapping[bytes, int]
"""How many messages went to each place today, in Italy, as of the last decision."""


def addresses(account: Account, command: PinRequest) -> Iterator[str]:
    """Yield where the messages that a request leads to may go: to the contacts given, or those registered."""
    yield from _reached(command.contacts.mobile, command.contacts.pec or command.contacts.email)
    if account.live:
        yield from _reached(account.contacts.mobile, account.contacts.pec or account.contacts.email)


def places(contacts: Contacts, ctx: DecisionContext) -> tuple[bytes, ...]:
    """Return the places that a message everywhere goes to, as they are counted."""
    mailbox = contacts.mailbox
    return tuple(map(ctx.pepper.place, _reached(contacts.mobile, mailbox[1] if mailbox else None)))


def flooded(to: tuple[bytes, ...], at: ContextWith[SentToday]) -> bool:
    """Tell whether one of these places has had as many of these messages today as it may."""
    return any(at.known.get(place, 0) >= at.policy.first_halves_a_day for place in to)


def _reached(mobile: str | None, mailbox: str | None) -> Iterator[str]:
    if mobile:
        yield mobile
    if mailbox:
        yield mailbox_of(mailbox)
