"""Messages that carry their own decision, to test the shell with any decision."""

from dataclasses import dataclass
from typing import Any

from shared.domain.account import Account
from shared.domain.decision import ContextWith, Decide, Decision, Decisions


@dataclass(frozen=True)
class Step:
    """One such message."""

    decide: Decide


def as_told(account: Account, step: Step, ctx: ContextWith[Any]) -> Decision:
    """Return the message's decision."""
    return step.decide(account, step, ctx)


STEPS: Decisions = {Step: as_told}
"""The table of a lane that has no other messages."""
