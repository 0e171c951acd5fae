"""The official AsyncAPI parser, kept under `.local/`."""

import subprocess
from pathlib import Path

from shared.contract.asyncapi.node import NODE, installed

_SOURCES = Path(__file__).parent / "parser"
_LIMIT = 120
"""Seconds for a document."""


def diagnose(path: Path, home: Path) -> tuple[bool, str]:
    """Return whether the official parser finds no error and no warning in a document, and what it says.

    Args:
        path: the document.
        home: where the parser is kept; it is installed there at the first use.

    Raises:
        NodePackagesError: it is neither there nor to be had.
    """
    program = installed(_SOURCES, home) / "check.cjs"
    done = subprocess.run(  # noqa: S603 - our own program
        [NODE, program, path], capture_output=True, text=True, check=False, timeout=_LIMIT
    )
    return done.returncode == 0, f"{done.stdout}{done.stderr}"
