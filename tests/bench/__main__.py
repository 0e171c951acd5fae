"""`python -m tests.bench [measure …]`: runs benchmarks on private servers; by default all.

Each measure is described in its file. Every size is an option, so that each can be tried small.
`python -m tests.bench --page FILE … --into docs/benchmarks.md` makes the page of earlier runs.
"""

import argparse
import asyncio
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from subprocess import CalledProcessError
from typing import Any

import orjson

from deploy.errors import StackError
from deploy.local.processes import CHECKOUT
from deploy.local.stack import Stack
from tests.bench import (
    backfill,
    backlog,
    forms,
    growth,
    istanze,
    latency,
    logins,
    memory,
    mixed_load,
    release,
    report,
    restores,
    revokes,
    throughput,
)
from tests.bench.counting import StalledError
from tests.bench.measure import Measure, Told
from tests.bench.page import page
from tests.kit.servers import private_stack
from tests.kit.tables import put

MEASURES: Mapping[str, Measure] = {
    "throughput": throughput,
    "latency": latency,
    "memory": memory,
    "backlog": backlog,
    "growth": growth,
    "logins": logins,
    "restores": restores,
    "revokes": revokes,
    "beside": mixed_load,
    "istanze": istanze,
    "release": release,
    "forms": forms,
    "backfill": backfill,
}

_DISCARDING = {sink: {"mode": "discard"} for sink in ("sms", "email", "pec")}


def arguments() -> argparse.ArgumentParser:
    """Return the command line's parser, with the options of every measure."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench",
        description=__doc__,
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("measures", nargs="*", metavar="measure", help=", ".join(MEASURES))
    parser.add_argument(
        "--root", type=Path, help="keep the servers' state here, and filled ledgers for the next time"
    )
    parser.add_argument("--setting", action="append", default=[], help="NAME=value, a setting of all workers")
    parser.add_argument(
        "--out",
        type=Path,
        default=CHECKOUT / f".local/bench/{time.strftime('%Y%m%dT%H%M%S')}.json",
        help="where the figures go",
    )
    parser.add_argument(
        "--page", type=Path, nargs="+", metavar="FILE", help="run nothing; make the page of these"
    )
    parser.add_argument(
        "--into", type=Path, metavar="DOCUMENT", help="put the page in its place in a document"
    )
    for name, measure in MEASURES.items():
        measure.options(parser.add_argument_group(name, measure.__doc__))  # type: ignore[arg-type]
    return parser


def chosen(text: list[str], parser: argparse.ArgumentParser) -> argparse.Namespace:
    """Read the command line; no name selects all measures, an unknown name ends the program."""
    options = parser.parse_args(text)
    if unknown := [name for name in options.measures if name not in MEASURES]:
        parser.error(f"no measure {', '.join(unknown)}; there are {', '.join(MEASURES)}")
    if wrong := [setting for setting in options.setting if "=" not in setting]:
        parser.error(f"--setting takes NAME=value, not {', '.join(wrong)}")
    options.measures = list(dict.fromkeys(options.measures)) or list(MEASURES)
    return options


async def run(stack: Stack, options: argparse.Namespace) -> int:
    """Run and print the selected measures, keeping the figures of each; return how many failed."""
    failed = 0
    stack.fake_providers.misbehave(**_DISCARDING)
    results: dict[str, Any] = {"conditions": report.conditions(stack)}
    report.show("Conditions", [f"{name}: {text}" for name, text in results["conditions"].items()])
    for name in options.measures:
        report.show(f"{name} …", [])
        began = time.monotonic()
        try:
            told = await MEASURES[name].measure(stack, options)
        except (StalledError, StackError, CalledProcessError) as fault:
            told, failed = Told(f"{name} FAILED", str(fault).splitlines()), failed + 1
            _tidy(stack)
        took = time.monotonic() - began
        results[name] = {"title": told.title, "lines": told.lines, "values": told.values, "took": took}
        report.show(told.title, [*told.lines, f"(took {took:.0f} s)"])
        report.keep(results, options.out)
    report.show("Kept", [str(options.out)])
    return failed


@contextmanager
def _servers(settings: dict[str, str], root: Path | None) -> Iterator[Stack]:
    """Yield running servers: private ones, or those whose state is kept."""
    if not root:
        with private_stack(settings) as stack:
            yield stack
        return
    stack = Stack(root, settings)
    try:
        stack.start_servers()
        yield stack
    finally:
        stack.stop()


def _tidy(stack: Stack) -> None:
    """Clean up after a failed measure."""
    stack.stop_workers()
    stack.drop_database()
    stack.fake_providers.misbehave(**_DISCARDING)


def main() -> int:
    """Run the measures named on the command line; or make the page of earlier runs."""
    options = chosen(sys.argv[1:], arguments())
    failed = 0
    if not options.page:
        settings = dict(part.split("=", 1) for part in options.setting)
        with _servers(settings, options.root) as stack:
            failed = asyncio.run(run(stack, options))
    if options.page or options.into:
        runs = [orjson.loads(file.read_bytes()) for file in options.page or [options.out]]
        text = page(runs, MEASURES)
        put(text, options.into, "python -m tests.bench") if options.into else report.show(text, [])
    return min(1, failed)


if __name__ == "__main__":
    sys.exit(main())
