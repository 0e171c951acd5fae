"""The runs of faults as JSON lines, and the table of `docs/reliability.md` from them."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import orjson

from tests.cluster.load import Measured, quantile

_COLUMNS = (
    *("fault", "runs", "recovery p50", "p99", "max", "a citizen's wait p50", "p99", "max"),
    *("within 10 s", "SMS repeated"),
)
_HEAD = f"| {' | '.join(_COLUMNS)} |\n|---|{'--:|' * (len(_COLUMNS) - 1)}"


@dataclass(frozen=True)
class Run:
    """One run of one fault.

    Attributes:
        fault: its name.
        seed: from which it can be repeated.
        rate: requests a second.
        seconds: of load, at least.
        at: when it ended, as text.
        conditions: the machine and the versions, by name.
        measured: what the load met; None if the run failed.
        failure: what did not hold.
        logs: the folder in which a run's logs are that failed.
    """

    fault: str
    seed: int
    rate: float
    seconds: float
    at: str
    conditions: Mapping[str, str] = field(default_factory=dict)
    measured: Measured | None = None
    failure: str = ""
    logs: str = ""

    def __str__(self) -> str:
        """Say it in one line."""
        told = str(self.measured) if self.measured else f"FAILED: {self.failure} (logs in {self.logs})"
        return f"{self.at} {self.fault} --seed {self.seed}: {told}"


def keep(run: Run, file: Path) -> None:
    """Add a run to a file, as a line of JSON."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("ab") as lines:
        lines.write(orjson.dumps(asdict(run), option=orjson.OPT_APPEND_NEWLINE))


def read(files: Iterable[Path]) -> list[Run]:
    """Return the runs that some files have, in their order."""
    return [_run(orjson.loads(line)) for file in files for line in file.read_bytes().splitlines()]


def _run(line: dict[str, Any]) -> Run:
    measured = line["measured"]
    return Run(**(line | {"measured": Measured(**measured) if measured else None}))


def table(runs: Sequence[Run], faults: Mapping[str, Any]) -> str:
    """Return the table of some runs in Markdown, with the conditions below it.

    Args:
        runs: of any faults, at least one.
        faults: every fault, by name; its docstring's first line describes it.
    """
    of_fault: defaultdict[str, list[Run]] = defaultdict(list)
    for run in runs:
        of_fault[run.fault].append(run)
    known = [name for name in faults if name in of_fault]
    rows = [_row(name, (faults[name].__doc__ or name).splitlines()[0], of_fault[name]) for name in known]
    return "\n".join([_HEAD, *rows, "", *_failures(runs), _conditions(runs)])


def _row(name: str, description: str, runs: Sequence[Run]) -> str:
    held = [run.measured for run in runs if run.measured]
    number = str(len(runs)) if len(held) == len(runs) else f"{len(runs)}, **{len(runs) - len(held)} failed**"
    return " | ".join([f"| `{name}`: {description}", number, *_figures(held)]) + " |"


def _figures(held: Sequence[Measured]) -> list[str]:
    if not held:
        return ["-"] * 8
    recovery = sorted(one.recovery for one in held)
    requests = sum(one.requests for one in held)
    soon = sum(one.soon * one.requests for one in held) / requests
    seconds = [
        *(quantile(recovery, share) for share in (0.5, 0.99, 1)),
        quantile(sorted(one.median for one in held), 0.5),
        max(one.late for one in held),
        max(one.longest for one in held),
    ]
    repeated = f"{sum(one.repeated for one in held)} of {requests}"
    return [*(f"{one:.1f}" for one in seconds), f"{soon:.2%}", repeated]


def _failures(runs: Sequence[Run]) -> list[str]:
    failed = [run for run in runs if run.failure]
    return [f"- `{run.fault} --seed {run.seed}` failed: {run.failure}" for run in failed] + [""] * bool(
        failed
    )


def _conditions(runs: Sequence[Run]) -> str:
    said: defaultdict[str, set[str]] = defaultdict(set)
    for run in runs:
        for name, text in run.conditions.items():
            said[name].add(text)
        said["requests a second"].add(f"{run.rate:g}")
        said["seconds of load"].add(f"{run.seconds:g}")
    told = [f"{name} {', '.join(sorted(texts))}" for name, texts in said.items()]
    seeds = sorted({run.seed for run in runs})
    return (
        f"{len(runs)} runs, seeds {', '.join(map(str, seeds))}; {'; '.join(told)}. Seconds, if not said else."
    )
