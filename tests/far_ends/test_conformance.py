"""Every adapter to a far end keeps the contract of `Channel`: one suite for all of them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from services.notifier.guarded import Sender
from services.notifier.outcome import Outcome, Postponed, Refused, Sent, Unreachable
from services.notifier.outgoing import Outgoing
from services.notifier.suspicion import Suspicion
from services.notifier.timed import TimedHearing
from tests.far_ends.conformance import FarEnd, Fault, HttpSms, Pec, PostFolder, SeveralSms, SmppSms, SmtpMail

ADAPTERS: tuple[type[FarEnd], ...] = (HttpSms, SmppSms, SmtpMail, Pec, PostFolder, SeveralSms)
PATIENCE = 5.0
"""Seconds that any batch may take here, and closing too."""


@pytest.fixture(params=ADAPTERS, ids=lambda adapter: adapter.name)
def far_end(request: pytest.FixtureRequest) -> FarEnd:
    made: FarEnd = request.param()
    return made


@pytest.fixture
async def sender(far_end: FarEnd, tmp_path: Path) -> AsyncIterator[Sender]:
    async with AsyncExitStack() as stack:
        opened = await far_end.sender(stack, tmp_path)
        yield opened
        await opened.close()


def having(far_end: FarEnd, fault: Fault) -> None:
    if fault not in far_end.can:
        pytest.skip(f"{far_end.name} has no {fault}")


async def sent(sender: Sender, batch: list[Outgoing]) -> list[Outcome]:
    async with asyncio.timeout(PATIENCE):
        return await sender.send(batch)


async def test_success(far_end: FarEnd, sender: Sender) -> None:
    batch = [far_end.delivery(n) for n in range(9)]
    outcomes = await sent(sender, batch)
    assert all(isinstance(outcome, Sent) for outcome in outcomes), outcomes
    assert all(
        isinstance(outcome, Sent) and len(outcome.reference) <= 200 and outcome.reference.isprintable()
        for outcome in outcomes
    )
    taken = far_end.taken()
    assert len({key for key, _ in taken}) == len(taken), "something went out twice"


async def test_a_refusal_ends_one_delivery_and_touches_no_other(far_end: FarEnd, sender: Sender) -> None:
    having(far_end, "refuse")
    far_end.fail("refuse", 3)
    outcomes = await sent(sender, [far_end.delivery(n) for n in range(6)])
    refused = outcomes.pop(3)
    assert isinstance(refused, Refused), refused
    assert refused.reason.replace("_", "").replace(".", "").isalnum(), "a stable word, no text of the far end"
    assert all(isinstance(outcome, Sent) for outcome in outcomes), outcomes


async def test_a_throttle_costs_no_attempt_and_all_goes_when_it_ends(far_end: FarEnd, sender: Sender) -> None:
    having(far_end, "throttle")
    far_end.fail("throttle")
    batch = [far_end.delivery(n) for n in range(20)]
    outcomes = await sent(sender, batch)
    assert {type(outcome) for outcome in outcomes} == {Unreachable}, outcomes
    far_end.fail("well")
    for n in range(20):
        far_end.fail("well", n)
    waiting = batch
    for _ in range(20):
        outcomes = await sent(sender, waiting)
        assert not any(isinstance(outcome, Refused) for outcome in outcomes)
        waiting = [
            one for one, outcome in zip(waiting, outcomes, strict=True) if not isinstance(outcome, Sent)
        ]
        if not waiting:
            return
        await asyncio.sleep(0.1)
    raise AssertionError(f"{len(waiting)} are left")


@pytest.mark.parametrize("fault", ["silence", "drop"])
async def test_what_was_perhaps_taken_is_postponed_alone_and_repeated_with_the_same_bytes(
    far_end: FarEnd, sender: Sender, fault: Fault
) -> None:
    having(far_end, fault)
    far_end.fail(fault, 2)
    batch = [far_end.delivery(n) for n in range(6)]
    outcomes = await sent(sender, batch)
    postponed = outcomes.pop(2)
    assert isinstance(postponed, Postponed), postponed
    assert all(isinstance(outcome, Sent) for outcome in outcomes), outcomes
    far_end.fail("well", 2)
    again = replace(batch[2], attempt=2)
    (outcome,) = await sent(sender, [again])
    assert isinstance(outcome, Sent), outcome
    by_key: dict[str, set[bytes]] = {}
    for key, content in far_end.taken():
        by_key.setdefault(key, set()).add(content)
    assert len(by_key) == 6, "the repeat came under another key"
    assert all(len(contents) == 1 for contents in by_key.values()), "the repeat has other bytes"


@pytest.mark.parametrize("fault", ["silence", "drop"])
async def test_the_adapter_itself_says_that_it_was_perhaps_taken(
    far_end: FarEnd, tmp_path: Path, fault: Fault
) -> None:
    """Else of several providers a second would get what the first has."""
    having(far_end, fault)
    async with AsyncExitStack() as stack:
        channel = await far_end.open(stack, tmp_path)
        far_end.fail(fault, 0)
        hearing = TimedHearing(Suspicion(), 60.0, lambda: False, probing=False)
        lost, well = far_end.delivery(0), far_end.delivery(1)
        async with asyncio.timeout(PATIENCE):
            answers = await channel.send([lost, well], hearing)
        assert isinstance(answers[1], Sent)
        assert hearing.perhaps == {lost.id}
        assert hearing.begun == {lost.id, well.id} or not hearing.begun
        await channel.close()


async def test_a_repeat_is_the_same_bytes_under_the_same_key(far_end: FarEnd, sender: Sender) -> None:
    batch = [far_end.delivery(n) for n in range(3)]
    await sent(sender, batch)
    once = set(far_end.taken())
    await sent(sender, [replace(one, attempt=2, redelivered=True) for one in batch])
    assert set(far_end.taken()) == once


async def test_closing_while_it_sends_ends_soon(far_end: FarEnd, sender: Sender) -> None:
    if "silence" in far_end.can:
        far_end.fail("silence")
    sending = asyncio.create_task(sender.send([far_end.delivery(n) for n in range(4)]))
    await asyncio.sleep(0.1)
    async with asyncio.timeout(PATIENCE):
        await sender.close()
        outcomes = await sending
    assert len(outcomes) == 4
    assert not any(isinstance(outcome, Refused) for outcome in outcomes)
