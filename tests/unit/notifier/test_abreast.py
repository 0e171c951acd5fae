from datetime import UTC, datetime
from uuid import UUID

from services.notifier.channels.abreast import send_abreast
from services.notifier.outcome import Outcome, Postponed, Refused, Sent, Unreachable
from services.notifier.outgoing import Outgoing
from shared.delivery import Sms
from shared.secret import Secret


def batch(size: int) -> list[Outgoing]:
    content = Sms("+393331234567", Secret("PIN"))
    return [Outgoing(UUID(int=n), datetime(2026, 3, 1, tzinfo=UTC), 1, content) for n in range(size)]


async def test_outcomes_come_in_the_order_of_the_batch() -> None:
    async def send_one(outgoing: Outgoing) -> Outcome:
        return Sent(str(outgoing.id.int))

    assert await send_abreast(batch(7), 3, send_one) == [Sent(str(n)) for n in range(7)]


async def test_nothing_to_send_has_no_outcomes() -> None:
    async def send_one(_: Outgoing) -> Outcome:
        raise AssertionError

    assert await send_abreast([], 3, send_one) == []


async def test_a_provider_that_is_down_is_asked_once_by_each_sender_and_not_for_each_delivery() -> None:
    asked = []

    async def send_one(outgoing: Outgoing) -> Outcome:
        asked.append(outgoing)
        return Unreachable("down", 5.0)

    assert await send_abreast(batch(50), 3, send_one) == [Unreachable("down", 5.0)] * 50
    assert len(asked) == 3


async def test_one_delivery_that_finds_the_provider_down_does_not_keep_the_others_back() -> None:
    async def send_one(outgoing: Outgoing) -> Outcome:
        return Unreachable("down") if outgoing.id.int == 0 else Sent("")

    assert await send_abreast(batch(9), 2, send_one) == [Unreachable("down"), *[Sent("")] * 8]


async def test_a_fault_of_ours_with_one_delivery_counts_an_attempt_and_is_logged_without_its_text() -> None:
    async def send_one(outgoing: Outgoing) -> Outcome:
        if outgoing.id.int == 1:
            raise RuntimeError("anna@example.it")
        return Refused("no")

    outcomes = await send_abreast(batch(3), 1, send_one)
    assert outcomes == [Refused("no"), Postponed("channel_fault"), Refused("no")]
