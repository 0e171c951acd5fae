"""Attempts: counted before they are compared, so that no crash or concurrency leaves one uncounted.

Every attempt is counted as a failure; a success resets the count. Unknown citizens and citizens without a
PIN are counted and locked in the same way, so that the replies disclose nothing. After a quiet time the count
of an unknown citizen is deleted, and what shows of any other starts anew.
"""

from dataclasses import dataclass
from datetime import datetime
from math import ceil
from typing import Literal

from shared.crypto.secret import Secret
from shared.domain.account import Account, Attempts
from shared.domain.policy import PinPolicy

Match = Literal["no", "yes", "initial"]
"""`initial`: the initial PIN, or what seems to be one half of it, was typed instead of the PIN of 8."""

_LONGEST_DOUBLING = 10
"""Locks stop doubling after the tenth: by then the PIN is blocked."""


@dataclass(frozen=True, slots=True)
class Admission:
    """Whether an attempt may be compared, and the account with it counted.

    Attributes:
        account: the account to save before the comparison.
        locked_for: seconds until the next attempt is admitted; 0 when this one is.
        comparable: False for a PIN blocked before: the input is compared with a dummy.
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
    """The result of one attempt.

    Attributes:
        admission: whether it was compared.
        match: the result of the comparison.
        pin_id: the PIN that it was compared with; it may have been replaced since.
        new: for a first access that matched, the eight characters, and salt and verifier of them.
        renewed: for a log-in that matched under an earlier pepper, another salt and verifier.
        pepper: the id of the key of the new or renewed verifier.
        sealed_wrong: it was not sealed to the issuer, or not in the form demanded. Nothing was compared,
            so nothing was counted: a portal with a wrong key locks no citizen out.
    """

    admission: Admission
    match: Match = "no"
    pin_id: str = ""
    new: tuple[Secret, bytes, bytes] | None = None
    renewed: tuple[bytes, bytes] | None = None
    pepper: str = ""
    sealed_wrong: bool = False


def admitted(account: Account, now: datetime, policy: PinPolicy) -> Admission:
    """Count an attempt, or refuse it while the PIN is locked."""
    attempts = account.attempts.lapsed(now, policy.nobody_retention)
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
        last=now,
    )
    return Admission(
        account.but(attempts=counted),
        comparable=not attempts.blocked,
        locks=locks,
        blocks=blocks and not attempts.blocked,
    )


def counted_before(account: Account, now: datetime) -> Admission:
    """Admit an attempt that was counted before its worker died: the same input, compared again.

    Which of several attempts locked or blocked the PIN is no longer known. Each may report it, but the
    citizen is notified once; none is compared with a blocked PIN.
    """
    attempts = account.attempts
    return Admission(
        account,
        comparable=not attempts.blocked,
        locks=attempts.locked_until is not None and now < attempts.locked_until,
        blocks=attempts.blocked,
    )


def _locked_until(attempts: Attempts, now: datetime, policy: PinPolicy) -> datetime:
    # A lock that outlived the guesses at nobody would tell that somebody is known.
    longest = min(policy.lock_time * 2 ** min(attempts.locks, _LONGEST_DOUBLING), policy.nobody_retention)
    until: datetime = now + longest
    return until
