"""Prints the results of a benchmark with its conditions, and saves them as JSON."""

import os
import platform
import shlex
import subprocess
import sys
import sysconfig
import time
from argparse import ArgumentParser
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import orjson

from deploy.local.processes import CHECKOUT
from deploy.local.stack import Stack
from tests.bench.procfs import processor

_DURABILITY = ("fsync", "synchronous_commit", "full_page_writes", "wal_sync_method", "data_checksums")


def command(arguments: Sequence[str]) -> str:
    """Return the command line that repeats a run, wherever its figures and its ledgers lie."""
    parser = ArgumentParser(add_help=False)
    parser.add_argument("--out")
    parser.add_argument("--root")
    return shlex.join(["python", "-m", "tests.bench", *parser.parse_known_args(arguments)[1]])


def conditions(stack: Stack) -> dict[str, str]:
    """Return the conditions of the run: the machine and its load, the versions, the settings."""
    postgres = stack.postgres.sql("show server_version")
    settings = ", ".join(f"{name} {stack.postgres.sql(f'show {name}')}" for name in _DURABILITY)
    return {
        "command": command(sys.argv[1:]),
        "date": time.strftime("%Y-%m-%d %H:%M"),
        "commit": _commit(),
        "machine": f"{os.cpu_count()} cores, {processor()}",
        "load": f"{os.getloadavg()[0]:.1f} in the minute before; over 1, the figures are worth little",
        "python": _python(),
        "libraries": ", ".join(f"{name} {version(name)}" for name in ("asyncpg", "aiormq", "uvloop")),
        "postgres": f"{postgres}: {settings}",
        "rabbitmq": f"{_rabbitmq(stack)}: quorum queues, persistent messages, publisher confirms",
        "settings": ", ".join(f"{name}={text}" for name, text in stack.settings.items()) or "the defaults",
    }


def _commit() -> str:
    """Return the checkout's commit, and whether anything in it is changed."""
    asked = ["git", "describe", "--always", "--dirty", "--exclude=*"]
    told = subprocess.run(asked, cwd=CHECKOUT, capture_output=True, text=True, check=False)
    return told.stdout.strip() or "unknown"


def _python() -> str:
    """Return version and build: one that was optimised by a profile is faster."""
    optimised = "--enable-optimizations" in str(sysconfig.get_config_var("CONFIG_ARGS"))
    how = f"{platform.python_compiler()}{' --enable-optimizations' if optimised else ''}"
    return f"{platform.python_version()}, built {platform.python_build()[1]} by {how}"


def _rabbitmq(stack: Stack) -> str:
    erlang = stack.rabbitmq.ctl("eval", "erlang:system_info(otp_release).").strip().strip('"')
    return f"{stack.rabbitmq.ctl('version').strip()} on Erlang {erlang}"


def show(title: str, lines: Sequence[str]) -> None:
    """Print a section."""
    print(f"\n{title}")  # noqa: T201
    for line in lines:
        progress(line)


def progress(line: str) -> None:
    """Print an intermediate result."""
    print(f"  {line}", flush=True)  # noqa: T201


def parts(figures: Mapping[str, float], digits: int) -> str:
    """Return figures by name, in one line."""
    return "  ".join(f"{name} {figure:.{digits}f}" for name, figure in figures.items())


def keep(results: Mapping[str, Any], path: Path) -> None:
    """Write the results to a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(orjson.dumps(results, option=orjson.OPT_INDENT_2))
