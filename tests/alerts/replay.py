"""Lines of logs on their way to an alert: files, a real mtail with the project's program, promtool.

The lines are those that the stack wrote, and so are the values of every series: mtail is given the lines of
one scrape's time after the other, and asked for its metrics after each. Only the clock is another one: it
begins at 0, as promtool's does, and every line says the second of the replay at which it was written. So the
rules are evaluated as they ship, at their true windows, and an hour takes no longer than its lines. A replay
that waited would need Prometheus for hours; one with shorter windows would test other rules.
"""

import re
import shutil
import subprocess
import urllib.request
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from math import inf
from pathlib import Path
from typing import Self

import yaml

from deploy.local.ports import HOST, Ports
from deploy.local.processes import CHECKOUT, Process, Program, environment
from deploy.local.waiting import wait_for
from deploy.local.workers import ALL
from tests.alerts.lines import PINCTL, Line

MONITORING = CHECKOUT / "deploy/monitoring"
PROGRAM, RULES = MONITORING / "mtail/pin.mtail", MONITORING / "prometheus/rules.yaml"
MISSING = ", ".join(name for name in ("mtail", "promtool") if not shutil.which(name))
"""The programs that are needed and this machine lacks."""
SCRAPE, SELDOM = 15.0, 240.0
"""Seconds between two looks at mtail's metrics, as the project has it; and where a replay lasts for a day."""
_SAMPLE = re.compile(r"^(?P<name>pin_\w+)(?:\{(?P<labels>.*)\})? (?P<value>\S+)$", re.MULTILINE)
_DONE = re.compile(r"mtail_vm_line_processing_duration_seconds_count\S* (\d+)")
_UNASKED = ("pin_waited_seconds", "pin_took_seconds", "pin_handled_total")
"""Metrics for panels, which no alert asks for."""

Series = dict[str, list[str]]
"""The values of each metric with its labels, one a scrape; `_` where it was not there."""


class Mtail:
    """A real mtail on a folder of logs.

    Args:
        folder: for its own files.
        logs: of the logs; one in `folder`, with an empty log of each process, if none is given.

    Attributes:
        port: where it is asked for its metrics.
    """

    def __init__(self, folder: Path, logs: Path | None = None) -> None:
        self.logs = logs or folder / "logs"
        if logs is None:
            self.logs.mkdir()
        for log in (*ALL, PINCTL):
            self._path(log).touch()  # mtail begins a file that comes later at its end
        self._written, self.port = 0, Ports(folder / "ports.json")["mtail"]
        argv = [
            *("mtail", "--progs", str(PROGRAM), "--logs", f"{self.logs}/*.log", "--emit_prog_label=false"),
            *("--address", HOST, "--port", str(self.port), "--poll_interval", "10ms"),
            *("--poll_log_interval", "10ms", "--log_dir", str(folder)),
        ]
        self._process = Process(Program("mtail", argv, folder / "mtail.log", cwd=folder), folder)

    def __enter__(self) -> Self:
        self.start()
        return self

    def start(self) -> None:
        """Start it, unless it runs, and wait until it answers."""
        if self._process.alive():
            return
        self._process.start()
        self._written = 0
        wait_for(lambda: self._process.must_live() and self.metrics() is not None, 20, "mtail", every=0.02)

    def __exit__(self, *_: object) -> None:
        self.kill()

    def _path(self, log: str) -> Path:
        return self.logs / f"{log}.log"

    def kill(self) -> None:
        """End it."""
        self._process.kill()

    def metrics(self) -> str | None:
        """Return what it says; None if it does not answer."""
        address = f"http://{HOST}:{self.port}/metrics"
        with suppress(OSError), urllib.request.urlopen(address, timeout=5) as answer:
            return str(answer.read().decode())
        return None

    def read(self, lines: Sequence[Line]) -> None:
        """Write lines as a container runtime does, and wait until it has read them."""
        texts = defaultdict[str, list[str]](list)
        for line in lines:
            texts[line.log].append(_as_of_the_replay(line))
        for log, written in texts.items():
            with self._path(log).open("a", encoding="utf-8") as file:
                file.write("".join(f"{text}\n" for text in written))
        self._written += len(lines)
        wait_for(lambda: self._has_read() >= self._written, 20, "mtail to read", every=0.005)

    def _has_read(self) -> int:
        found = _DONE.search(self.metrics() or "")
        return int(found[1]) if found else 0


