"""The initial PIN of 16 characters: generated; only its verifier is kept (R4, R15)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID

from shared.contract.delivery import Mail
from shared.contract.internal import Expire
from shared.crypto.secret import Secret
from shared.domain.account import Account, Half, Pin
from shared.domain.decision import DecisionContext, Delivery, WorkerMessage
from shared.domain.pin import new_half
from shared.italy.dates import DAY, end_of, in_days, last_day


@dataclass(frozen=True, slots=True)
class NewPin:
    """An initial PIN while its halves are being sent.

    Attributes:
        kept: what the account keeps of it, beside the deliveries that carry its halves.
        expires_at: the instant at which it has ended.
    """

    first: Secret
    second: Secret
    kept: Mapping[str, Any]
    expires_at: datetime

    @property
    def expires_on(self) -> date:
        """The last day of its validity, as stated to the citizen: all of that day, in Italy."""
        return last_day(self.expires_at)

    def sent_by(self, first: tuple[Delivery, ...], second: tuple[Delivery, ...]) -> Pin:
        """Return what the account keeps, given the deliveries that carry each half."""
        return Pin(**self.kept, halves=(_carried(first), _carried(second)))


def _carried(by: tuple[Delivery, ...]) -> Half:
    to = (d.content.to for d in by if d.channel == "pec" and isinstance(d.content, Mail))
    return Half(deliveries=tuple(str(d.id) for d in by), pec=next(to, None))


def new_pin(ctx: DecisionContext) -> NewPin:
    """Generate a PIN of two halves; it can be used once, until it expires."""
    first, second, salt = new_half(ctx.random), new_half(ctx.random), ctx.random(16)
    expires_at = _end(ctx)
    kept = {
        "id": str(ctx.uuid()),
        "issued_at": ctx.now,
        "initial": True,
        "salt": salt,
        "verifier": ctx.pepper.initial(salt, Secret(first.reveal() + second.reveal())),
        "part_verifiers": tuple(ctx.pepper.tag(salt, half) for half in (first, second)),
        "pepper": ctx.pepper.name,
        "expires_at": expires_at,
    }
    return NewPin(first, second, kept, expires_at)


def _end(ctx: DecisionContext) -> datetime:
    validity = ctx.policy.initial_validity
    return ctx.now + validity if validity < DAY else end_of(in_days(ctx.now, validity))


def ended_at(pin: Pin) -> datetime | None:
    """Return the instant at which a PIN expires, or None for one that does not expire.

    A PIN of an earlier release kept the time of its issue: it is valid to the end of that day too.
    """
    if pin.expires_at is None or pin.expires_at - pin.issued_at < DAY:
        return pin.expires_at
    return end_of(last_day(pin.expires_at))


def expiry(account: Account, pin: Pin) -> WorkerMessage:
    """Return the message to the issuer, due when an initial PIN expires."""
    expire = Expire(subject=account.subject.hex(), pin_id=UUID(pin.id))
    return WorkerMessage(expire, due_at=ended_at(pin))


def without_pin(account: Account, status: Literal["expired", "revoked"], **changes: object) -> Account:
    """Return the account with its PIN and all open requests about it ended.

    Attempts are kept, so that a lock outlives a PIN that expires; only a revocation clears them.
    """
    return account.but(
        status=status,
        level=None,
        review_since=None,
        pin=None,
        restore=None,
        revocation=None,
        dispositivo=None,
        **changes,
    )


def with_pin(account: Account, pin: Pin, **changes: object) -> Account:
    """Return the account with a new PIN, and its attempts and links reset."""
    changed: Account = account.but(
        pin=pin,
        attempts=account.attempts.cleared(),
        restore=None,
        revocation=None,
        told_pin_exists_at=None,
        **changes,
    )
    return changed
