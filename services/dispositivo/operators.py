"""Operators look at personal data (R25, R26): how often within an hour is counted, and told if it is often.

Counted are the commands by which an operator looks, whether they found anybody or not, for each person: the
broker user and the operator whom it declares.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from services.dispositivo.seen import SeenSeal
from shared.contract.alarm_events import OperatorLookedOften
from shared.contract.parts import Operator
from shared.contract.reply import rejected
from shared.domain.account import Account
from shared.domain.decision import NOBODY, Decision, Event
from shared.domain.policy import PinPolicy


@dataclass(frozen=True, slots=True)
class Looks:
    """The looks of one operator within an hour.

    Attributes:
        user: the broker user, for whom the broker vouches.
        hour: its beginning, as the contract writes it.
        count: looks within it, this one included.
    """

    user: str
    hour: str
    count: int


@dataclass(frozen=True, slots=True)
class OperatorFacts:
    """What the decisions about an operator's command know beside the account.

    Attributes:
        seal: of what is shown.
        looks: of the operator, if the command looks at personal data.
        waiting: the citizens in the review queue according to the ledger, in its order, with their current
            accounts, if the command asks for them.
    """

    seal: SeenSeal
    looks: Looks | None = None
    waiting: Sequence[Account] = ()


def refused(known: OperatorFacts, policy: PinPolicy) -> bool:
    """Return whether the operator has looked too often to look again within the hour."""
    return known.looks is not None and 0 < policy.lookups_refused_after < known.looks.count


def with_alarm(decision: Decision, operator: Operator, known: OperatorFacts, policy: PinPolicy) -> Decision:
    """Return the decision about a look, with the alarm if this one passed the limit: once an hour."""
    looks = known.looks
    if looks is None or looks.count != policy.lookups_an_hour + 1:
        return decision
    alarm = OperatorLookedOften(
        operator=operator.id, office=operator.office, user=looks.user, lookups=looks.count, hour=looks.hour
    )
    return decision.but(events=(*decision.events, Event(alarm, subject=NOBODY)))


REFUSED = Decision(reply=rejected("too_many_lookups"))
"""The operator has looked too often: nothing is shown."""
