"""What `pinctl --version` says."""

import argparse
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from shared.version import VERSION, revision

_ROOT = Path(__file__).parents[2]
_DESCRIBE = ("git", "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*")
"""The commit of a checkout, with `-dirty` where a file of it was changed."""


def described() -> str:
    """Return the version, and the commit where it is known: of the image, or of a checkout that has git."""
    commit = revision() or _of_checkout()
    return f"pinctl {VERSION}" + (f" ({commit})" if commit else "")


def _of_checkout() -> str:
    if not (_ROOT / ".git").exists():
        return ""
    try:
        described = subprocess.run(_DESCRIBE, cwd=_ROOT, check=False, capture_output=True, text=True)
    except OSError:  # there is no git
        return ""
    return described.stdout.strip()


class Version(argparse.Action):
    """`--version`: says it and ends; git is asked only then."""

    def __init__(self, option_strings: Sequence[str], dest: str, **options: Any) -> None:  # noqa: ANN401 - argparse's
        super().__init__(option_strings, dest, nargs=0, **options)

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        """Print it, and exit with 0."""
        sys.stdout.write(f"{described()}\n")
        parser.exit()
