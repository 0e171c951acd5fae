"""The benchmark's summary of its runs, and its command line."""

import json
from argparse import ArgumentTypeError
from pathlib import Path

import pytest

from tests.bench import backlog, growth, report
from tests.bench.__main__ import MEASURES, arguments, chosen
from tests.bench.growth import Grown
from tests.bench.run_monitor import Run
from tests.bench.throughput import layout, lines, summary


def run(name: str, rate: float, delivered: float) -> Run:
    return Run(
        name=name,
        requests=1000,
        rate=rate,
        delivered=delivered,
        cpu_ms={"worker": 1000 / rate, "postgres": 0.25},
        peak_mb={"worker": rate / 10},
    )


RUNS = [
    run("pin-online", 1000, 1200),
    run("celery", 100, 300),
    run("faststream", 200, 210),
    run("pin-online", 1100, 1300),
    run("celery", 120, 280),
    run("faststream", 180, 190),
    run("pin-online", 900, 1100),
]


def test_the_ratio_is_that_of_the_medians_to_the_better_peer_by_either_clock() -> None:
    told = summary(RUNS)
    assert told["ratio"] == pytest.approx(1000 / 190)
    assert told["ratio_delivered"] == pytest.approx(1200 / 290)


def test_cpu_time_is_the_median_and_memory_the_peak_of_all_runs() -> None:
    ours = summary(RUNS)["pin-online"]
    assert ours["cpu_ms"] == {"worker": 1.0, "postgres": 0.25}
    assert ours["peak_mb"] == {"worker": 110}
    assert ours["rate"] == {"median": 1000, "low": 900, "high": 1100, "runs": 3}


def test_the_verdict_is_about_the_smaller_ratio() -> None:
    """A contender that issues all before it delivers anything looks too good by one of the clocks."""
    told = lines(summary(RUNS))
    assert told[-2] == "times the better peer: 5.26, from first deliveries 4.14; target at least 12: MISSED"


def test_the_last_line_is_about_all_cpu() -> None:
    assert lines(summary(RUNS))[-1] == "all CPU 1.25 ms an issuance; target at most 1.05: MISSED"


def test_a_peer_is_shown_with_the_processes_that_serve_it_best() -> None:
    told = lines(summary(RUNS) | {"processes": {"celery": 8, "faststream": 4}})
    assert [line.split(",")[-2] for line in told if "processes" in line] == [
        " 2 runs) of 1000 by 8 processes",
        " 2 runs) of 1000 by 4 processes",
    ]


def test_each_larger_ledger_is_compared_with_the_smallest() -> None:
    found = [
        Grown(10, rates=[100.0, 110.0, 90.0], wal=[9000.0]),
        Grown(1_000_000, rates=[98.0], wal=[19_000.0]),
        Grown(10_000_000, rates=[94.0], wal=[21_000.0]),
    ]
    lines = [line.strip() for line in growth.told(found).lines]
    assert [line for line in lines if "rate with" in line] == [
        "0.98 of the rate with 10; target at least 0.97: met",
        "0.94 of the rate with 10; target at least 0.95: MISSED",
    ]
    assert [line.rpartition(": ")[2] for line in lines if "WAL" in line] == ["met", "met", "MISSED"]


def test_a_long_queue_is_compared_with_the_shortest_by_rabbitmq_s_cpu_alone() -> None:
    def found(*spent: float) -> list[Run]:
        return [Run("pin-online", 100, 1.0, 1.0, {"issuer": 9.0, "rabbitmq": one}) for one in spent]

    told = backlog.told({8: found(0.2, 0.1, 0.3), 60: found(0.3), 200: found(0.9, 0.7)}, 100)
    assert told.lines == [
        "        8 waiting  median 0.200 ms of CPU each   (min 0.100, max 0.300, 3 runs)",
        "       60 waiting  median 0.300 ms of CPU each   (min 0.300, max 0.300, 1 run)",
        "      200 waiting  median 0.800 ms of CPU each   (min 0.700, max 0.900, 2 runs)",
        "with 60 waiting 1.50 times that with 8; target at most 1.5: met",
        "with 200 waiting 4.00 times that with 8; target at most 1.5: MISSED",
    ]


def test_without_peers_there_is_no_ratio() -> None:
    told = summary([run("pin-online", 1000, 1200)])
    assert told.keys() == {"pin-online"}
    assert len(lines(told)) == 5


def test_every_process_and_their_sum_stand_in_the_lines() -> None:
    assert "worker 1.00  postgres 0.25  all 1.25" in lines(summary(RUNS))[2]


def test_results_are_kept_as_json_in_a_folder_that_is_made(tmp_path: Path) -> None:
    path = tmp_path / "bench/one.json"
    report.keep({"forms": {"rate": 1.5}}, path)
    assert json.loads(path.read_bytes()) == {"forms": {"rate": 1.5}}


def test_nothing_named_is_everything() -> None:
    assert chosen([], arguments()).measures == list(MEASURES)


def test_what_is_named_is_run_once_and_in_order() -> None:
    options = chosen(["forms", "logins", "forms", "--logins", "50"], arguments())
    assert options.measures == ["forms", "logins"]
    assert options.logins == 50


@pytest.mark.parametrize(
    ("given", "said"), [(["thruput"], "no measure thruput"), (["--setting", "BATCH"], "NAME=value")]
)
def test_what_cannot_be_run_is_said_before_anything_starts(
    given: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        chosen(given, arguments())
    assert said in capsys.readouterr().err


def test_a_layout_names_workers_and_leaves_one_of_each_other() -> None:
    assert layout("issuer=2,sms=3") == {"issuer": 2, "sms": 3, "email": 1, "post": 1}


def test_a_layout_knows_no_other_worker() -> None:
    with pytest.raises(ArgumentTypeError, match="no worker fax"):
        layout("fax=2")


def test_the_command_of_the_page_names_no_file_of_the_machine() -> None:
    given = ["growth", "--out", "/home/somebody/a.json", "--growth-runs", "2", "--out=/home/somebody/b.json"]
    assert report.command(given) == "python -m tests.bench growth --growth-runs 2"
