"""Limits the messages that requests in other people's names can send to one phone or mailbox.

Anybody can request a PIN in any name, with any address. So the messages that such a request causes, the first
half (R5) or the notice that a PIN exists (R7), are counted per address and day, over all citizens.
"""

from collections.abc import Iterator, Mapping

from shared.contract.issuer import PinRequest
from shared.domain.account import Account
from shared.domain.contacts import preferred_of
from shared.domain.decision import ContextWith, DecisionContext
from shared.italy.mailboxes import mailbox_of

SentToday = Mapping[bytes, int]
"""How many messages went to each address today (Italian time), as of the last decision."""


def addresses(account: Account, command: PinRequest) -> Iterator[str]:
    """Yield the addresses that a request may send to: the contacts given, or those registered."""
    given = command.contacts
    yield from _reached(given.mobile, _preferred(account, given.pec, given.email))
    if account.live:
        yield from _counted(account)


def places(account: Account, ctx: DecisionContext) -> tuple[bytes, ...]:
    """Return the digests of all addresses that the citizen's messages go to, as they are counted."""
    return tuple(map(ctx.pepper.place, _counted(account)))


def flooded(account: Account, at: ContextWith[SentToday]) -> bool:
    """Return whether one of these addresses has reached its limit of messages today, under any pepper."""
    return any(
        sum(at.known.get(place, 0) for place in at.pepper.places(address)) >= at.policy.first_halves_a_day
        for address in _counted(account)
    )


def _counted(account: Account) -> Iterator[str]:
    return _reached(
        account.contacts.mobile, _preferred(account, account.contacts.pec, account.contacts.email)
    )


def _preferred(account: Account, pec: str | None, email: str | None) -> str | None:
    found = preferred_of(account, pec, email)
    return found[1] if found else None


def _reached(mobile: str | None, mailbox: str | None) -> Iterator[str]:
    if mobile:
        yield mobile
    if mailbox:
        yield mailbox_of(mailbox)
