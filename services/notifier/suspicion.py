"""Tells whose a doubtful answer is: the recipient's own, or the provider's state. Pure, but for a random key.

A *streak* is the different recipients that failed alike since the provider last took anything. Up to two of
them failed for their own sake: each counts an attempt, and nobody else waits. From the third on it is the
provider's state: no attempt is counted, the breaker opens.

A success ends all streaks. Who was in one has failed while the provider was well: it is *convicted*, and no
longer closes the lane with two others like it, so that three dead numbers do not do so again and again. Ten
of them, with not one success between, are the provider's state all the same.

A throttle of several in one batch is the provider's, with successes between as well: it takes some and not
all. That counts no attempt either, and opens nothing: the next batch is smaller and later.
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
"""The same, of recipients that failed before while the provider was well."""
_KEPT = 1000
"""Recipients remembered, of each kind: the oldest are forgotten first."""
_KEY = os.urandom(16)

Mark = bytes
"""A recipient as it is remembered: a digest, under a key that ends with the process."""


def mark(outgoing: Outgoing) -> Mark:
    """Return whom a delivery goes to, so that it can be recognised and not read."""
    content = outgoing.content
    to = "\n".join(content.address) if isinstance(content, Post) else content.to.strip().casefold()
    return blake2b(to.encode(), digest_size=16, key=_KEY).digest()


@dataclass(frozen=True, slots=True)
class Suspicion:
    """What is remembered from batch to batch.

    Attributes:
        streaks: by reason, who failed so since the last success, the latest at the end.
        convicted: who failed while the provider was well, and was never served since.
    """

    streaks: Mapping[str, tuple[Mark, ...]] = field(default_factory=dict)
    convicted: tuple[Mark, ...] = ()

    def least_suspect(self, waiting: Sequence[Outgoing]) -> Outgoing:
        """Choose whom to try a provider with that was down: who has not failed, or failed longest ago."""
        suspects = [*(one for streak in self.streaks.values() for one in streak), *self.convicted]
        ranks = {one: place for place, one in enumerate(suspects, 1)}
        return min(waiting, key=lambda outgoing: (ranks.get(mark(outgoing), 0), outgoing.attempt))


@dataclass(frozen=True, slots=True)
class Down:
    """Why the provider is held to be down.

    Attributes:
        reason: of the answer that showed it.
        retry_after: the longest that it asked to be left alone.
        answered: it answers, and surely takes nothing: to ask again soon does no harm.
    """

    reason: str
    retry_after: float | None = None
    answered: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a batch came to.

    Attributes:
        outcomes: one a delivery, in the order of the batch.
        down: the provider's state, unless it is well.
        asked: whether the provider was asked at all.
        throttled: whether it wants to be asked less.
        suspicion: what is remembered from here on.
    """

    outcomes: tuple[Outcome, ...]
    down: Down | None
    asked: bool
    throttled: bool
    suspicion: Suspicion


class Asked(NamedTuple):
    """How far a batch was when a delivery was begun."""

    sent: int
    passed: int


class Hearing:
    """Hears the answers to one batch as they come.

    Args:
        suspicion: from the batches before.
        probing: the provider was down, and this is to show whether it is well.
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
        """Whether to ask no further: several failed alike since the last success."""
        return bool(self._at_fault)

    @property
    def throttled(self) -> bool:
        """Whether the provider wants to be asked less: not only about one or two recipients."""
        return len(self._throttled) >= SEVERAL or bool(self._while_well)

    def ask(self) -> Asked:
        """Note that a delivery is begun; goes with its answer to `hear`."""
        return Asked(self._sent, self._passed)

    def hear(self, asked: Asked, outgoing: Outgoing, answer: Answer) -> None:
        """Hear the answer to one delivery."""
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
        """Judge the batch, of which what was not heard was not tried."""
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
            # Something was taken while this one was under way: the provider was well.
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
            # Whoever is throttled among others is so by chance: a backlog is not to use up its tries.
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
