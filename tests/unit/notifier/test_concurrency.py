import asyncio
from datetime import UTC, datetime
from uuid import UUID

from services.notifier.channels.concurrency import ConcurrentSender, send_concurrently
from services.notifier.outcome import Answer, Doubtful, Postponed, Refused, Sent, Unreachable
from services.notifier.outgoing import Outgoing
from services.notifier.suspicion import Hearing
from shared.contract.delivery import Sms
from shared.crypto.secret import Secret
from tests.kit.waiting import until

NOT_TRIED = Unreachable("not_tried")
UNKNOWN = Doubtful("sms_404")
BUSY = Doubtful("sms_429", 30.0, throttled=True)


def batch(size: int) -> list[Outgoing]:
    return [
        Outgoing(
            UUID(int=n), datetime(2026, 3, 1, tzinfo=UTC), 1, Sms(f"+39333{n:07}", Secret("PIN: ABCD2345"))
        )
        for n in range(size)
    ]


class Provider:
    """Answers by number, and notes who asked and how many at once."""

    def __init__(self, bad: dict[int, Answer] | None = None, everybody: Answer | None = None) -> None:
        self.bad = bad or {}
        self.everybody = everybody or Sent("")
        self.asked: list[int] = []
        self.slow: dict[int, asyncio.Event] = {}
        self.under_way = self.most = 0

    async def __call__(self, outgoing: Outgoing) -> Answer:
        """Answer one."""
        number = outgoing.id.int
        self.asked.append(number)
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        await (self.slow[number].wait() if number in self.slow else asyncio.sleep(0))
        self.under_way -= 1
        return self.bad.get(number, self.everybody)


async def test_answers_come_in_the_order_of_the_batch() -> None:
    async def send_one(outgoing: Outgoing) -> Answer:
        return Sent(str(outgoing.id.int))

    assert await send_concurrently(batch(7), 3, send_one, Hearing()) == [Sent(str(n)) for n in range(7)]


async def test_nothing_to_send_has_no_answers() -> None:
    async def send_one(_: Outgoing) -> Answer:
        raise AssertionError

    assert await send_concurrently([], 3, send_one, Hearing()) == []


async def test_a_provider_that_is_down_is_asked_once_by_each_sender_and_not_for_each_delivery() -> None:
    provider = Provider(everybody=Unreachable("down", 5.0))
    assert await send_concurrently(batch(50), 3, provider, Hearing()) == [Unreachable("down", 5.0)] * 50
    assert len(provider.asked) == 3


async def test_one_delivery_that_finds_the_provider_down_does_not_keep_the_others_back() -> None:
    provider = Provider({0: Unreachable("down")})
    answers = await send_concurrently(batch(9), 2, provider, Hearing())
    assert answers == [Unreachable("down"), *[Sent("")] * 8]


async def test_one_recipient_that_is_refused_or_throttled_sends_no_sender_away() -> None:
    for answer in (UNKNOWN, BUSY):
        provider = Provider({0: answer, 1: answer})
        answers = await send_concurrently(batch(9), 1, provider, Hearing())
        assert answers == [answer, answer, *[Sent("")] * 7]


async def test_a_provider_that_refuses_several_alike_is_not_asked_for_the_rest() -> None:
    provider = Provider(everybody=UNKNOWN)
    answers = await send_concurrently(batch(50), 1, provider, Hearing())
    assert answers == [*[UNKNOWN] * 3, *[NOT_TRIED] * 47]


async def test_if_what_is_under_way_succeeds_after_all_the_rest_goes_out() -> None:
    """Dead numbers at the head of a batch: they are answered before the first success is."""
    dead = (0, 1, 2, 4, 5)
    provider = Provider(dict.fromkeys(dead, UNKNOWN))
    provider.slow[3] = asyncio.Event()

    async def succeed_late() -> None:
        await until(
            lambda: provider.under_way == 1 and len(provider.asked) == 6, "the first answers", every=0
        )
        provider.slow[3].set()

    answers, _ = await asyncio.gather(send_concurrently(batch(20), 4, provider, Hearing()), succeed_late())
    assert answers == [UNKNOWN if n in dead else Sent("") for n in range(20)]


async def test_one_that_is_slow_keeps_no_other_from_being_begun_again() -> None:
    dead = (0, 1, 2, 5, 6)
    provider = Provider(dict.fromkeys(dead, UNKNOWN))
    provider.slow = {3: asyncio.Event(), 4: asyncio.Event()}

    async def succeed_late() -> None:
        await until(
            lambda: provider.under_way == 2 and len(provider.asked) == 7, "the first answers", every=0
        )
        provider.slow[3].set()
        await until(lambda: len(provider.asked) == 20, "the rest", every=0)
        provider.slow[4].set()

    async with asyncio.timeout(5):
        answers, _ = await asyncio.gather(
            send_concurrently(batch(20), 5, provider, Hearing()), succeed_late()
        )
    assert answers == [UNKNOWN if n in dead else Sent("") for n in range(20)]


async def test_a_provider_that_throttles_several_loses_the_senders_that_meet_it() -> None:
    """Beside successes, so that it is up: every second one is throttled."""
    provider = Provider(dict.fromkeys(range(0, 50, 2), BUSY))
    answers = await send_concurrently(batch(50), 2, provider, Hearing())
    assert answers.count(BUSY) == 4
    assert NOT_TRIED in answers


async def test_after_a_throttled_batch_half_as_many_are_sent_at_once_and_more_again_when_it_is_well() -> None:
    concurrent = ConcurrentSender(8)
    widths = []
    for everybody in (BUSY, BUSY, BUSY, BUSY, Sent(""), Sent(""), Sent(""), Sent("")):
        provider = Provider(everybody=everybody)
        await concurrent.send(batch(20), provider, Hearing())
        widths.append(provider.most)
    assert widths == [8, 4, 2, 1, 1, 2, 4, 8]


async def test_a_batch_too_small_to_show_what_the_provider_bears_changes_nothing() -> None:
    concurrent = ConcurrentSender(8)
    await concurrent.send(batch(20), Provider(everybody=BUSY), Hearing())
    await concurrent.send(batch(3), Provider(), Hearing())
    assert concurrent.width == 4


async def test_a_fault_of_ours_with_one_delivery_counts_an_attempt_and_is_logged_without_its_text() -> None:
    async def send_one(outgoing: Outgoing) -> Answer:
        if outgoing.id.int == 1:
            raise RuntimeError("anna@example.it")
        return Refused("no")

    answers = await send_concurrently(batch(3), 1, send_one, Hearing())
    assert answers == [Refused("no"), Postponed("channel_fault", unasked=True), Refused("no")]
