"""Attempts: counted before they are compared, so that a crash or a crowd never leaves one uncounted.

Every attempt is counted as a failure; a success takes the count back. Whether there is a citizen or a PIN
behind it makes no difference: who has none is counted and locked just the same, so that nothing tells.
"""

from dataclasses import dataclass
from datetime import datetime
from math import ceil
from typing import Literal

from shared.crypto.secret import Secret
from shared.domain.account import Account, Attempts
from shared.domain.policy import PinPolicy

Match = Literal["no", "yes", "initial"]
"""`initial`: what was typed is the initial PIN, or one half of it, where the PIN of 8 is asked for."""

_LONGEST_DOUBLING = 10
"""Locks stop doubling after the tenth: by then the PIN is long blocked."""


@dataclass(frozen=True, slots=True)
class Admission:
    """Whether an attempt may be compared, and the account with it counted.

    Attributes:
        account: the account as it has to be saved before the comparison.
        locked_for: seconds until the next attempt is admitted; 0 when this one is.
        comparable: False for a PIN that was blocked before: what is typed is compared with nobody's.
        locks: this attempt, if it fails, locks the PIN until `account.attempts.locked_until`.
        blocks: this attempt, if it fails, blocks the PIN until it is restored or revoked.
    """

    account: Account
    locked_for: int = 0
    comparable: bool = True
    locks: bool = False
    blocks: bool = False


@dataclass(frozen=True, slots=True)
class Compared:
    """What became of one attempt.

    Attributes:
        admission: whether it was compared at all.
        match: what the comparison said.
        pin_id: the PIN that it was compared with: by now it may be another.
        new: for a first access that matched, the eight characters and their verifier.
    """

    admission: Admission
    match: Match = "no"
    pin_id: str = ""
    new: tuple[Secret, bytes, bytes] | None = None


def admitted(account: Account, now: datetime, policy: PinPolicy) -> Admission:
    """Count an attempt, or refuse it while the PIN is locked."""
    attempts = account.attempts
    if attempts.locked_until and now < attempts.locked_until:
        return Admission(account, locked_for=ceil((attempts.locked_until - now).total_seconds()))
    in_row, total = attempts.in_row + 1, attempts.total + 1
    locks, blocks = in_row >= policy.attempts_in_row, total >= policy.attempts_in_all
    counted = attempts.but(
        in_row=0 if locks else in_row,
        total=total,
        locks=attempts.locks + locks,
        locked_until=_locked_until(attempts, now, policy) if locks else None,
        blocked=blocks,
    )
    return Admission(
        account.but(attempts=counted),
        comparable=not attempts.blocked,
        locks=locks,
        blocks=blocks and not attempts.blocked,
    )


def counted_before(account: Account, now: datetime) -> Admission:
    """Admit an attempt that was counted already, before its worker died: the same guess, compared again.

    Which of several was the one that locked or blocked is not known any more. Each may say so, which the
    citizen is told once; and none is compared with a PIN that is blocked.
    """
    attempts = account.attempts
    return Admission(
        account,
        comparable=not attempts.blocked,
        locks=attempts.locked_until is not None and now < attempts.locked_until,
        blocks=attempts.blocked,
    )


def _locked_until(attempts: Attempts, now: datetime, policy: PinPolicy) -> datetime:
    until: datetime = now + policy.lock_time * 2 ** min(attempts.locks, _LONGEST_DOUBLING)
    return until
