"""The last release and this tree roll, forward, back and forward again, and nothing is lost."""

import sys

import pytest

from tests.upgrade.releases import NoReleaseError, last_release
from tests.upgrade.rolling import upgrade


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")  # shown where the test fails


async def test_the_last_release_and_this_one_roll_under_load_and_back() -> None:
    try:
        await upgrade(last_release(), rate=4, lives=8, say=say)
    except NoReleaseError as missing:
        pytest.skip(str(missing))
