"""The page that is made of a benchmark's figures."""

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

from deploy.local.processes import CHECKOUT
from tests.bench import growth
from tests.bench.__main__ import MEASURES, main
from tests.bench.growth import Grown
from tests.bench.measure import Told
from tests.bench.page import page
from tests.bench.run_monitor import Run
from tests.bench.throughput import lines, summary
from tests.bench.upkeep import Upkeep


def kept(name: str, told: Told, **conditions: str) -> dict[str, Any]:
    """Return what a run of one measure is read as."""
    figures = {"title": told.title, "lines": told.lines, "values": told.values, "took": 1.0}
    run: dict[str, Any] = json.loads(json.dumps({"conditions": conditions, name: figures}))
    return run


def contest() -> Told:
    runs = [
        Run("pin-online", 2000, 1000, 1200, {"issuer": 0.5, "rabbitmq": 0.25}, {"issuer": 90, "sms": 70}),
        Run("pin-online", 2000, 1100, 1300, {"issuer": 0.7, "rabbitmq": 0.35}, {"issuer": 80, "sms": 71}),
        Run("faststream", 300, 100, 110, {"faststream.1": 4.0, "faststream.2": 5.0, "rabbitmq": 3.0}),
        Run("faststream", 300, 110, 120, {"faststream.1": 4.0, "faststream.2": 5.0, "rabbitmq": 3.0}),
    ]
    told = summary(runs) | {"processes": {"faststream": 2}}
    return Told("Issuances a second", lines(told), told)


def grown() -> Told:
    upkeep = Upkeep(*(0.5, 2.0, 3.0, 0.1, 9.0, 360.0, 12.0, 1.0))
    return growth.told(
        [
            Grown(10_000, 50_000_000, upkeep, [1000.0], [9000.0]),
            Grown(1_000_000, 5_000_000_000, upkeep, [980.0], [21_000.0]),
        ]
    )


def test_a_contender_has_a_row_with_rates_ratios_and_all_its_cpu() -> None:
    text = page([kept("throughput", contest())], MEASURES)
    assert "| pin-online | 2 | 2,000 | 1,050 (1,000 to 1,100) | 1,250 (1,200 to 1,300) |  | 0.90 |" in text
    assert "| faststream | 2 | 300 | 105 (100 to 110) | 115 (110 to 120) | 10.0, 10.9 | 12.00 |" in text
    assert "- times the better peer: 10.00, from first deliveries 10.87; target at least 12: MISSED" in text


def test_cpu_is_by_program_and_memory_by_its_largest_process() -> None:
    text = page([kept("throughput", contest())], MEASURES)
    assert "| faststream |  | 9.00 |" in text
    assert "| rabbitmq | 0.30 | 3.00 |" in text
    assert "| issuer | 90 |  |" in text


def test_growth_is_a_table_with_its_targets_and_two_charts() -> None:
    text = page([kept("growth", grown())], MEASURES)
    of_rate, of_wal = "0.98; target at least 0.97: met", "21.0; target at most 20: MISSED"
    assert "| 10,000 | 50 | 1,000 |  | 9.0; target at most 20: met |" in text
    assert f"| 1,000,000 | 5,000 | 980 | {of_rate} | {of_wal} |" in text
    assert '  x-axis "citizens in the ledger" ["10,000", "1,000,000"]\n' in text
    assert "  line [1000.0, 980.0]\n" in text
    assert "  line [9.0, 21.0]\n" in text
    assert "| 1 | 1000, 9.0 | 980, 21.0 |" in text
    assert "| status command | 360.00 | 360.00 |" in text


def test_any_other_measure_stands_as_it_was_printed() -> None:
    text = page([kept("forms", Told("Form pages", ["median 9 pages/s   (min 8)"], {"forms": 1}))], MEASURES)
    assert text.endswith("### Form pages\n\n`forms` of run 1:\n\n- median 9 pages/s (min 8)")


def test_a_measure_that_failed_says_so() -> None:
    text = page([kept("throughput", Told("throughput FAILED", ["nothing recorded"]))], MEASURES)
    assert text.endswith("### throughput FAILED\n\n`throughput` of run 1:\n\n- nothing recorded")


def test_conditions_stand_by_run_and_the_last_run_of_a_measure_counts() -> None:
    first, second = (
        kept("forms", Told(title, [title], {"forms": 1}), date=date, machine="2 cores")
        for title, date in (("Old", "May"), ("New", "June"))
    )
    text = page([first | kept("growth", grown(), date="May", machine="2 cores"), second], MEASURES)
    assert (
        "|  | run 1 | run 2 |\n| --- | --- | --- |\n| date | May | June |\n| machine | 2 cores | 2 cores |"
        in text
    )
    assert "Old" not in text
    assert text.index("`growth` of run 1") < text.index("`forms` of run 2")


def test_the_page_of_earlier_runs_is_put_in_its_place_and_nothing_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, document = tmp_path / "run.json", tmp_path / "benchmarks.md"
    file.write_text(json.dumps(kept("growth", grown(), date="May")))
    shutil.copy(CHECKOUT / "docs/benchmarks.md", document)
    monkeypatch.setattr(sys, "argv", ["tests.bench", "--page", str(file), "--into", str(document)])
    assert main() == 0
    assert "| date | May |\n\n### Issuances a second as the ledger grows\n" in document.read_text()
