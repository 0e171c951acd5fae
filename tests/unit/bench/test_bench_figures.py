"""The arithmetic of the benchmark."""

import pytest

from tests.bench.figures import Spread, fair_share, percentile, verdict


def test_a_spread_tells_median_extremes_and_how_many_runs_there_were() -> None:
    spread = Spread.of([3.0, 1.0, 2.0])
    assert spread == Spread(median=2.0, low=1.0, high=3.0, runs=3)
    assert spread.told("pages/s", 1) == "median 2.0 pages/s   (min 1.0, max 3.0, 3 runs)"
    assert Spread(**spread.as_json()) == spread


def test_one_run_is_told_as_one() -> None:
    assert Spread.of([7.4]).told("/s") == "median 7 /s   (min 7, max 7, 1 run)"


@pytest.mark.parametrize(("share", "value"), [(0.5, 50), (0.99, 99), (1.0, 100), (0.001, 1)])
def test_a_percentile_is_the_smallest_value_that_enough_values_do_not_exceed(
    share: float, value: float
) -> None:
    assert percentile([float(n) for n in range(100, 0, -1)], share) == value


def test_a_percentile_of_one_value_is_that_value() -> None:
    assert percentile([4.2], 0.99) == 4.2


def test_of_two_jobs_that_both_want_the_machine_each_is_due_half() -> None:
    assert fair_share(own=2.0, other=2.0, cores=2) == 0.5


def test_what_the_other_job_leaves_free_is_free_to_take() -> None:
    assert fair_share(own=2.0, other=0.5, cores=2) == 0.75


def test_a_job_that_wants_less_than_its_half_is_due_all_of_it() -> None:
    assert fair_share(own=0.8, other=2.0, cores=2) == 1.0


@pytest.mark.parametrize(
    ("value", "at_least", "told"),
    [
        (0.9, True, "target at least 0.9: met"),
        (0.89, True, "target at least 0.9: MISSED"),
        (0.9, False, "target at most 0.9: met"),
        (0.91, False, "target at most 0.9: MISSED"),
    ],
)
def test_a_verdict_says_whether_the_target_is_met(value: float, at_least: bool, told: str) -> None:  # noqa: FBT001
    assert verdict(value, 0.9, at_least=at_least) == told
