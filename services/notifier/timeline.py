"""What a command led to, for supervisors: what happened and when, and nothing of whom."""

from collections.abc import Mapping
from typing import Any, Final

from shared.contract.reply import accepted, rejected
from shared.contract.supervision import DeliveryTimeline, Step, TimelineData
from shared.domain.account import Account
from shared.domain.decision import ContextWith, Decision

MOST: Final = 400
"""Steps of one timeline: more would not fit into a reply. The earliest are told."""

Steps = tuple[Step, ...]


def timeline(_: Account, __: DeliveryTimeline, ctx: ContextWith[Steps]) -> Decision:
    """Tell what happened under a correlation id."""
    if not ctx.known:
        return Decision(reply=rejected("unknown_correlation"))
    data = TimelineData(steps=ctx.known)
    return Decision(reply=accepted(**data.model_dump(mode="json", exclude_none=True)))


def step(row: Mapping[str, Any]) -> Step:
    """Return a row of the query `timeline` as it is told."""
    return Step(
        at=row["at"],
        what=row["kind"],
        by=row["actor"],
        channel=row["channel"],
        attempt=row["attempt"],
        evidence=row["evidence"],
    )
