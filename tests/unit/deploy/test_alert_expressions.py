"""Each alert fires in Prometheus where it should, until the moment at which it should not, says promtool."""

import json
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from deploy.local.processes import CHECKOUT
from deploy.monitoring import logql, promql
from deploy.monitoring.__main__ import main
from deploy.monitoring.alert import Alert, label
from deploy.monitoring.alerts import ALERTS
from deploy.monitoring.promql import BLIND
from tests.unit.deploy.alert_courses import LONG_STEP, STEP, Course, course, step_of

MONITORING = CHECKOUT / "deploy/monitoring"
RULES = MONITORING / "prometheus/rules.yaml"
needs_promtool = pytest.mark.skipif(not shutil.which("promtool"), reason="needs the program promtool")
needs_amtool = pytest.mark.skipif(not shutil.which("amtool"), reason="needs the program amtool")


def written(courses: list[Course], step: int) -> dict[str, Any]:
    """Return courses as one of promtool's tests."""
    end = max(one.last for one in courses) + step
    return {
        "interval": f"{step}s",
        "input_series": [
            {
                "series": named(one.alert.metric, labels),
                "values": " ".join(
                    "_" if (v := value(now)) is None else f"{v:g}" for now in range(0, end, step)
                ),
            }
            for one in courses
            for labels, value in one.series
        ],
        "alert_rule_test": [
            {
                "alertname": one.alert.name,
                "eval_time": f"{moment}s",
                "exp_alerts": [fired(one.alert, labels, value) for labels, value in firing],
            }
            for one in courses
            for moment, firing in one.fires.items()
        ],
    }


def named(metric: str, labels: Mapping[str, str]) -> str:
    return f"{metric}{{{','.join(f'{name}={json.dumps(value)}' for name, value in labels.items())}}}"


def fired(alert: Alert, labels: Mapping[str, str], value: int) -> dict[str, Any]:
    fields = {f"{{{{ $labels.{field} }}}}": labels[label(field)] for field in alert.by}
    summary = alert.summary
    for words, put in {**fields, "{{ $value }}": str(value)}.items():
        summary = summary.replace(words, put)
    return {"exp_labels": {"severity": alert.severity, **labels}, "exp_annotations": {"summary": summary}}


def prove(folder: Path, tests: list[dict[str, Any]], step: int) -> None:
    path = folder / "tests.yaml"
    path.write_text(
        json.dumps({"rule_files": [str(RULES)], "evaluation_interval": f"{step}s", "tests": tests}), "utf-8"
    )
    said_by("promtool", "test", "rules", str(path))


def said_by(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@needs_promtool
@pytest.mark.parametrize("step", [STEP, LONG_STEP])
def test_each_alert_fires_in_time_and_is_silent_in_time(step: int, tmp_path: Path) -> None:
    prove(tmp_path, [written([course(alert) for alert in ALERTS if step_of(alert) == step], step)], step)


@needs_promtool
def test_that_nobody_reads_the_logs_is_an_alert(tmp_path: Path) -> None:
    def fired_on(**labels: str) -> list[dict[str, Any]]:
        said = {"severity": "page", "job": "mtail", **labels}
        return [{"exp_labels": said, "exp_annotations": {"summary": BLIND.summary}}]

    tests = [
        {
            "interval": f"{STEP}s",
            "input_series": [{"series": 'up{job="mtail",instance="a"}', "values": values}] if values else [],
            "alert_rule_test": [{"alertname": BLIND.name, "eval_time": "6m", "exp_alerts": alerts}],
        }
        for values, alerts in (
            ("1x30", []),
            ("0x30", fired_on(instance="a")),
            ("0x8 1x12", []),
            ("", fired_on()),
        )
    ]
    prove(tmp_path, tests, STEP)


@needs_promtool
def test_prometheus_takes_its_rules_and_its_configuration() -> None:
    assert "SUCCESS" in said_by("promtool", "check", "config", str(RULES.with_name("prometheus.yaml")))


@needs_amtool
def test_alertmanager_takes_its_configuration_and_calls_somebody_for_a_page() -> None:
    path = MONITORING / "alertmanager/alertmanager.yaml"
    assert "SUCCESS" in said_by("amtool", "check-config", str(path))
    for severity in ("page", "ticket"):
        routed = said_by(
            "amtool", "config", "routes", "test", f"--config.file={path}", f"severity={severity}"
        )
        assert routed.strip() == severity


def test_what_is_inhibited_is_an_alert() -> None:
    text = (MONITORING / "alertmanager/alertmanager.yaml").read_text(encoding="utf-8")
    named = {name for names in re.findall(r'alertname=~?"([^"]+)"', text) for name in names.split("|")}
    assert named <= {alert.name for alert in (*ALERTS, BLIND)}


def test_no_field_takes_the_name_of_a_label_that_an_agent_or_prometheus_sets() -> None:
    """In Loki a field `job` would be `job_extracted`, and `by (job)` the pod's."""
    taken = {"job", "instance", "namespace", "container", "pod", "app", "node_name", "filename", "stream"}
    for name, text in {"loki": logql.text(), "prometheus": promql.text()}.items():
        used = re.findall(r" by \(([^)]*)\)|labels\.(\w+)", text)
        assert used
        assert {one for pair in used for one in ", ".join(pair).split(", ")} & taken == set(), name
    said = {alert.name: logql.expression(alert) for alert in ALERTS if "job" in alert.by}
    assert said
    assert all('| json event="event", print_job="job" |' in one for one in said.values())


def test_the_committed_rules_are_what_the_alerts_say() -> None:
    assert main(["--check"]) == 0
