"""Decides the cause of a doubtful answer: the recipient or the provider. Pure, but for a random key.

A *streak* is the set of different recipients that failed alike since the provider's last success. Up to two
are the recipients' own failures: each counts an attempt, and no other delivery waits. From the third on the
provider is the cause: no attempt is counted, and the breaker opens.

A success ends all streaks. A recipient in a streak then failed while the provider worked: it is *convicted*,
and no longer opens the breaker with two others like it, so that three dead numbers do not do so repeatedly.
Ten of them with no success between are the provider's state.

A throttle of several recipients in one batch is the provider's, even with successes between. It counts no
attempt and does not open the breaker: the next batch is smaller and later.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import NamedTuple
from uuid import UUID

from services.notifier.outcome import Answer, Doubtful, Outcome, Postponed, Refused, Sent, Unreachable
from services.notifier.outgoing import Outgoing
from shared.contract.delivery import Post

SEVERAL = 3
"""Different recipients that fail alike, with no success between, show the provider's state."""
MANY = 10
"""The same, for recipients that failed before while the provider worked."""
_KEPT = 1000
"""Recipients remembered, of each kind: the oldest are forgotten first."""
_KEY = os.urandom(16)

Mark = bytes
"""A recipient as remembered: a digest, under a key that lives as long as the process."""


def mark(outgoing: Outgoing) -> Mark:
    """Return a digest of the recipient, which can be recognised but not read."""
    content = outgoing.content
    to = "\n".join(content.address) if isinstance(content, Post) else content.to.strip().casefold()
    return blake2b(to.encode(), digest_size=16, key=_KEY).digest()


@dataclass(frozen=True, slots=True)
class Suspicion:
    """The state kept from batch to batch.

    Attributes:
        streaks: by reason, the recipients that failed since the last success, the latest at the end.
        convicted: recipients that failed while the provider worked, with no success since.
    """

    streaks: Mapping[str, tuple[Mark, ...]] = field(default_factory=dict)
    convicted: tuple[Mark, ...] = ()

    def least_suspect(self, waiting: Sequence[Outgoing]) -> Outgoing:
        """Choose the delivery to probe the provider with: its recipient has not failed, or longest ago."""
        suspects = [*(one for streak in self.streaks.values() for one in streak), *self.convicted]
        ranks = {one: place for place, one in enumerate(suspects, 1)}
        return min(waiting, key=lambda outgoing: (ranks.get(mark(outgoing), 0), outgoing.attempt))


@dataclass(frozen=True, slots=True)
class Down:
    """Why the provider is considered down.

    Attributes:
        reason: of the deciding answer.
        retry_after: the longest wait that it asked for.
        answered: it answers and accepts nothing: an early retry does no harm.
    """

    reason: str
    retry_after: float | None = None
    answered: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """The result of a batch.

    Attributes:
        outcomes: one per delivery, in the order of the batch.
        down: why the provider is down; None if it is up.
        asked: whether the provider was asked at all.
        throttled: whether it asks for a lower rate.
        suspicion: the state for the next batch.
    """

    outcomes: tuple[Outcome, ...]
    down: Down | None
    asked: bool
    throttled: bool
    suspicion: Suspicion


class Asked(NamedTuple):
    """The progress of a batch when a delivery was begun."""

    sent: int
    passed: int
    at: float = 0.0
    """When it was begun, where that is of use."""


