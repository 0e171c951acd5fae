"""The effect of a channel's lane: what is sent, and when, while its provider works or fails."""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import chain, count, cycle, repeat
from typing import Any
from uuid import UUID

import pytest

from services.notifier.channels.concurrency import ConcurrentSender
from services.notifier.guarded import GuardedProvider
from services.notifier.outcome import Answer, Doubtful, Outcome, Postponed, Refused, Sent, Unreachable
from services.notifier.outgoing import Outgoing
from services.notifier.settings import NotifierSettings
from services.notifier.suspicion import Hearing
from shared.contract.delivery import Sms
from shared.crypto.secret import Secret

LOCKED = Doubtful("sms_401")
BUSY = Doubtful("sms_429", 30.0, throttled=True)
DEAD = Doubtful("sms_404")
_ids = count(1)


def to(*names: str, attempt: int = 1) -> list[Outgoing]:
    created = datetime(2026, 3, 1, tzinfo=UTC)
    return [
        Outgoing(UUID(int=next(_ids)), created, attempt, Sms(name, Secret("PIN: ABCD2345"))) for name in names
    ]


class Provider:
    """A channel to a provider that answers by recipient; notes whom it was asked about, batch by batch."""

    name = "sms"

    def __init__(self) -> None:
        self.answer: Callable[[str], Answer] = lambda _: Sent("")
        self.asked: list[list[str]] = []
        self.concurrent = ConcurrentSender(4)

    async def send(self, batch: Sequence[Outgoing], hearing: Hearing) -> list[Answer]:
        """Send, as `Channel.send`."""
        self.asked.append([])
        return await self.concurrent.send(batch, self._send_one, hearing)

    async def _send_one(self, outgoing: Outgoing) -> Answer:
        assert isinstance(outgoing.content, Sms)
        self.asked[-1].append(outgoing.content.to)
        await asyncio.sleep(0)
        return self.answer(outgoing.content.to)

    async def close(self) -> None:
        """Nothing is held."""


class Log:
    def __init__(self) -> None:
        self.said: list[dict[str, Any]] = []

    def warning(self, event: str, **fields: object) -> None:
        """Keep what is said."""
        self.said.append({"event": event, **fields})


class Lane:
    """A lane of which only the sending is real, with all waits a hundredth of the defaults."""

    def __init__(self) -> None:
        self.provider, self.log = Provider(), Log()
        settings = NotifierSettings(
            breaker_base=timedelta(milliseconds=10),
            breaker_cap=timedelta(milliseconds=600),
            breaker_answered_cap=timedelta(milliseconds=100),
        )
        self.sending = GuardedProvider(self.provider, settings, self.log)

    async def send(self, outgoing: list[Outgoing]) -> list[Outcome]:
        """Send one batch."""
        return await self.sending.send(outgoing)

    @property
    def waits(self) -> list[int]:
        """How long the breaker was open, each time."""
        return [line["wait_ms"] for line in self.log.said]


@pytest.fixture
def lane() -> Lane:
    return Lane()


def dead(*names: str) -> Callable[[str], Answer]:
    return lambda name: DEAD if name in names else Sent("")


@pytest.mark.parametrize("answer", [DEAD, BUSY])
async def test_one_recipient_is_postponed_alone_and_nobody_else_waits(lane: Lane, answer: Doubtful) -> None:
    lane.provider.answer = lambda name: answer if name == "bad" else Sent("")
    for _ in range(5):
        assert await lane.send(to("bad")) == [Postponed(answer.reason, answer.retry_after)]
        assert await lane.send(to("a", "b")) == [Sent("")] * 2
    assert not lane.log.said


async def test_a_provider_that_refuses_everybody_is_then_asked_with_one_delivery_at_a_time(
    lane: Lane,
) -> None:
    lane.provider.answer = lambda _: LOCKED
    first = to(*"abcdefgh")
    outcomes = await lane.send(first)
    assert all(isinstance(outcome, Unreachable) for outcome in outcomes)
    for _ in range(5):
        outcomes = await lane.send(first)
        assert {type(outcome) for outcome in outcomes} == {Unreachable}
    # Of the first, at most two a sender: each was under way before the third had failed.
    assert [len(asked) for asked in lane.provider.asked] == [6, 1, 1, 1, 1, 1]
    assert {line["reason"] for line in lane.log.said} == {"sms_401"}
    lane.provider.answer = lambda _: Sent("")
    assert await lane.send(first) == [Sent("")] * 8
    assert [len(asked) for asked in lane.provider.asked[6:]] == [1, 7]


