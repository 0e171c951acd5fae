"""A handful of lives on the whole stack: the same machine, through the broker, with what really arrives."""

import asyncio
from collections import Counter
from itertools import count
from typing import ClassVar

from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from deploy.local.stack import Stack
from tests.kit.harness import harness_on
from tests.life import upgrade
from tests.life.lives import Life
from tests.life.stack_world import LivesOnStack, StackWorld

SHORTER = {
    "PIN_DISPOSITIVO_DELAY": "PT1S",
    "PIN_BLIND_REPLY_AFTER": "PT0.01S",
    "PIN_RELAY_INTERVAL": "PT0.2S",
}
DIFFERENT = 20
"""Answers, by type and code, that the lives are given between them: else they are too much alike."""
FEW = settings(
    max_examples=12,
    stateful_step_count=12,
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.generate],  # a life cannot be replayed, so it cannot be shrunk
    suppress_health_check=list(HealthCheck),
)


class LifeOnTheStack(Life):
    """A life on real servers in real time: it waits for the effect of approvals."""

    answers: ClassVar[Counter[tuple[str, str]]] = Counter()
    """How often each type of command got each code."""

    def __init__(self, lives: LivesOnStack, number: int) -> None:
        self.world = StackWorld(lives, number)
        super().__init__(self.world)

    def approved(self) -> None:
        """R29: the effect comes by itself, and not before its time."""
        request = self.citizen.expected.request
        if request and (due := request.effective_at):
            self.world.until(lambda: self.world.now >= due, "the time of the effect")
            upgrade.takes_effect(self.citizen, request.id)

    def teardown(self) -> None:
        """R5, R6, R14, R15, R32: every istanza was released once; nothing came but what had to."""
        expected = Counter(self.citizen.expected.released)
        released = self.world.protocols_released
        self.world.until(lambda: sum(released().values()) >= sum(expected.values()), "the releases")
        assert released() == expected
        assert not self.citizen.unread()
        self.answers.update(self.citizen.answers)


async def test_the_stack_lives_as_the_decisions_do(stack: Stack) -> None:
    """R5-R8, R10-R32: the replies, what arrives, and the status and level in the ledger, at each step."""
    stack.settings |= SHORTER
    stack.start_workers()
    numbers = count(1)
    async with harness_on(stack) as harness, LivesOnStack(harness) as lives:

        class NextLife(LifeOnTheStack):
            def __init__(self) -> None:
                super().__init__(lives, next(numbers))

        await asyncio.to_thread(run_state_machine_as_test, NextLife, settings=FEW)
    assert len(LifeOnTheStack.answers) >= DIFFERENT, LifeOnTheStack.answers
