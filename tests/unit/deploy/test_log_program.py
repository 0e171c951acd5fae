"""mtail makes of the logs what the alerts ask for, in whatever order fields are, and whoever sends what."""

import json
import random
import re
import shutil
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatch
from pathlib import Path
from typing import get_args

import pytest
import yaml

from deploy.local.processes import CHECKOUT
from deploy.monitoring.alert import Alert, label
from deploy.monitoring.alerts import ALERTS

needs_mtail = pytest.mark.skipif(not shutil.which("mtail"), reason="needs the program mtail")
MONITORING = CHECKOUT / "deploy/monitoring"
AT = datetime(2026, 11, 27, 6, 0, 0, 123456, tzinfo=UTC)
PLAIN = {
    "NeedsAttention": "Attention: nobody consumes pin.revoker.",
    "StatusSilent": "Nothing needs attention.",
    "LedgerBroken": "1,024 breaks, the first 1,000:",
    "LedgerNotVerified": "The ledger is sound.",
    "MonthMissing": "Attention: 1 entry is in no month.",
    "MonthNotSealed": "2026-10: sealed.",
}
Series = tuple[str, frozenset[tuple[str, str]]]


def lines_for(alert: Alert) -> Iterator[dict[str, object]]:
    """Yield lines that count, with each event and each value, and lines that only look like them."""
    fields: dict[str, object] = {name: f"{alert.name}: a/{name}.1" for name in alert.by if name != "event"}
    for event in alert.events:
        values: dict[str, object] = {name: some[-1] for name, some in alert.where.items()}
        yield {**fields, **values, "event": event}
        yield {**fields, **values, "event": f"{event}.not"}
        yield {**fields, **values, "event": "other", "said": f'","event":"{event}"'}
        yield {**fields, **values, "event": event} | dict.fromkeys(fields, None)
        yield {**fields, **values, "event": event} | dict.fromkeys(fields, 'a "name" like no other')
        yield {**fields, **values, "event": event} | dict.fromkeys(fields, "far too long " * 10)
        for name, some in alert.where.items():
            yield {**fields, **values, "event": event, name: some[0]}
            yield {**fields, **values, "event": event, name: f"{some[0]}_not"}
            yield {**fields, **values, "event": event, name: None, "said": f'","{name}":"{some[0]}"'}


def meant(alert: Alert, line: dict[str, object] | str) -> dict[str, str] | None:
    """Return the labels of a line that counts for an alert; None if it does not."""
    if isinstance(line, str):
        return {} if alert.says and re.match(alert.says, line) else None
    wanted = {"event": alert.events, **alert.where}
    if alert.says or any(line.get(name) not in values for name, values in wanted.items()):
        return None
    return {label(name): plain(line.get(name)) for name in alert.by}


def plain(value: object) -> str:
    return value if isinstance(value, str) and len(value) <= 100 and '"' not in value else ""


def measured(folder: Path) -> dict[Series, float]:
    """Return what mtail makes of the logs in a folder."""
    done = subprocess.run(
        [
            *("mtail", "--progs", str(MONITORING / "mtail"), "--logs", str(folder / "*.log")),
            *("--one_shot", "--one_shot_format", "prometheus", "--emit_prog_label=false"),
            *("--address", "127.0.0.1", "--port", "0", "--log_dir", str(folder)),
        ],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    found = re.findall(r"^(pin_\w+)(?:\{(.*)\})? (\S+)$", done.stdout, re.MULTILINE)
    return {
        (name, frozenset(re.findall(r'(\w+)="([^"]*)"', labels))): float(value)
        for name, labels, value in found
    }


@needs_mtail
def test_each_line_counts_for_the_alerts_that_ask_for_it_and_for_no_other(tmp_path: Path) -> None:
    draw = random.Random(12)  # noqa: S311 - an order, the same one each time
    lines: list[dict[str, object] | str] = [line for alert in ALERTS for line in lines_for(alert)]
    lines += [*PLAIN.values(), *(f"said: {text}" for text in PLAIN.values())]
    draw.shuffle(lines)
    expected: dict[Series, float] = {
        (alert.metric, frozenset[tuple[str, str]]()): 0 for alert in ALERTS if not alert.by
    }
    written = []
    for number, line in enumerate(lines):
        at = AT + timedelta(seconds=number)
        for alert in ALERTS:
            if (labels := meant(alert, line)) is not None:
                series = (alert.metric, frozenset(labels.items()))
                expected[series] = expected.get(series, 0) + 1 if alert.counts else int(at.timestamp())
        if isinstance(line, str):
            written.append(f"{at:%Y-%m-%dT%H:%M:%S.123456789+00:00} stdout F {line}")
            continue
        fields = [*line.items(), ("timestamp", f"{at:%Y-%m-%dT%H:%M:%S.%fZ}"), ("level", "info")]
        draw.shuffle(fields)
        runtime = f"{at + timedelta(days=1):%Y-%m-%dT%H:%M:%SZ} stdout F " if number % 2 else ""
        written.append(runtime + json.dumps(dict(fields), separators=(",", ":")))
    (tmp_path / "0.log").write_text("".join(f"{line}\n" for line in written), encoding="utf-8")
    found = {series: value for series, value in measured(tmp_path).items() if "_seconds_" not in series[0]}
    alerting = {alert.metric for alert in ALERTS}
    assert {s: v for s, v in found.items() if s[0] in alerting} == expected
    assert {alert.metric for alert in ALERTS} == {name for (name, _), value in expected.items() if value}


def test_in_a_cluster_it_reads_the_containers_that_log() -> None:
    things = list(yaml.safe_load_all((MONITORING / "mtail/daemonset.yaml").read_text(encoding="utf-8")))
    (pod,) = (thing["spec"]["template"]["spec"] for thing in things if thing["kind"] == "DaemonSet")
    logs = [
        word.removeprefix("--logs=") for word in pod["containers"][0]["args"] if word.startswith("--logs=")
    ]
    for container in get_args(Alert.__annotations__["container"]):
        path = f"/var/log/pods/pin-online_a-pod_an-id/{container}/0.log"
        assert [pattern for pattern in logs if fnmatch(path, pattern)] == [
            f"/var/log/pods/pin-online_*/{container}/*.log"
        ]


def test_a_node_whose_mtail_does_not_start_is_still_asked() -> None:
    things = list(yaml.safe_load_all((MONITORING / "mtail/daemonset.yaml").read_text(encoding="utf-8")))
    (service,) = (thing["spec"] for thing in things if thing["kind"] == "Service")
    assert service["publishNotReadyAddresses"] is True
    assert service["clusterIP"] == "None"


@needs_mtail
def test_what_is_done_is_counted_and_measured(tmp_path: Path) -> None:
    handled = {"event": "message.handled", "worker": "issuer", "type": "pin.request", "outcome": "accepted"}
    lines = [handled | {"waited_ms": ms, "took_ms": 1.5} for ms in (40, 9_999, 10_001, None)]
    (tmp_path / "0.log").write_text("".join(f"{json.dumps(line, separators=(',', ':'))}\n" for line in lines))
    found = measured(tmp_path)
    worker = ("worker", "issuer")
    assert (
        found["pin_handled_total", frozenset({worker, ("type", "pin.request"), ("outcome", "accepted")})] == 4
    )
    assert found["pin_waited_seconds_bucket", frozenset({worker, ("le", "10")})] == 2
    assert found["pin_waited_seconds_count", frozenset({worker})] == 3
    assert found["pin_took_seconds_sum", frozenset({worker})] == pytest.approx(0.006)