async def test_the_probe_is_of_one_that_has_not_just_failed_and_a_fresh_one_opens_the_way(lane: Lane) -> None:
    """Three dead numbers alone in the lane: the first who comes after them gets through at once."""
    lane.provider.answer = dead("x", "y", "z")
    assert {type(outcome) for outcome in await lane.send(to("x", "y", "z"))} == {Unreachable}
    outcomes = await lane.send([*to("x", "y", "z", attempt=2), *to("fresh", "too")])
    assert lane.provider.asked[1] == ["fresh"]
    assert outcomes == [*[Postponed("sms_404")] * 3, Sent(""), Sent("")]
    assert len(lane.log.said) == 1
    # Marked as suspects: from now on they do not open the breaker, alone or together.
    assert await lane.send(to("x", "y", "z")) == [Postponed("sms_404")] * 3
    assert len(lane.log.said) == 1


async def test_while_it_answers_it_is_not_left_alone_for_as_long(lane: Lane) -> None:
    lane.provider.answer = lambda _: LOCKED
    for _ in range(8):
        await lane.send(to(*"abc"))
    assert max(lane.waits) <= 100
    lane.provider.answer = lambda _: Unreachable("sms_connect")
    for _ in range(4):
        await lane.send(to(*"abc"))
    assert max(lane.waits) > 200


async def test_what_it_asks_for_is_the_breaker_s_wait_only_up_to_the_cap(lane: Lane) -> None:
    lane.provider.answer = lambda _: BUSY
    outcomes = await lane.send(to(*"abcde"))
    assert {type(outcome) for outcome in outcomes} == {Unreachable}
    assert all((outcome.retry_after or 0) <= 0.6 for outcome in outcomes if isinstance(outcome, Unreachable))
    assert lane.waits == [pytest.approx(600, abs=1)]


async def test_a_probe_that_was_not_sent_leaves_the_way_to_the_next(lane: Lane) -> None:
    lane.provider.answer = lambda _: Unreachable("smtp_connect")
    await lane.send(to("a"))
    lane.provider.answer = lambda name: Refused("bad_address", unasked=True) if name == "bad" else Sent("")
    assert await lane.send(to("bad", "b", "c")) == [Refused("bad_address", unasked=True), Sent(""), Sent("")]
    assert lane.provider.asked[1:] == [["bad"], ["b"], ["c"]]


@pytest.mark.parametrize("in_turn", [True, False])
async def test_a_throttle_that_lasts_uses_up_no_tries_of_a_backlog(lane: Lane, *, in_turn: bool) -> None:
    """The gateway takes every second SMS, or ten and then none until the next batch."""
    busy = Doubtful("sms_429", throttled=True)
    waiting, tries = to(*(str(n) for n in range(200))), Counter[UUID]()
    while waiting:
        answers = cycle([Sent(""), busy]) if in_turn else chain(repeat(Sent(""), 10), repeat(busy))
        lane.provider.answer = lambda _, answers=answers: next(answers)  # type: ignore[misc]
        outcomes = await lane.send(waiting)
        pairs = list(zip(waiting, outcomes, strict=True))
        tries.update(one.id for one, outcome in pairs if isinstance(outcome, Postponed))
        # What has counted an attempt comes back last, as by its backoff.
        pairs.sort(key=lambda pair: isinstance(pair[1], Postponed))
        waiting = [one for one, outcome in pairs if not isinstance(outcome, Sent)]
    assert max(tries.values(), default=0) < 5


async def test_after_a_throttled_batch_the_next_begins_after_a_rest(lane: Lane) -> None:
    lane.sending._breaker = lane.sending._breaker.__class__(base=timedelta(milliseconds=200))
    lane.provider.answer = lambda name: BUSY if name.isupper() else Sent("")
    outcomes = await lane.send(to(*"AaBbCcDdEe"))
    assert not lane.log.said
    assert {type(outcome) for outcome in outcomes} == {Sent, Unreachable}
    loop = asyncio.get_running_loop()
    before = loop.time()
    await lane.send(to("f"))
    assert loop.time() - before >= 0.1
    before = loop.time()
    await lane.send(to("g"))
    assert loop.time() - before < 0.1
