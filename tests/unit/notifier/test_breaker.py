from datetime import UTC, datetime, timedelta

from services.notifier.breaker import Breaker, State

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def test_a_breaker_starts_closed() -> None:
    assert Breaker().state(NOW) is State.CLOSED
    assert Breaker().wait(NOW) == timedelta(0)


def test_a_failure_opens_it_for_a_while() -> None:
    breaker = Breaker(base=4 * SECOND).failed(NOW, jitter=0)
    assert breaker.state(NOW + SECOND) is State.OPEN
    assert breaker.wait(NOW + SECOND) == SECOND


def test_when_the_time_has_passed_it_is_half_open() -> None:
    breaker = Breaker(base=SECOND).failed(NOW, jitter=1)
    assert breaker.state(NOW + SECOND) is State.HALF_OPEN
    assert breaker.wait(NOW + SECOND) == timedelta(0)


def test_a_success_closes_it_and_forgets_the_failures() -> None:
    assert Breaker().failed(NOW, 0).failed(NOW, 0).succeeded() == Breaker()


def test_each_failure_in_a_row_doubles_the_open_time_up_to_the_cap() -> None:
    breaker, waits = Breaker(base=SECOND, cap=5 * SECOND), []
    for _ in range(5):
        breaker = breaker.failed(NOW, jitter=1)
        waits.append(breaker.wait(NOW) / SECOND)
    assert waits == [1, 2, 4, 5, 5]


def test_chance_spreads_the_end_over_the_second_half() -> None:
    ends = [Breaker(base=4 * SECOND).failed(NOW, jitter).wait(NOW) / SECOND for jitter in (0, 0.5, 1)]
    assert ends == [2, 3, 4]


def test_what_the_provider_asks_for_is_never_shortened() -> None:
    breaker = Breaker(base=SECOND, cap=5 * SECOND).failed(NOW, 0.5, retry_after=120)
    assert breaker.wait(NOW) == 120 * SECOND


def test_a_probe_that_fails_opens_it_again() -> None:
    later = NOW + 2 * SECOND
    breaker = Breaker(base=SECOND).failed(NOW, 1).failed(later, 1)
    assert breaker.state(later) is State.OPEN
    assert breaker.state(later + 2 * SECOND) is State.HALF_OPEN


def test_a_shorter_cap_counts_this_once_and_a_longer_one_never() -> None:
    breaker = Breaker(base=4 * SECOND, cap=8 * SECOND)
    assert breaker.failed(NOW, 1, cap=2 * SECOND).wait(NOW) == 2 * SECOND
    assert breaker.failed(NOW, 1, cap=2 * SECOND).failed(NOW, 1).wait(NOW) == 8 * SECOND
    assert breaker.failed(NOW, 1, cap=20 * SECOND).failed(NOW, 1).wait(NOW) == 8 * SECOND
