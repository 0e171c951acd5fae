"""Revocation of a PIN (R18-R21, an undeliverable half, and a death)."""

from shared.contract.events import PinRevoked, RevocationCause
from shared.domain.account import Account
from shared.domain.credential import without_pin
from shared.domain.decision import Decision, Event, LedgerEntry


def revoked(account: Account, cause: RevocationCause) -> Decision:
    """Revoke a live PIN: it is no longer accepted, its open requests end, a new one may be requested.

    Suspended istanze stay suspended: a later dispositivo PIN of the same citizen releases them (R32).

    Args:
        account: one with a live PIN.
        cause: as the event gives it.
    """
    return Decision(
        account=without_pin(account, "revoked", attempts=account.attempts.cleared()),
        entries=(LedgerEntry("pin.revoked", {"cause": cause}),),
        events=(Event(PinRevoked(cause=cause)),),
    )
