"""What the runner of faults computes and writes: the silence, the quantiles, the table."""

from dataclasses import replace
from pathlib import Path

from tests.cluster.load import Measured, longest_silence, quantile
from tests.cluster.report import Run, keep, read, table

MEASURED = Measured(100, 2.5, 0.2, 3.0, 4.0, 0.99, 1)
RUN = Run("leader_killed", 7, 200.0, 60.0, "2026-11-27 17:00:00", {"cores": "2"}, MEASURED)
FAILED = replace(RUN, seed=8, measured=None, failure="AssertionError: no reply", logs="somewhere")


async def leader_killed() -> None:
    """SIGKILL of the leader."""


def test_a_silence_is_between_two_halves_or_at_an_end() -> None:
    assert longest_silence([1.0, 4.0, 5.0], 3.0, 10.0) == 5.0
    assert longest_silence([6.0], 0.0, 7.0) == 6.0
    assert longest_silence([], 0.0, 7.0) == 7.0


def test_a_quantile_is_a_value_that_was_seen() -> None:
    assert [quantile([1.0, 2.0, 3.0, 4.0, 5.0], share) for share in (0.5, 0.99, 1)] == [3.0, 5.0, 5.0]
    assert quantile([1.0], 0.5) == 1.0


def test_runs_are_read_as_they_were_kept(tmp_path: Path) -> None:
    file = tmp_path / "runs.jsonl"
    for run in (RUN, FAILED):
        keep(run, file)
    assert read([file]) == [RUN, FAILED]


def test_a_run_that_failed_is_in_the_table_and_in_no_figure() -> None:
    text = table([RUN, FAILED], {"leader_killed": leader_killed})
    row = next(line for line in text.splitlines() if line.startswith("| `leader_killed`: SIGKILL"))
    assert "| 2, **1 failed** | 2.5 | 2.5 | 2.5 | 0.2 | 3.0 | 4.0 | 99.00% | 1 of 100 |" in row
    assert "`leader_killed --seed 8` failed: AssertionError: no reply" in text
