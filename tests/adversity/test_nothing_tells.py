"""Neither the content nor the timing of a reply reveals whether a citizen exists (R14, R19, and of R11)."""

import sys

import pytest

from deploy.local.stack import Stack
from tests.adversity import timing

WORKERS = timing.WORKERS
SETTINGS = timing.SETTINGS
PAIRS = 40
SMALLEST_TOLD = 5.0
"""Milliseconds. So few pairs tell only a gross difference; `python -m tests.adversity.timing` tells more."""
CHANCE = 1e-4


async def test_known_and_unknown_get_the_same_answer_in_the_same_time(
    running: Stack, capsys: pytest.CaptureFixture[str]
) -> None:
    found = await timing.compared(running, PAIRS)
    with capsys.disabled():
        sys.stdout.write(f"\n{timing.table(found)}")
    for comparison in found:
        assert comparison.alike, (comparison.name, comparison.replies)
        differs = abs(comparison.difference) > SMALLEST_TOLD
        assert not (differs and comparison.by_chance < CHANCE), str(comparison)
