"""Several providers of one channel: each behind its own breaker and judge, and a router that chooses.

A batch goes to all of them at once. What a provider surely did not take goes to the next in the same batch.
One that is silent or slow is left behind while another works: the batch ends without its last answers, and
the deliveries under way come back for them, to this provider alone. So a sick one never holds up the lane.
"""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Any
from uuid import UUID

from services.notifier.breaker import State
from services.notifier.guarded import PATIENCE, GuardedProvider
from services.notifier.outcome import Outcome, Postponed, Refused, Sent, Unreachable
from services.notifier.outgoing import Outgoing
from services.notifier.routing import Plan, Router, wait_over_rate
from services.notifier.timed import TimedHearing
from shared.worker.lane import Together, Upkeep

_GRACE = 1.0
"""Seconds that a batch waits for a slow provider's answers, past those that are slow, or for a probe's."""
_LOOK_EVERY = 0.25
"""Seconds after which it is looked again who is slow."""
_LEAST_SLEEP = 0.1
_ALONE_EVERY = 600.0
"""Seconds between two lines that say that one provider works alone."""
_KEPT = 10_000
"""Late answers that are remembered; a delivery without one is sent again, and recognised."""

_Task = asyncio.Task[dict[UUID, Outcome]]


class SeveralProviders:
    """The sender of a channel with several providers.

    Args:
        channel: its name.
        providers: by their names.
        router: chooses among them.
        log: of the lane.
    """

    def __init__(
        self,
        channel: str,
        providers: Mapping[str, GuardedProvider],
        router: Router,
        log: Any,  # noqa: ANN401
    ) -> None:
        self._channel, self._log = channel, log
        self.providers, self.router = providers, router
        self.busy: dict[str, _Task] = {}
        self.late: dict[UUID, Sent | Refused] = {}
        self.upkeep = _upkeep_of(providers.values())
        self._said = self._steps()
        self._alone_since: float | None = None

    async def send(self, outgoing: list[Outgoing], /) -> list[Outcome]:
        """Send a batch; see `Sender.send`."""
        known = {one.id: self.late.pop(one.id) for one in outgoing if one.id in self.late}
        batch = _Batch(self, [one for one in outgoing if one.id not in known])
        await batch.send()
        self._say()
        return [known.get(one.id) or batch.outcomes[one.id] for one in outgoing]

    async def close(self) -> None:
        """Close all connections; what is under way is lost, and asked for again at its provider."""
        for task in self.busy.values():
            task.cancel()
        await asyncio.gather(*self.busy.values(), return_exceptions=True)
        await asyncio.gather(*(provider.close() for provider in self.providers.values()))

    def usable(self) -> frozenset[str]:
        """Return the providers that can be asked now."""
        return frozenset(
            name
            for name, provider in self.providers.items()
            if name not in self.busy and provider.state is State.CLOSED and not provider.wait
        )

    async def hand_over(self, name: str, batch: list[Outgoing], hearing: TimedHearing) -> dict[UUID, Outcome]:
        """Send to one provider; its share follows from how it went."""
        provider = self.providers[name]
        try:
            outcomes = await provider.hand_over(batch, hearing)
        finally:
            self.busy.pop(name, None)
        down = provider.state is not State.CLOSED
        self.router = self.router.heard(name, hearing.report(down=down), self.usable(), _clock())
        return outcomes

    def leave(self, name: str, task: _Task, under_way: Iterable[UUID]) -> None:
        """Leave a provider behind with its deliveries under way; their answers are kept for their return."""
        self.busy[name] = task
        ids = frozenset(under_way)

        def keep(ended: _Task) -> None:
            if ended.cancelled() or ended.exception():
                return
            for id_, outcome in ended.result().items():
                if id_ in ids and isinstance(outcome, Sent | Refused):
                    self.late[id_] = named(name, outcome)
            while len(self.late) > _KEPT:
                del self.late[next(iter(self.late))]

        task.add_done_callback(keep)

    def _steps(self) -> dict[str, float]:
        working = [name for name, one in self.providers.items() if one.state is State.CLOSED]
        shares = self.router.shares(working)
        return {name: round(shares.get(name, 0.0), 1) for name in self.providers}

    def _say(self) -> None:
        """Log the shares when one has moved by a tenth, and now and then that one provider works alone."""
        if (steps := self._steps()) != self._said:
            self._said = steps
            self._log.info("provider.weights", channel=self._channel, shares=steps)
        working = [name for name, one in self.providers.items() if one.state is State.CLOSED]
        if (alone := self.router.alone(working)) is None:
            self._alone_since = None
            return
        now = _clock()
        self._alone_since = self._alone_since or now
        if now - self._alone_since >= _ALONE_EVERY:
            self._alone_since = now
            self._log.warning("provider.alone", channel=self._channel, provider=alone)


