"""Keeps canaries among ourselves: of one nothing is said but how its delivery stands."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from services.notifier.canary.course import CANARY
from shared.contract.command import InternalCommand
from shared.domain.account import Account
from shared.domain.decision import Decision, DecisionContext, WorkerMessage

Decide = Callable[[Account, Any, Any], Decision]


class Quiet:
    """A decision about deliveries, without entries, events and messages about a canary.

    No chain grows by them, nobody who watches events counts them, and the issuer is told of no citizen that
    it does not know.
    """

    def __init__(self, decide: Decide) -> None:
        self._decide = decide

    def __call__(self, account: Account, message: Any, ctx: DecisionContext) -> Decision:  # noqa: ANN401 - a lane's
        """Decide."""
        decision = self._decide(account, message, ctx)
        subjects = {record.subject for record in decision.records}
        if CANARY not in subjects | {entry.subject for entry in decision.entries}:
            return decision
        # What has no subject of its own is about whom the message is about, and then all of it is.
        alone = subjects == {CANARY}
        return replace(
            decision,
            entries=tuple(one for one in decision.entries if not _about(one.subject, alone=alone)),
            events=tuple(one for one in decision.events if not _about(one.subject, alone=alone)),
            messages=tuple(one for one in decision.messages if not _is_about_the_canary(one)),
        )


def _about(subject: bytes | None, *, alone: bool) -> bool:
    return alone if subject is None else subject == CANARY


def _is_about_the_canary(message: WorkerMessage) -> bool:
    said = message.said
    return isinstance(said, InternalCommand) and said.subject == CANARY.hex()
