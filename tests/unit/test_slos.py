"""The service levels: what the lines of the log count for, and when a burnt budget calls somebody."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from deploy.local.processes import CHECKOUT
from deploy.monitoring import promql
from deploy.monitoring.slos import SLOS

PROGRAM = CHECKOUT / "deploy/monitoring/mtail/pin.mtail"
needs_promtool = pytest.mark.skipif(
    not shutil.which("promtool"), reason="needs promtool (Debian's prometheus)"
)
needs_mtail = pytest.mark.skipif(not shutil.which("mtail"), reason="needs mtail")


def fired(series: dict[str, str], minutes: int, expected: list[tuple[str, str]], folder: Path) -> None:
    """Let promtool run the rules on series of a value a minute, and compare what fires in the end."""
    alerts = {name for name, _ in expected} | {slo.alert for slo in SLOS}
    said = {slo.alert: f"too often for 99% it does not hold that {slo.promise}" for slo in SLOS}
    (folder / "levels.yaml").write_text(promql.levels(), encoding="utf-8")
    test = {
        "rule_files": [str(folder / "levels.yaml")],
        "evaluation_interval": "10m",
        "tests": [
            {
                "interval": "1m",
                "input_series": [{"series": name, "values": values} for name, values in series.items()],
                "alert_rule_test": [
                    {
                        "eval_time": f"{minutes}m",
                        "alertname": alert,
                        "exp_alerts": [
                            {
                                "exp_labels": {"severity": severity, "slo": slo.name},
                                "exp_annotations": {"summary": said[alert]},
                            }
                            for slo in SLOS
                            for name, severity in expected
                            if slo.alert == name == alert
                        ],
                    }
                    for alert in sorted(alerts)
                ],
            }
        ],
    }
    path = folder / "test.yaml"
    path.write_text(json.dumps(test), encoding="utf-8")  # JSON is YAML
    done = subprocess.run(["promtool", "test", "rules", path], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def handed(a_minute: int, late: int, minutes: int) -> dict[str, str]:
    """Return the series of deliveries by SMS of which so many a minute are late."""
    labels = '{worker="notifier-sms"}'
    return {
        f"pin_handed_total{labels}": f"0+{a_minute}x{minutes}",
        f"pin_prompt_total{labels}": f"0+{a_minute - late}x{minutes}",
    }


@needs_promtool
@pytest.mark.parametrize(
    ("series", "minutes", "expected"),
    [
        pytest.param(handed(1000, 5, 180), 180, [], id="half the budget"),
        pytest.param(handed(1000, 200, 70), 70, ["page", "ticket"], id="a fifth late for an hour"),
        pytest.param(handed(1000, 80, 400), 400, ["page", "ticket"], id="8% late for six hours"),
        pytest.param(handed(1000, 40, 1500), 1500, ["ticket"], id="4% late for a day"),
        pytest.param(handed(1000, 15, 700), 700, ["ticket"], id="1.5% late, as long as is known"),
        pytest.param(handed(1, 1, 70), 70, [], id="all of sixty late: too few for an alert"),
        pytest.param(
            {
                'pin_handed_total{worker="notifier-sms"}': "0+1000x30 30000+1000x90",
                'pin_prompt_total{worker="notifier-sms"}': "0+0x30 0+1000x90",
            },
            120,
            ["ticket"],
            id="all late for half an hour, which has been over for an hour and a half: nobody is woken",
        ),
    ],
)
def test_a_budget_that_burns_calls_somebody(
    series: dict[str, str], minutes: int, expected: list[str], tmp_path: Path
) -> None:
    fired(series, minutes, [("HandOverLate", severity) for severity in expected], tmp_path)


@needs_promtool
@pytest.mark.parametrize(("good", "total", "alert"), [(slo.good, slo.total, slo.alert) for slo in SLOS[1:]])
def test_the_other_levels_have_their_own(good: str, total: str, alert: str, tmp_path: Path) -> None:
    labels = '{worker="notifier-pec"}' if total != "pin_letters_total" else ""
    series = {f"{total}{labels}": "0+100x70", f"{good}{labels}": "0+70x70"}
    severities = ["page", "ticket"] if labels else ["ticket"]
    fired(series, 70, [(alert, severity) for severity in severities], tmp_path)


def line(event: str = "message.handled", **fields: object) -> str:
    text = {"event": event, "worker": "notifier-sms", "timestamp": "2026-11-27T10:00:00.123456Z", **fields}
    return json.dumps(text, separators=(",", ":")) + "\n"


@needs_mtail
def test_each_line_counts_for_what_the_page_says(tmp_path: Path) -> None:
    lines = (
        line(outcome="done", waited_ms=5, took_ms=1.5, handed=7, prompt=5, refused=1, again=2),
        line(outcome="accepted", waited_ms=1000, took_ms=1.5),
        line(outcome="rejected", waited_ms=1001, took_ms=1.5),
        line(outcome="accepted", waited_ms=-3, took_ms=1.5),
        line(outcome="accepted", waited_ms=None, took_ms=999.9),
        line(outcome="accepted", waited_ms=None, took_ms=1500.1),
        line(outcome="parked", waited_ms=1, took_ms=1.5),
        line("job.handed", job="1", letters=30, late=0, failed=0, tries=1),
        line("job.handed", job="2", letters=20, late=20, failed=0, tries=9),
        line("letters.over_cap", day="2026-11-27", taken=50, waiting=4),
    )
    log = tmp_path / "worker.log"
    log.write_text("".join(lines), encoding="utf-8")
    argv: list[str | Path] = [
        "mtail",
        "--progs",
        PROGRAM,
        "--logs",
        log,
        "--one_shot",
        "--one_shot_format",
        "prometheus",
    ]
    argv += ["--log_dir", tmp_path, "--emit_prog_label=false"]
    said = subprocess.run(argv, check=True, capture_output=True, text=True).stdout
    counts = {
        name.partition("{")[0]: float(value.split()[0])
        for name, _, value in (
            one.rpartition(" ") if "{" not in one else one.partition("} ") for one in said.splitlines()
        )
        if name.startswith("pin_") and "seconds" not in name
    }
    assert {
        name: counts.get(name)
        for name in counts
        if name in {x for slo in SLOS for x in (slo.good, slo.total)}
    } == {
        "pin_handed_total": 7,
        "pin_prompt_total": 5,
        "pin_tried_total": 10,
        "pin_settled_total": 8,
        "pin_replies_total": 5,
        "pin_replies_prompt_total": 3,
        "pin_letters_total": 54,
        "pin_letters_punctual_total": 30,
    }


def test_the_page_has_every_level() -> None:
    page = (CHECKOUT / "docs/slo.md").read_text(encoding="utf-8")
    assert all(f"| `{slo.name}` |" in page and f"| {slo.objective:.0%} |" in page for slo in SLOS)