def _upkeep_of(providers: Iterable[GuardedProvider]) -> Upkeep | None:
    parts = [provider.upkeep for provider in providers if provider.upkeep]
    return Together(*parts) if parts else None


class _Batch:
    """One batch on its way to several providers."""

    def __init__(self, several: SeveralProviders, outgoing: list[Outgoing]) -> None:
        self._several = several
        self._waiting = outgoing
        self._tried: dict[UUID, set[str]] = defaultdict(set)
        self._last: dict[UUID, Outcome] = {}
        self._until = _clock() + PATIENCE
        self.outcomes: dict[UUID, Outcome] = {}

    async def send(self) -> None:
        """Send, in rounds, until every delivery has an outcome."""
        while self._waiting:
            probes = dict(self._probes())
            usable = self._several.usable()
            self._several.router, plan = self._several.router.plan(
                self._waiting, usable, self._tried, _clock(), datetime.now(UTC)
            )
            self._waiting = []
            if batches := {**plan.batches, **{name: [one] for name, one in probes.items()}}:
                await self._round(batches, frozenset(probes))
            await self._rest(plan, idle=not batches)

    def _probes(self) -> Iterable[tuple[str, Outgoing]]:
        """Choose a delivery for each provider that may be back: best one that it perhaps has already."""
        now = datetime.now(UTC)
        for name, provider in self._several.providers.items():
            if name in self._several.busy or provider.state is not State.HALF_OPEN:
                continue
            keepers = {one.id: self._several.router.keeper(one.held, now) for one in self._waiting}
            mine = [one for one in self._waiting if keepers[one.id] == name]
            free = [one for one in self._waiting if keepers[one.id] is None]
            if self._several.usable():
                free = [one for one in free if not _waited_for(one, name)]
            able = [one for one in mine or free if name not in self._tried[one.id]]
            if able and (router := self._several.router.with_one(name, _clock())):
                self._several.router = router
                probe = provider.least_suspect(able)
                self._waiting.remove(probe)
                yield name, probe

    async def _round(self, batches: Mapping[str, list[Outgoing]], probes: frozenset[str]) -> None:
        hearings: dict[str, TimedHearing] = {}
        tasks: dict[str, _Task] = {}
        for name, batch in batches.items():
            hearings[name] = TimedHearing(
                self._several.providers[name].suspicion,
                self._several.router.slow,
                partial(self._others_work, name, tasks),
                probing=name in probes,
            )
            tasks[name] = asyncio.create_task(self._several.hand_over(name, batch, hearings[name]))
        try:
            await self._answers(tasks, hearings, probes)
        except BaseException:
            for task in tasks.values():
                task.cancel()
            raise
        done = {name for name, task in tasks.items() if task.done()}
        for name in batches.keys() - done:
            self._leave(name, tasks[name], batches[name], hearings[name])
        for name in done:
            self._follow(name, batches[name], tasks[name].result(), hearings[name])

    async def _answers(
        self, tasks: Mapping[str, _Task], hearings: Mapping[str, TimedHearing], probes: frozenset[str]
    ) -> None:
        """Wait for the providers, but for those that are slow while another works."""
        patience = {name: _GRACE if name in probes else self._several.router.slow + _GRACE for name in tasks}
        while pending := {name: task for name, task in tasks.items() if not task.done()}:
            if all(
                hearings[name].waited > patience[name] and self._others_work(name, tasks) for name in pending
            ):
                return
            await asyncio.wait(pending.values(), timeout=_LOOK_EVERY, return_when=asyncio.FIRST_COMPLETED)

    def _others_work(self, name: str, tasks: Mapping[str, _Task]) -> bool:
        """Return whether another provider that is not slow can be asked, and is done with this round."""
        return any(
            other != name
            and not self._several.router.slow_lately(other, _clock())
            and (other not in tasks or tasks[other].done())
            for other in self._several.usable()
        )

    def _leave(
        self,
        name: str,
        task: _Task,
        batch: list[Outgoing],
        hearing: TimedHearing,
    ) -> None:
        hearing.leave()
        heard = [one for one in batch if one.id in hearing.answers]
        verdict = hearing.verdict(heard, [hearing.answers[one.id] for one in heard])
        self._follow(
            name, heard, {one.id: out for one, out in zip(heard, verdict.outcomes, strict=True)}, hearing
        )
        under_way = [one for one in batch if one.id in hearing.begun and one.id not in hearing.answers]
        self._several.leave(name, task, [one.id for one in under_way])
        for one in under_way:
            self._end(one, Unreachable("under_way", PATIENCE), name)
        for one in batch:
            if one.id not in hearing.begun:
                self._reroute(one, name, Unreachable("not_tried"))

    def _follow(
        self, name: str, batch: list[Outgoing], outcomes: Mapping[UUID, Outcome], hearing: TimedHearing
    ) -> None:
        now = datetime.now(UTC)
        for one in batch:
            outcome = outcomes[one.id]
            held = one.id in hearing.perhaps or self._several.router.keeper(one.held, now) == name
            match outcome:
                case Sent() | Refused():
                    self.outcomes[one.id] = named(name, outcome)
                case _ if held:
                    self._end(one, outcome, name)
                case Postponed() if one.id not in hearing.unreached:
                    self.outcomes[one.id] = outcome
                case _:
                    self._reroute(one, name, outcome)

    def _reroute(self, one: Outgoing, name: str, outcome: Outcome) -> None:
        """Offer a delivery that a provider surely did not take to the next."""
        self._tried[one.id].add(name)
        self._last[one.id] = outcome
        self._waiting.append(one)

    def _end(self, one: Outgoing, outcome: Outcome, keeper: str) -> None:
        """End the batch for a delivery that a provider perhaps has: it comes back to this one."""
        if isinstance(outcome, Postponed | Unreachable):
            outcome = replace(outcome, held_by=keeper)
        if isinstance(outcome, Unreachable) and one.held and one.held.provider == keeper:
            left = (one.held.since + self._several.router.hold - datetime.now(UTC)).total_seconds()
            outcome = replace(outcome, retry_after=min(outcome.retry_after or 0.0, max(left, 0.0)))
        self.outcomes[one.id] = outcome

    async def _rest(self, plan: Plan, *, idle: bool) -> None:
        """Wait for what can be sent soon, and end the batch for the rest."""
        over = [one for group in plan.over_rate.values() for one in group]
        if _clock() < self._until and over:
            if idle:
                await self._sleep(self._until_room(plan))
            self._waiting += over
        else:
            self._over_rate(plan)
        for one in plan.stuck:
            self._stuck(one)
        if idle and self._waiting and not over:
            await self._sleep(self._until_usable())

    def _until_room(self, plan: Plan) -> float:
        return min(
            self._several.router.until_room(name, min(len(group), 20), _clock())
            for name, group in plan.over_rate.items()
        )

    def _over_rate(self, plan: Plan) -> None:
        for name, group in plan.over_rate.items():
            for position, one in enumerate(group):
                wait = wait_over_rate(self._several.router.until_room(name, position, _clock()))
                keeper = self._several.router.keeper(one.held, datetime.now(UTC)) or ""
                self.outcomes[one.id] = Unreachable("provider_rate", wait, held_by=keeper)

    def _stuck(self, one: Outgoing) -> None:
        """Decide about a delivery that no provider may get now."""
        keeper = self._several.router.keeper(one.held, datetime.now(UTC))
        usable, tried = self._several.usable(), self._tried[one.id]
        may_come_back = self._several.providers.keys() - self._several.busy.keys()
        if keeper and (keeper not in usable or keeper in tried):
            wait = self._several.providers[keeper].wait.total_seconds()
            self._end(one, Unreachable("breaker_open", wait or PATIENCE), keeper)
        elif keeper or usable - tried or (_clock() < self._until and not usable and may_come_back - tried):
            self._waiting.append(one)
        else:
            wait = min(provider.wait.total_seconds() for provider in self._several.providers.values())
            self.outcomes[one.id] = self._last.get(one.id) or Unreachable("breaker_open", wait)

    def _until_usable(self) -> float:
        waits = [
            provider.wait.total_seconds()
            for name, provider in self._several.providers.items()
            if name not in self._several.busy
        ]
        return min(waits, default=PATIENCE)

    async def _sleep(self, seconds: float) -> None:
        await asyncio.sleep(max(0.01, min(max(seconds, _LEAST_SLEEP), self._until - _clock())))


def _waited_for(one: Outgoing, provider: str) -> bool:
    """Return whether a delivery's time is up at a provider: to another one it may go, and does."""
    return one.held is not None and one.held.provider == provider


def named(provider: str, outcome: Sent | Refused) -> Sent | Refused:
    """Return an outcome whose reference names the provider: another may give the same.

    Some name themselves, as their receipts do.
    """
    if not (provider and isinstance(outcome, Sent)) or outcome.reference.startswith(f"{provider}:"):
        return outcome
    return Sent(f"{provider}:{outcome.reference}")


def _clock() -> float:
    return asyncio.get_running_loop().time()
