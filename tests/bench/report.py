"""Prints the results of a benchmark, and saves them as JSON."""

import os
import platform
import time
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import orjson

from deploy.local.stack import Stack
from tests.bench.procfs import processor

_DURABILITY = ("fsync", "synchronous_commit", "full_page_writes", "wal_sync_method", "data_checksums")


def conditions(stack: Stack) -> dict[str, str]:
    """Return the conditions of the run: the machine and its load, the versions, the settings."""
    postgres = stack.postgres.sql("show server_version")
    settings = ", ".join(f"{name} {stack.postgres.sql(f'show {name}')}" for name in _DURABILITY)
    return {
        "machine": f"{os.cpu_count()} cores, {processor()}",
        "load": f"{os.getloadavg()[0]:.1f} in the minute before; over 1, the figures are worth little",
        "python": platform.python_version(),
        "libraries": ", ".join(f"{name} {version(name)}" for name in ("asyncpg", "aiormq", "uvloop")),
        "postgres": f"{postgres}: {settings}",
        "rabbitmq": f"{_rabbitmq(stack)}: quorum queues, persistent messages, publisher confirms",
        "settings": ", ".join(f"{name}={text}" for name, text in stack.settings.items()) or "the defaults",
    }


def _rabbitmq(stack: Stack) -> str:
    return stack.rabbitmq.ctl("version").strip()


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


def keep(results: Mapping[str, Any], folder: Path) -> Path:
    """Write the results to `<time>.json` in a folder, and return the path."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{time.strftime('%Y%m%dT%H%M%S')}.json"
    path.write_bytes(orjson.dumps(results, option=orjson.OPT_INDENT_2))
    return path
