"""Attempts: opened before they are compared, so that no crash or concurrency leaves one uncounted.

Whoever comes next takes every attempt that is open in the ledger for a failure. It closes with its answer, in
one transaction: a failure is counted in the account, a success resets the count. Unknown citizens, and others
without a PIN, are counted and locked in the same way, so that the replies disclose nothing. After a quiet
time the count of an unknown citizen is deleted, and what shows of any other starts anew.

One that is never answered, as its message never comes back, is forgotten after `FORGOTTEN_AFTER`: its sender
learned nothing from it. Should its message come later, it is an attempt like any other.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from typing import Literal

from shared.crypto.secret import Secret
from shared.domain.account import Account, Attempts
from shared.domain.log_ins import NONE, LogIns
from shared.domain.policy import PinPolicy

Match = Literal["no", "yes", "initial"]
"""`initial`: the initial PIN, or what seems to be one half of it, was typed instead of the PIN of 8."""

FORGOTTEN_AFTER = timedelta(hours=1)
"""Long after any attempt is answered, unless its message was lost or parked: until then it is a failure."""

_LONGEST_DOUBLING = 10
"""Locks stop doubling after the tenth: by then the PIN is blocked."""


@dataclass(frozen=True, slots=True)
class Admission:
    """Whether an attempt may be compared.

    Attributes:
        account: the account, with this attempt and those open before it counted as failures.
        locked_for: seconds until the next attempt is admitted; 0 when this one is.
        comparable: False for a PIN blocked before: the input is compared with a dummy.
        counted: whether the account itself has counted it already, by a worker of an earlier release.
    """

    account: Account
    locked_for: int = 0
    comparable: bool = True
    counted: bool = False


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
        log_ins: those that the ledger has counted, without entries, when it is decided.
    """

    admission: Admission
    match: Match = "no"
    pin_id: str = ""
    new: tuple[Secret, bytes, bytes] | None = None
    renewed: tuple[bytes, bytes] | None = None
    pepper: str = ""
    sealed_wrong: bool = False
    log_ins: LogIns = NONE

    @property
    def admitted(self) -> bool:
        """Whether it was compared, so that it is open in the ledger until it is answered."""
        return not (self.sealed_wrong or self.admission.locked_for)


@dataclass(frozen=True, slots=True)
class Failure:
    """The count of attempts with one more failure.

    Attributes:
        attempts: the count.
        locks: it locks the PIN until `attempts.locked_until`.
        blocks: it blocks the PIN until it is restored or revoked.
    """

    attempts: Attempts
    locks: bool = False
    blocks: bool = False


def admitted(account: Account, opened: Iterable[datetime], now: datetime, policy: PinPolicy) -> Admission:
    """Admit an attempt, or refuse it while the PIN is locked, or is unless an open attempt succeeds.

    Args:
        account: as the last answer left it.
        opened: when each of the attempts was opened that have no answer yet.
        now: when this one is opened.
        policy: how many failures lock and block.
    """
    attempts = _all_failed(account.attempts, opened, policy).lapsed(now, policy.nobody_retention)
    if attempts.locked_until and now < attempts.locked_until:
        return Admission(account.but(attempts=attempts), ceil((attempts.locked_until - now).total_seconds()))
    return _counting(account, attempts, now, policy)


def resumed(account: Account, before: Iterable[datetime], at: datetime, policy: PinPolicy) -> Admission:
    """Admit again an attempt whose worker died, opened `at`: the same input, in the place that it had."""
    return _counting(account, _all_failed(account.attempts, before, policy), at, policy)


def counted_before(account: Account) -> Admission:
    """Admit an attempt that a worker of an earlier release counted in the account before it died."""
    return Admission(account, comparable=not account.attempts.blocked, counted=True)


def failed(attempts: Attempts, now: datetime, policy: PinPolicy) -> Failure:
    """Count a failure."""
    before = attempts.lapsed(now, policy.nobody_retention)
    in_row, total = before.in_row + 1, before.total + 1
    locks, blocks = in_row >= policy.attempts_in_row, total >= policy.attempts_in_all
    counted = before.but(
        in_row=0 if locks else in_row,
        total=total,
        locks=before.locks + locks,
        locked_until=_locked_until(before, now, policy) if locks else _still_locked(before, now),
        blocked=blocks,
        last=now,
    )
    return Failure(counted, locks=locks, blocks=blocks and not before.blocked)


def failed_before(attempts: Attempts, now: datetime) -> Failure:
    """Return what a failure did that a worker of an earlier release counted before it died.

    Which of several locked or blocked the PIN is no longer known. Each may report it, but the citizen is
    notified once.
    """
    return Failure(attempts, locks=_still_locked(attempts, now) is not None, blocks=attempts.blocked)


def _counting(account: Account, attempts: Attempts, now: datetime, policy: PinPolicy) -> Admission:
    counted = account.but(attempts=failed(attempts, now, policy).attempts)
    return Admission(counted, comparable=not attempts.blocked)


def _all_failed(attempts: Attempts, opened: Iterable[datetime], policy: PinPolicy) -> Attempts:
    for at in opened:
        attempts = failed(attempts, at, policy).attempts
    return attempts


def _still_locked(attempts: Attempts, now: datetime) -> datetime | None:
    return attempts.locked_until if attempts.locked_until and now < attempts.locked_until else None


def _locked_until(attempts: Attempts, now: datetime, policy: PinPolicy) -> datetime:
    # A lock that outlived the guesses at nobody would tell that somebody is known.
    longest = min(policy.lock_time * 2 ** min(attempts.locks, _LONGEST_DOUBLING), policy.nobody_retention)
    until: datetime = now + longest
    return until
