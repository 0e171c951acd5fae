from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from services.notifier.backoff import exhausted, next_delay

MINUTE = timedelta(minutes=1)


@given(attempt=st.integers(1, 10_000), jitter=st.floats(0, 1, exclude_max=True))
def test_a_wait_is_never_nothing_and_never_past_the_cap(attempt: int, jitter: float) -> None:
    assert timedelta(seconds=1) <= next_delay(attempt, jitter, MINUTE, 10 * MINUTE) <= 10 * MINUTE


def test_the_longest_wait_doubles_with_each_try() -> None:
    longest = [next_delay(attempt, 0.5, MINUTE, 60 * MINUTE) for attempt in (1, 2, 3, 4)]
    assert longest == [MINUTE / 2, MINUTE, 2 * MINUTE, 4 * MINUTE]


def test_the_last_try_allowed_exhausts_a_delivery() -> None:
    assert [exhausted(attempt, 8) for attempt in (1, 7, 8, 9)] == [False, False, True, True]
