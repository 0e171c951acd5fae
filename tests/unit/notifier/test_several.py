"""Several providers of a channel: what each is sent, while one works, fails, is silent or slow."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from random import Random
from typing import Any
from uuid import UUID

import pytest

from services.notifier import several
from services.notifier.channels.concurrency import ConcurrentSender
from services.notifier.guarded import GuardedProvider
from services.notifier.outcome import Answer, Doubtful, Outcome, Postponed, Refused, Sent, Unreachable
from services.notifier.outgoing import Held, Outgoing
from services.notifier.routing import Route, Router
from services.notifier.settings import NotifierSettings
from services.notifier.several import SeveralProviders
from services.notifier.suspicion import Hearing
from shared.contract.delivery import Sms
from shared.crypto.secret import Secret

TIMED_OUT = Doubtful("sms_timeout", perhaps_taken=True)
BROKEN = Doubtful("sms_500", failed_inside=True)
BUSY = Doubtful("sms_429", throttled=True)
DOWN = Unreachable("sms_connect")
_ids = count(1)


def fresh(n: int = 1, held: Held | None = None, attempt: int = 1) -> list[Outgoing]:
    created = datetime(2026, 3, 1, tzinfo=UTC)
    return [
        Outgoing(UUID(int=i * 104729), created, attempt, Sms(f"+39333{i:07}", Secret("PIN: ABCD2345")), held)
        for i in (next(_ids) for _ in range(n))
    ]


class Far:
    """A provider that answers as it is told; notes what it was sent."""

    name = "sms"

    def __init__(self) -> None:
        self.answer: Callable[[Outgoing], Answer] = lambda _: Sent("ref")
        self.seconds = 0.0
        self.asked: list[UUID] = []
        self.concurrent = ConcurrentSender(4)
        self.closed = False

    async def send(self, batch: Sequence[Outgoing], hearing: Hearing) -> list[Answer]:
        """Send, as `Channel.send`."""
        return await self.concurrent.send(batch, self._send_one, hearing)

    async def _send_one(self, outgoing: Outgoing) -> Answer:
        self.asked.append(outgoing.id)
        await asyncio.sleep(self.seconds)
        return self.answer(outgoing)

    async def close(self) -> None:
        """Note it."""
        self.closed = True


class Log:
    def __init__(self) -> None:
        self.said: list[dict[str, Any]] = []

    def warning(self, event: str, **fields: object) -> None:
        """Keep what is said."""
        self.said.append({"event": event, **fields})

    info = warning


class Lane:
    """A lane with two providers, all waits a fraction of the defaults."""

    def __init__(self, *, ordered: bool = False, rate: float = 0.0) -> None:
        self.first, self.second, self.log = Far(), Far(), Log()
        self.settings = NotifierSettings(
            breaker_base=timedelta(milliseconds=40),
            breaker_cap=timedelta(milliseconds=200),
            breaker_answered_cap=timedelta(milliseconds=80),
        )
        self.router = Router((Route("first"), Route("second", rate=rate)), ordered, slow=0.1, recovery=60.0)
        self.sending = self.restarted()

    def restarted(self) -> SeveralProviders:
        """Return the sender of a new process, which knows nothing."""
        guarded = {
            name: GuardedProvider(far, self.settings, self.log, name)
            for name, far in (("first", self.first), ("second", self.second))
        }
        self.sending = SeveralProviders("sms", guarded, self.router, self.log)
        return self.sending

    async def send(self, batch: list[Outgoing]) -> list[Outcome]:
        """Send one batch."""
        return await self.sending.send(batch)

    @property
    def asked_twice(self) -> set[UUID]:
        """What both providers were sent."""
        return set(self.first.asked) & set(self.second.asked)


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("_GRACE", 0.05), ("_LOOK_EVERY", 0.01), ("_LEAST_SLEEP", 0.01), ("PATIENCE", 0.5)):
        monkeypatch.setattr(several, name, value)


@pytest.fixture
async def lane() -> AsyncIterator[Lane]:
    made = Lane(ordered=True)
    yield made
    await made.sending.close()


def kinds(outcomes: list[Outcome]) -> Counter[str]:
    return Counter(type(outcome).__name__ for outcome in outcomes)


def held_by(outcomes: list[Outcome]) -> set[str]:
    return {
        outcome.held_by
        for outcome in outcomes
        if isinstance(outcome, Postponed | Unreachable) and outcome.held_by
    }


async def test_the_reference_names_the_provider(lane: Lane) -> None:
    assert await lane.send(fresh(2)) == [Sent("first:ref")] * 2
    lane.first.answer = lambda _: Sent("first:as-its-receipts-have-it")
    assert await lane.send(fresh(1)) == [Sent("first:as-its-receipts-have-it")]


@pytest.mark.parametrize("answer", [DOWN, BUSY, Doubtful("sms_401"), Doubtful("sms_404")])
async def test_what_the_first_surely_did_not_take_the_second_has_in_the_same_batch(
    lane: Lane, answer: Answer
) -> None:
    lane.first.answer = lambda _: answer
    assert await lane.send(fresh(20)) == [Sent("second:ref")] * 20
    assert len(lane.first.asked) <= 8


@pytest.mark.parametrize("answer", [TIMED_OUT, BROKEN])
async def test_what_the_first_perhaps_has_the_second_does_not_get(lane: Lane, answer: Answer) -> None:
    lane.first.answer = lambda _: answer
    batch = fresh(40)
    outcomes = await lane.send(batch)
    assert not lane.asked_twice
    assert held_by(outcomes) == {"first"}
    assert kinds(outcomes)["Sent"] == 40 - len(lane.first.asked)
    assert all(
        isinstance(outcome, Sent) or one.id in lane.first.asked
        for one, outcome in zip(batch, outcomes, strict=True)
    )


async def test_it_comes_back_to_the_first_alone_until_its_time_is_up(lane: Lane) -> None:
    lane.first.answer = lambda _: TIMED_OUT
    since = datetime.now(UTC)
    mine = fresh(1, Held("first", since), attempt=2)
    for _ in range(6):
        assert held_by(await lane.send(mine)) == {"first"}
        await lane.send(fresh(4))  # others open its breaker, and go on
        await asyncio.sleep(0.05)
    assert mine[0].id not in lane.second.asked
    late = [
        Outgoing(
            mine[0].id, mine[0].created_at, 3, mine[0].content, Held("first", since - timedelta(minutes=6))
        )
    ]
    assert await lane.send(late) == [Sent("second:ref")]


async def test_a_silent_provider_does_not_hold_the_batch_and_its_late_answer_counts(lane: Lane) -> None:
    lane.first.seconds = 0.6
    loop = asyncio.get_running_loop()
    before, batch = loop.time(), fresh(30)
    outcomes = await lane.send(batch)
    assert loop.time() - before < 0.5
    assert kinds(outcomes) == {"Sent": 26, "Unreachable": 4}
    assert held_by(outcomes) == {"first"}
    under_way = [one for one, outcome in zip(batch, outcomes, strict=True) if not isinstance(outcome, Sent)]
    # While it is busy nobody waits for it.
    assert await lane.send(fresh(10)) == [Sent("second:ref")] * 10
    await asyncio.sleep(0.7)
    back = [Outgoing(o.id, o.created_at, 1, o.content, Held("first", datetime.now(UTC))) for o in under_way]
    assert await lane.send(back) == [Sent("first:ref")] * 4
    assert max(Counter(lane.first.asked).values()) == 1
    assert not lane.asked_twice


async def test_a_provider_that_was_left_behind_begins_nothing_more_once_the_other_is_down(lane: Lane) -> None:
    lane.first.seconds = 0.4
    batch = fresh(30)
    assert kinds(await lane.send(batch)) == {"Sent": 26, "Unreachable": 4}
    lane.second.answer = lambda _: DOWN
    await lane.send(fresh(1))
    await asyncio.sleep(0.6)
    assert len(lane.first.asked) == 4
    assert not lane.asked_twice


async def test_a_probe_that_is_not_answered_holds_nobody_up(lane: Lane) -> None:
    lane.first.answer = lambda _: DOWN
    await lane.send(fresh(5))
    await asyncio.sleep(0.05)
    lane.first.seconds, lane.first.answer = 0.6, lambda _: Sent("late")
    loop = asyncio.get_running_loop()
    before = loop.time()
    outcomes = await lane.send(fresh(20))
    assert loop.time() - before < 0.3
    assert kinds(outcomes) == {"Sent": 19, "Unreachable": 1}


async def test_a_large_batch_at_a_provider_that_is_well_stays_there(lane: Lane) -> None:
    """It takes long in all, as it is large: no delivery takes long, and nothing goes to the spare one."""
    lane.first.seconds = 0.02
    assert await lane.send(fresh(60)) == [Sent("first:ref")] * 60


async def test_where_both_are_slow_nothing_moves() -> None:
    lane = Lane()
    lane.first.seconds = lane.second.seconds = 0.15
    for _ in range(5):
        assert kinds(await lane.send(fresh(12))) == {"Sent": 12}
    assert [route.standing for route in lane.sending.router.routes] == [1.0, 1.0]
    assert [line for line in lane.log.said if line["event"] == "provider.weights"] == []


async def test_a_provider_that_comes_back_gets_a_trace_first(lane: Lane) -> None:
    lane.first.answer = lambda _: DOWN
    await lane.send(fresh(10))
    lane.first.answer = lambda _: Sent("back")
    await asyncio.sleep(0.05)
    outcomes = await lane.send(fresh(100))
    assert 0 < Counter(outcomes)[Sent("first:back")] < 30
    weights = [line["shares"] for line in lane.log.said if line["event"] == "provider.weights"]
    assert weights[0] == {"first": 0.0, "second": 1.0}


async def test_while_all_are_down_everything_comes_back_and_nothing_is_lost(lane: Lane) -> None:
    lane.first.answer = lane.second.answer = lambda _: DOWN
    outcomes = await lane.send(fresh(12))
    assert kinds(outcomes) == {"Unreachable": 12}
    assert held_by(outcomes) == set()
    downs = {line["provider"] for line in lane.log.said if line["event"] == "provider.down"}
    assert downs == {"first", "second"}
    lane.second.answer = lambda _: Sent("up")
    await asyncio.sleep(0.25)
    assert await lane.send(fresh(12)) == [Sent("second:up")] * 12


async def test_the_second_is_sent_no_more_than_its_rate() -> None:
    lane = Lane(ordered=True, rate=20.0)
    lane.first.answer = lambda _: DOWN
    loop = asyncio.get_running_loop()
    before = loop.time()
    outcomes = await lane.send(fresh(100))
    seconds = loop.time() - before
    assert len(lane.second.asked) <= 20 * seconds + 20
    rest = [outcome for outcome in outcomes if isinstance(outcome, Unreachable)]
    assert len(rest) == 100 - len(lane.second.asked)
    assert {outcome.reason for outcome in rest} == {"provider_rate"}
    assert {outcome.retry_after for outcome in rest} <= {0.0, 15.0}


async def test_a_bundle_that_comes_again_after_a_crash_goes_where_it_went() -> None:
    lane = Lane()
    batch = fresh(60)
    await lane.send(batch)
    lane.restarted()
    again = [Outgoing(o.id, o.created_at, 1, o.content, None, redelivered=True) for o in batch]
    await lane.send(again)
    assert not lane.asked_twice
    assert lane.first.asked
    assert lane.second.asked


async def test_a_refusal_ends_a_delivery_whoever_gives_it(lane: Lane) -> None:
    lane.first.answer = lambda _: Refused("sms_landline")
    assert await lane.send(fresh(3)) == [Refused("sms_landline")] * 3
    assert lane.second.asked == []


async def test_closing_while_one_is_silent_ends(lane: Lane) -> None:
    lane.first.seconds = 60.0
    await lane.send(fresh(6))
    async with asyncio.timeout(1):
        await lane.sending.close()
    assert lane.first.closed
    assert lane.second.closed


async def test_that_one_works_alone_is_said_now_and_then(lane: Lane, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(several, "_ALONE_EVERY", 0.02)
    lane.first.answer = lambda _: DOWN
    for _ in range(3):
        await lane.send(fresh(2))
        await asyncio.sleep(0.03)
    said = [line for line in lane.log.said if line["event"] == "provider.alone"]
    assert said
    assert said[0]["provider"] == "second"


@pytest.mark.parametrize("seed", range(8))
async def test_whatever_two_providers_answer_what_one_perhaps_has_the_other_never_gets(seed: int) -> None:
    """Both by weight, with answers by chance, batch after batch, as the retries come back."""
    chance = Random(seed)  # noqa: S311 - repeatable, no secret
    lane = Lane(ordered=bool(seed % 2))
    heard: dict[UUID, list[tuple[str, Answer]]] = {}

    def by_chance(name: str) -> Callable[[Outgoing], Answer]:
        def answer(outgoing: Outgoing) -> Answer:
            answers: list[Answer] = [TIMED_OUT, BROKEN, BUSY, DOWN, Doubtful("sms_404"), *[Sent("r")] * 6]
            drawn = chance.choice(answers)
            heard.setdefault(outgoing.id, []).append((name, drawn))
            return drawn

        return answer

    lane.first.answer, lane.second.answer = by_chance("first"), by_chance("second")
    waiting, begun = fresh(40), 40
    async with asyncio.timeout(60):
        while waiting:
            outcomes = await lane.send(waiting)
            back = []
            for one, outcome in zip(waiting, outcomes, strict=True):
                if isinstance(outcome, Postponed | Unreachable):
                    held = Held(outcome.held_by, datetime.now(UTC)) if outcome.held_by else None
                    attempt = one.attempt + isinstance(outcome, Postponed)
                    back.append(replace(one, held=held, attempt=attempt, redelivered=chance.random() < 0.1))
            waiting = back + fresh(3 if begun < 100 else 0)
            begun += 3
            if chance.random() < 0.1:
                lane.restarted()
            await asyncio.sleep(0.01)
    assert len(heard) >= 100
    for answers in heard.values():
        assert isinstance(answers[-1][1], Sent), "nothing is lost"
        assert sum(isinstance(answer, Sent) for _, answer in answers) == 1, "nothing is sent twice"
        for n, (name, answer) in enumerate(answers):
            if answer in {TIMED_OUT, BROKEN}:
                assert {other for other, _ in answers[n:]} == {name}
