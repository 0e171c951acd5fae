"""What became of one try to hand over one delivery: a value, matched once.

A channel gives an `Answer`; what may be its recipient's own or the provider's state is `Doubtful`, until
the judge (`suspicion.py`) has made an `Outcome` of it. What decisions know of a delivery is its `Result`.

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
    """Permanent: no repeat would fare better. Ends the delivery.

    Attributes:
        reason: a stable word.
        unasked: we saw it ourselves; the provider was not asked, so this says nothing of it.
    """

    reason: str
    unasked: bool = False


@dataclass(frozen=True, slots=True)
class Postponed:
    """Temporary, or unknown: counts an attempt and comes back later.

    Attributes:
        reason: a stable word.
        retry_after: seconds the provider asked to be left alone, if it did.
        unasked: we failed ourselves; the provider was not asked, so this says nothing of it.
    """

    reason: str
    retry_after: float | None = None
    unasked: bool = False


@dataclass(frozen=True, slots=True)
class Unreachable:
    """The provider is down, or we are not set up to reach it: counts no attempt, opens the breaker.

    Attributes:
        reason: a stable word.
        retry_after: seconds the provider asked to be left alone, if it did.
    """

    reason: str
    retry_after: float | None = None


@dataclass(frozen=True, slots=True)
class Doubtful:
    """A no about a named recipient, or silence, that may be the recipient's own or the provider's state.

    Attributes:
        reason: a stable word.
        retry_after: seconds the provider asked to be left alone, if it did.
        throttled: says to ask less.
        perhaps_taken: all was said and no answer came: a repeat may be a second copy.
    """

    reason: str
    retry_after: float | None = None
    throttled: bool = False
    perhaps_taken: bool = False


@dataclass(frozen=True, slots=True)
class Unopenable:
    """What is not sealed to this channel, or not a delivery: parked alone.

    Attributes:
        reason: a stable word.
    """

    reason: str


Outcome = Sent | Refused | Postponed | Unreachable
Answer = Outcome | Doubtful
Result = Outcome | Unopenable
