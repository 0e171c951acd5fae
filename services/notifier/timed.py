"""A hearing that takes the time, and notes which deliveries a provider perhaps has."""

import asyncio
from collections.abc import Callable
from uuid import UUID

from services.notifier.outcome import Answer, Doubtful, Postponed, Refused, Sent, Unreachable
from services.notifier.outgoing import Outgoing
from services.notifier.routing import Report
from services.notifier.suspicion import Asked, Hearing, Suspicion


class TimedHearing(Hearing):
    """The hearing of a batch at one of several providers.

    Args:
        suspicion: from the batches before.
        probing: the provider was down, and this batch tests whether it is up.
        slow: seconds from which a delivery takes long.
        others_work: whether another provider can take what is not begun here.

    Attributes:
        begun: deliveries that were begun.
        answers: to those that were answered.
        perhaps: deliveries that the provider perhaps has, as its answer does not exclude it.
        unreached: deliveries that surely did not reach it.
    """

    def __init__(
        self, suspicion: Suspicion, slow: float, others_work: Callable[[], bool], *, probing: bool
    ) -> None:
        super().__init__(suspicion, probing=probing)
        self._slow, self._others_work = slow, others_work
        self._under_way: dict[UUID, float] = {}
        self._left = False
        self.begun: set[UUID] = set()
        self.answers: dict[UUID, Answer] = {}
        self.perhaps: set[UUID] = set()
        self.unreached: set[UUID] = set()
        self._seconds, self._answered, self._taken, self._failed = 0.0, 0, 0, 0

    @property
    def provider_at_fault(self) -> bool:
        """Whether to begin nothing more: it fails, takes too long while another works, or was left."""
        if self._left or super().provider_at_fault:
            return True
        slow = self.waited > self._slow or self._seconds > self._slow * max(1, self._answered)
        return slow and self._others_work()

    def leave(self) -> None:
        """Begin nothing more, whatever becomes of the others: what was not begun is theirs now."""
        self._left = True

    @property
    def waited(self) -> float:
        """Seconds since the oldest delivery was begun that has no answer yet."""
        return _clock() - next(iter(self._under_way.values())) if self._under_way else 0.0

    def ask(self, outgoing: Outgoing | None = None) -> Asked:
        """Record that a delivery is begun, and when."""
        asked = super().ask()._replace(at=_clock())
        if outgoing:
            self.begun.add(outgoing.id)
            self._under_way[outgoing.id] = asked.at
        return asked

    def hear(self, asked: Asked, outgoing: Outgoing, answer: Answer) -> None:
        """Record the answer to one delivery, and how long it took."""
        super().hear(asked, outgoing, answer)
        self.answers[outgoing.id] = answer
        self._under_way.pop(outgoing.id, None)
        match answer:
            case Postponed(unasked=True):
                # An internal error, which may have come after the delivery was sent.
                self.perhaps.add(outgoing.id)
                return
            case Refused(unasked=True):
                return
            case Sent() | Refused() | Postponed():
                self._taken += 1
            case Unreachable():
                self.unreached.add(outgoing.id)
                self._failed += 1
            case Doubtful(throttled=False):
                self._failed += 1
        if _perhaps_taken(answer):
            self.perhaps.add(outgoing.id)
        self._seconds += _clock() - asked.at
        self._answered += 1

    def report(self, *, down: bool) -> Report:
        """Return what the batch showed of its provider.

        Args:
            down: whether its breaker is open now.
        """
        return Report(self._taken, self._failed, self.throttled, down, self._seconds, self._answered)


def _perhaps_taken(answer: Answer) -> bool:
    match answer:
        case Doubtful():
            return answer.perhaps_taken or answer.failed_inside
        case Postponed():
            return answer.perhaps_taken
        case _:
            return False


def _clock() -> float:
    return asyncio.get_running_loop().time()
