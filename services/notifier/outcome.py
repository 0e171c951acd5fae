"""What became of one try to hand over one delivery: a value, matched once.

A reason is a stable word, with the provider's code where there is one (`smtp_550`);
never the provider's text, which may quote the address.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sent:
    """The provider has taken it.

    Attributes:
        reference: the provider's own reference, empty if it gave none.
    """

    reference: str


@dataclass(frozen=True, slots=True)
class Refused:
    """Permanent: no repeat would fare better. Ends the delivery."""

    reason: str


@dataclass(frozen=True, slots=True)
class Postponed:
    """Temporary, or unknown: counts an attempt and comes back later.

    Attributes:
        reason: a stable word.
        retry_after: seconds the provider asked to be left alone, if it did.
    """

    reason: str
    retry_after: float | None = None


@dataclass(frozen=True, slots=True)
class Unreachable:
    """The provider is down, or we are not set up to reach it: counts no attempt, opens the breaker.

    Attributes:
        reason: a stable word.
        retry_after: seconds the provider asked to be left alone, if it did.
    """

    reason: str
    retry_after: float | None = None


Outcome = Sent | Refused | Postponed | Unreachable
