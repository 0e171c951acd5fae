"""Limits the messages that requests in other people's names can send to one phone or mailbox.

Anybody can request a PIN in any name, with any address. So the messages that such a request causes, the first
half (R5) or the notice that a PIN exists (R7), are counted per address and day, over all citizens.
"""

from collections.abc import Iterable, Iterator, Mapping

from shared.contract.issuer import PinRequest
from shared.domain.account import Account, Contacts
from shared.domain.decision import ContextWith, DecisionContext
from shared.domain.reachable import reachable
from shared.italy.mailboxes import mailbox_of

SentToday = Mapping[bytes, int]
"""How many messages went to each address today (Italian time), as of the last decision."""


def addresses(account: Account, command: PinRequest) -> Iterator[str]:
    """Yield the addresses that a request may send to: the contacts given, or those registered."""
    given = command.contacts
    yield from _reached(given.mobile, given.pec or given.email)
    if account.live:
        yield from counted(account)
    if account.unsuitable:  # then another may take the place of one that is given
        yield from _to(reachable(account, Contacts(**given.__dict__)))


def counted(account: Account) -> tuple[str, ...]:
    """Return all addresses that the citizen's messages go to, as they are counted."""
    return tuple(_to(reachable(account)))


def places(to: Iterable[str], ctx: DecisionContext) -> tuple[bytes, ...]:
    """Return the digests of counted addresses."""
    return tuple(map(ctx.pepper.place, to))


def flooded(to: Iterable[str], ctx: ContextWith[SentToday]) -> bool:
    """Return whether a counted address has reached its limit of messages today, under any pepper."""
    return any(
        sum(ctx.known.get(place, 0) for place in ctx.pepper.places(address)) >= ctx.policy.first_halves_a_day
        for address in to
    )


def _to(contacts: Contacts) -> Iterator[str]:
    mailbox = contacts.mailbox
    return _reached(contacts.mobile, mailbox[1] if mailbox else None)


def _reached(mobile: str | None, mailbox: str | None) -> Iterator[str]:
    if mobile:
        yield mobile
    if mailbox:
        yield mailbox_of(mailbox)
