"""The end of a PIN before its time (R18-R21, what cannot be delivered, and a death)."""

from typing import Literal

from shared.contract.events import PinRevoked
from shared.domain.account import Account
from shared.domain.credential import without_pin
from shared.domain.decision import Decision, Event, LedgerEntry

Cause = Literal["citizen", "contact_centre", "undeliverable", "letter_returned", "deceased"]


def revoked(account: Account, cause: Cause, **entry: str) -> Decision:
    """Annul a live PIN: nothing opens any more, what was open about it is closed, a new one may be asked for.

    Suspended istanze stay suspended: a later dispositivo PIN of the same citizen releases them (R32).

    Args:
        account: one with a live PIN.
        cause: why, as the event says it.
        entry: what else goes on record: operator and reason, say.
    """
    return Decision(
        account=without_pin(account, "revoked", attempts=account.attempts.cleared()),
        entries=(LedgerEntry("pin.revoked", {"cause": cause, **entry}),),
        events=(Event(PinRevoked(cause=cause)),),
    )
