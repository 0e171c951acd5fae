"""Where a secret could leak: all files that a stack writes, and what its processes expose."""

import os
import subprocess
from collections.abc import Collection
from pathlib import Path

from deploy.local.postgres import programs
from deploy.local.stack import Stack

CAPTURED = {"captured", "spool"}
"""What the citizen gets: the only places where a half may be read."""
BROKER = "rabbitmq"
"""Holds the portals' own requests, personal data included, until they are handled."""


def written(stack: Stack) -> list[Path]:
    """Return every folder and file of the stack except the captured channels."""
    return [path for path in stack.state.iterdir() if path.name not in CAPTURED]


def dumps(stack: Stack, folder: Path) -> list[Path]:
    """Dump the whole database, once with bytes in hex and once raw; return the files."""
    stack.postgres.sql("checkpoint")
    made = []
    for output in ("hex", "escape"):
        made.append(folder / f"ledger.{output}.sql")
        environment = stack.postgres.environment() | {"PGOPTIONS": f"-c bytea_output={output}"}
        argv = [str(programs() / "pg_dump"), "-f", str(made[-1]), stack.database]
        subprocess.run(argv, env=environment, check=True, cwd="/")
    return made


def shown(stack: Stack, folder: Path, others: Collection[int] = ()) -> list[Path]:
    """Write the command line and environment of every process of the stack to files; return them."""
    leaders = {process.pid for process in stack.processes().values()} | set(others)
    made = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if os.getsid(int(process.name)) not in leaders:
                continue
            content = (process / "cmdline").read_bytes() + b"\n" + (process / "environ").read_bytes()
        except (OSError, ProcessLookupError):
            continue
        made.append(folder / f"process-{process.name}")
        made[-1].write_bytes(content)
    return made