class Hearing:
    """Collects the answers to one batch as they arrive.

    Args:
        suspicion: from the batches before.
        probing: the provider was down, and this batch tests whether it is up.
    """

    def __init__(self, suspicion: Suspicion | None = None, *, probing: bool = False) -> None:
        before = suspicion or Suspicion()
        self._streaks = {reason: dict.fromkeys(streak) for reason, streak in before.streaks.items()}
        self._convicted = dict.fromkeys(before.convicted)
        self._probing = probing
        self._sent = self._passed = 0
        self._at_fault: set[str] = set()
        self._throttled: set[Mark] = set()
        self._heard: dict[UUID, Answer] = {}
        self._while_well: set[UUID] = set()
        """Who did not reach the provider while others did: it bears fewer connections, or one broke."""

    @property
    def provider_at_fault(self) -> bool:
        """Whether to stop asking: several recipients failed alike since the last success."""
        return bool(self._at_fault)

    @property
    def throttled(self) -> bool:
        """Whether the provider throttles in general, not only one or two recipients."""
        return len(self._throttled) >= SEVERAL or bool(self._while_well)

    def ask(self, _: Outgoing | None = None) -> Asked:
        """Record that a delivery, or all of a batch, is begun; pass the result to `hear` with its answer."""
        return Asked(self._sent, self._passed)

    def hear(self, asked: Asked, outgoing: Outgoing, answer: Answer) -> None:
        """Record the answer to one delivery."""
        self._heard[outgoing.id] = answer
        match answer:
            case Sent():
                self._succeeded(mark(outgoing))
            case Refused(unasked=False) | Postponed(unasked=False):
                self._passed += 1
            case Unreachable() if self._passed > asked.passed:
                self._while_well.add(outgoing.id)
            case Doubtful():
                self._doubt(asked, mark(outgoing), answer)
            case _:
                pass

    def verdict(self, batch: Sequence[Outgoing], answers: Sequence[Answer]) -> Verdict:
        """Judge the batch; deliveries without a heard answer were not tried."""
        return Verdict(
            outcomes=tuple(self._outcome(*pair) for pair in zip(batch, answers, strict=True)),
            down=self._down(),
            asked=any(not _unasked(answer) for answer in self._heard.values()),
            throttled=self.throttled,
            suspicion=Suspicion(
                {reason: tuple(streak)[-_KEPT:] for reason, streak in self._streaks.items()},
                tuple(self._convicted)[-_KEPT:],
            ),
        )

    def _succeeded(self, recipient: Mark) -> None:
        self._sent += 1
        self._passed += 1
        for streak in self._streaks.values():
            self._convicted |= streak
        self._streaks.clear()
        self._at_fault.clear()
        self._convicted.pop(recipient, None)

    def _doubt(self, asked: Asked, recipient: Mark, answer: Doubtful) -> None:
        if answer.throttled and recipient not in self._convicted:
            self._throttled.add(recipient)
        if self._sent > asked.sent:
            # A delivery succeeded while this one was under way: the provider worked.
            _latest(self._convicted, recipient)
            return
        streak = self._streaks.setdefault(answer.reason, {})
        _latest(streak, recipient)
        if recipient in self._convicted:
            _latest(self._convicted, recipient)
        if len(streak) >= MANY or len(streak.keys() - self._convicted.keys()) >= SEVERAL:
            self._at_fault.add(answer.reason)

    def _outcome(self, outgoing: Outgoing, answer: Answer) -> Outcome:
        match answer:
            case Doubtful(reason, wait) if self._is_providers(mark(outgoing), answer):
                return Unreachable(reason, wait)
            case Doubtful(reason, wait):
                return Postponed(reason, wait)
            case Unreachable(reason, wait) if outgoing.id in self._while_well:
                return Postponed(reason, wait)
            case _:
                return answer

    def _is_providers(self, recipient: Mark, answer: Doubtful) -> bool:
        if answer.throttled and len(self._throttled) >= SEVERAL:
            # A delivery throttled among others is so by chance: a backlog must not use up its tries.
            return True
        streak = self._streaks.get(answer.reason, {})
        return (
            answer.reason in self._at_fault
            and recipient in streak
            and (recipient not in self._convicted or len(streak) >= MANY)
        )

    def _down(self) -> Down | None:
        alike = [
            answer
            for answer in self._heard.values()
            if isinstance(answer, Doubtful)
            and (answer.reason in self._at_fault or (self._probing and answer.perhaps_taken))
        ]
        if alike:
            wait = max((answer.retry_after or 0.0 for answer in alike), default=0.0)
            return Down(alike[0].reason, wait, answered=not any(answer.perhaps_taken for answer in alike))
        for id_, answer in self._heard.items():
            if isinstance(answer, Unreachable) and id_ not in self._while_well:
                return Down(answer.reason, answer.retry_after)
        return None


def _latest(recipients: dict[Mark, None], recipient: Mark) -> None:
    recipients.pop(recipient, None)
    recipients[recipient] = None


def _unasked(answer: Answer) -> bool:
    return isinstance(answer, Refused | Postponed) and answer.unasked
