"""The outcome of one try of one delivery: a value, matched once.

A channel gives an `Answer`. One that may concern the recipient or the provider's state is `Doubtful`, until
the judge (`suspicion.py`) makes it an `Outcome`. Decisions see a delivery's `Result`.

A reason is a stable word, with the provider's code where there is one (`smtp_550`);
never the provider's text, which may quote the address.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sent:
    """The provider accepted it.

    Attributes:
        reference: the provider's own reference, empty if it gave none.
    """

    reference: str


@dataclass(frozen=True, slots=True)
class Refused:
    """Permanent: no retry can succeed. Ends the delivery.

    Attributes:
        reason: a stable word.
        unasked: determined locally; the provider was not asked, so this says nothing about it.
    """

    reason: str
    unasked: bool = False


@dataclass(frozen=True, slots=True)
class Postponed:
    """Temporary, or unknown: counts an attempt and is retried later.

    Attributes:
        reason: a stable word.
        retry_after: seconds the provider asked to be left alone, if it did.
        unasked: a local failure; the provider was not asked, so this says nothing about it.
        perhaps_taken: the provider perhaps has it, by what it said.
        held_by: the one of several providers that perhaps has it.
    """

    reason: str
    retry_after: float | None = None
    unasked: bool = False
    perhaps_taken: bool = False
    held_by: str = ""


@dataclass(frozen=True, slots=True)
class Unreachable:
    """The provider is down, or our settings are wrong: counts no attempt, opens the breaker.

    Attributes:
        reason: a stable word.
        retry_after: seconds the provider asked to be left alone, if it did.
        held_by: the one of several providers that perhaps has it.
    """

    reason: str
    retry_after: float | None = None
    held_by: str = ""


@dataclass(frozen=True, slots=True)
class Doubtful:
    """A rejection of a named recipient, or no reply: caused by the recipient or the provider's state.

    Attributes:
        reason: a stable word.
        retry_after: seconds the provider asked to be left alone, if it did.
        throttled: the provider asks for a lower rate.
        perhaps_taken: everything was sent and no answer came: a retry may be a second copy.
        failed_inside: it answered with an error of its own, and may have taken the delivery before that.
    """

    reason: str
    retry_after: float | None = None
    throttled: bool = False
    perhaps_taken: bool = False
    failed_inside: bool = False


@dataclass(frozen=True, slots=True)
class Unopenable:
    """Not sealed to this channel, or not a delivery: parked alone.

    Attributes:
        reason: a stable word.
    """

    reason: str


Outcome = Sent | Refused | Postponed | Unreachable
Answer = Outcome | Doubtful
Result = Outcome | Unopenable
