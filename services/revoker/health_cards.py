"""Wrong health cards (R19), limited like wrong PINs: else a stranger tries numbers until one is right.

A request is compared and counted in one transaction, and has its effect after it, so that no crash and no
concurrency leaves an attempt uncounted. While the card is locked the right one sends nothing either; the lock
stops doubling soon, because it keeps out the owner too, who has the contact centre meanwhile (R21).
"""

from datetime import timedelta

from shared.domain.account import Account
from shared.domain.decision import DecisionContext, LedgerEntry

_MOST_DOUBLINGS = 20
"""More could overflow; this is two years of a minute."""


def locked(account: Account, ctx: DecisionContext) -> bool:
    """Return whether too many wrong health cards were given lately."""
    until = account.card_attempts.locked_until
    return until is not None and ctx.now < until


def counted(account: Account, ctx: DecisionContext) -> tuple[Account, tuple[LedgerEntry, ...]]:
    """Count a wrong health card; return the account, and the entry of the lock that it leads to, if any."""
    attempts, policy = account.card_attempts.lapsed(ctx.now, ctx.policy.nobody_retention), ctx.policy
    in_row, total = attempts.in_row + 1, attempts.total + 1
    more = attempts.but(in_row=in_row, total=total, locked_until=None, last=ctx.now)
    if in_row < policy.cards_in_row:
        return account.but(card_attempts=more), ()
    until = ctx.now + _lock(attempts.locks, policy.card_lock_time, policy.card_lock_limit)
    more = more.but(in_row=0, locks=attempts.locks + 1, locked_until=until)
    return account.but(card_attempts=more), (LedgerEntry("health_card.locked", {"until": until}),)


def _lock(locks: int, first: timedelta, longest: timedelta) -> timedelta:
    doubled: timedelta = first * 2 ** min(locks, _MOST_DOUBLINGS)
    return min(doubled, longest)