def _as_of_the_replay(line: Line) -> str:
    at = f"{datetime.fromtimestamp(line.at, UTC):%Y-%m-%dT%H:%M:%S.%f}Z"
    text = line.text
    if line.event:
        text = re.sub(r'"timestamp":"[^"]*"', f'"timestamp":"{at}"', text)
    return f"{at} stdout F {text}"


def series(
    lines: Iterable[Line],
    folder: Path,
    *,
    until: float,
    every: float = SCRAPE,
    away: tuple[float, float] = (inf, inf),
) -> Series:
    """Return what Prometheus gets of these lines, scrape by scrape.

    Args:
        lines: in any order.
        folder: an empty one.
        until: seconds of the replay.
        every: seconds from one scrape to the next.
        away: from when to when mtail is killed; what is written meanwhile is lost to it.
    """
    due = defaultdict[int, list[Line]](list)
    for line in sorted(lines, key=lambda one: one.at):
        due[int(-(-line.at // every))].append(line)
    found: Series = {_up(): []}
    with Mtail(folder) as mtail:
        said = mtail.metrics()
        for scrape in range(int(until // every) + 1):
            if away[0] <= scrape * every < away[1]:
                mtail.kill()
                said = None
            elif said is None or scrape in due:
                mtail.start()
                mtail.read(due[scrape])
                said = mtail.metrics()
            _add(found, said, scrape)
    return found


def _up() -> str:
    return 'up{job="mtail",instance="here"}'


def _add(found: Series, said: str | None, scrape: int) -> None:
    samples = {_up(): "0" if said is None else "1"}
    for sample in _SAMPLE.finditer(said or ""):
        name = sample["name"]
        if not name.startswith(_UNASKED):
            labels = ",".join(part for part in (sample["labels"], 'job="mtail",instance="here"') if part)
            samples[f"{name}{{{labels}}}"] = sample["value"]
    for name in samples.keys() - found.keys():
        found[name] = ["_"] * scrape
    for name, values in found.items():
        values.append(samples.get(name, "_"))


@dataclass(frozen=True)
class Firing:
    """What is to fire in a span of a replay.

    Attributes:
        since, until: seconds.
        alerts: the names of those that fire, of `among`.
        among: the alerts that are looked at; all, if it is empty.
    """

    since: float
    until: float
    alerts: frozenset[str] = frozenset()
    among: frozenset[str] = frozenset()

    def asked(self) -> Mapping[str, object]:
        """Return it as promtool takes it."""
        among = f', alertname=~"{"|".join(sorted(self.among))}"' if self.among else ""
        span = f"[{round(self.until - self.since)}s]"
        return {
            "expr": f'group by (alertname) (max_over_time(ALERTS{{alertstate="firing"{among}}}{span}))',
            "eval_time": f"{round(self.until)}s",
            "exp_samples": [{"labels": f'{{alertname="{one}"}}', "value": 1} for one in sorted(self.alerts)],
        }


def fires(found: Series, firing: Firing, folder: Path, *, every: float = SCRAPE) -> None:
    """See what promtool says of the rules, evaluated on these series.

    Raises:
        AssertionError: with its words, if something else fires.
    """
    test = {
        "rule_files": [str(RULES)],
        "evaluation_interval": f"{every:g}s",
        "tests": [
            {
                "interval": f"{every:g}s",
                "input_series": [{"series": name, "values": _short(found[name])} for name in sorted(found)],
                "promql_expr_test": [firing.asked()],
            }
        ],
    }
    path = folder / "test.yaml"
    path.write_text(yaml.safe_dump(test, width=10**6), encoding="utf-8")
    done = subprocess.run(
        ["promtool", "test", "rules", str(path)],
        env=environment({}),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout}{done.stderr}"


def _short(values: Sequence[str]) -> str:
    """Return values as promtool reads them: `1x2` is 1 three times, `_x2` is twice nothing."""
    runs = [(value, len(list(run))) for value, run in groupby(values)]
    return " ".join(
        f"_x{times}" if value == "_" else f"{float(value):.3f}x{times - 1}" for value, times in runs
    )
