"""The releases of the project, as docs/releases.md lists them; the source of one, and what it runs with."""

import hashlib
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from deploy.local.lockfile import LockFile
from deploy.local.processes import CHECKOUT

_ROW = re.compile(r"^\| (\d+\.\d+\.\d+) \| (\d{4}-\d\d-\d\d) \| `([0-9a-f]{40})` \|$", re.MULTILINE)
_PIN = re.compile(r"^([\w.\[\],-]+==[^\s;\\]+)", re.MULTILINE)
_LOCK = "requirements.lock"
_ENVIRONMENTS = CHECKOUT / ".local/upgrade"
"""Virtual environments of earlier releases, by the digest of their lock; kept for the next time."""


class NoReleaseError(Exception):
    """The source of a release, or what it needs to run, cannot be had here."""


@dataclass(frozen=True)
class Release:
    """One release, and the commit that it is."""

    version: str
    date: str
    commit: str


@dataclass(frozen=True)
class Tree:
    """The source of a release.

    Attributes:
        name: how it is called in what is printed.
        root: its folder.
        python: the interpreter that has its libraries.
    """

    name: str
    root: Path
    python: str

    @property
    def migrations(self) -> Path:
        """The folder of its migrations."""
        return self.root / "shared/ledger/migrations"

    def run(self, module: str, *words: str, env: dict[str, str]) -> str:
        """Run one of its modules, with this environment alone; return what it prints.

        Raises:
            AssertionError: it ended with another status than 0.
        """
        argv = [self.python, "-m", module, *words]
        done = subprocess.run(argv, cwd=self.root, env=env, check=False, capture_output=True, text=True)
        assert done.returncode == 0, f"{self.name}: {module} {words}\n{done.stdout}{done.stderr}"
        return done.stdout


PRESENT = Tree("this", CHECKOUT, sys.executable)
"""The checkout that the tests run from."""


def releases() -> list[Release]:
    """Return every release on the page, the newest first."""
    page = (CHECKOUT / "docs/releases.md").read_text(encoding="utf-8")
    return [Release(*found) for found in _ROW.findall(page)]


def last_release() -> str:
    """Return the newest release that is not the very commit of this checkout.

    Raises:
        NoReleaseError: git or its history is not there.
    """
    head = git("rev-parse", "HEAD").decode().strip()
    return next(f"v{one.version}" for one in releases() if one.commit != head)


def unpacked(revision: str, folder: Path) -> Tree:
    """Unpack a revision into a folder, and find what it runs with.

    Args:
        revision: a release on the page such as `v0.2.0`, or whatever git knows.
        folder: an empty one.

    Raises:
        NoReleaseError: git does not have it, or its lock cannot be installed.
    """
    known = {f"v{one.version}": one.commit for one in releases()}
    commit = git("rev-parse", "--verify", f"{known.get(revision, revision)}^{{commit}}").decode().strip()
    # By `tar`: Debian 12's Python (3.11.2) cannot unpack by a filter.
    subprocess.run(["tar", "-xC", folder], input=git("archive", commit), check=True)
    (folder / "revision").write_text(f"{commit}\n")
    python = _python_for(folder / _LOCK)
    # As its image does. Workers that start at once would each compile everything.
    subprocess.run([python, "-m", "compileall", "-q", "services", "shared", "deploy"], cwd=folder, check=True)
    return Tree(revision, folder, python)


def git(*words: str) -> bytes:
    """Return what git prints.

    Raises:
        NoReleaseError: it is not there, or failed.
    """
    # The checkout may belong to somebody else, as in a container.
    argv = ["git", "-c", "safe.directory=*", *words]
    try:
        done = subprocess.run(argv, cwd=CHECKOUT, check=False, capture_output=True)
    except FileNotFoundError:
        raise NoReleaseError("git is not installed") from None
    if done.returncode:
        raise NoReleaseError(f"git {words[0]}: {done.stderr.decode().strip()}")
    return done.stdout


def _python_for(lock: Path) -> str:
    """Return an interpreter with what a lock names: this one, if it has the same, else one of its own."""
    if pins(lock) <= pins(CHECKOUT / _LOCK):
        return sys.executable
    made = _ENVIRONMENTS / hashlib.sha256(lock.read_bytes()).hexdigest()[:16]
    python = made / "bin/python"
    _ENVIRONMENTS.mkdir(parents=True, exist_ok=True)
    turn = LockFile(_ENVIRONMENTS / "turn")
    turn.acquire(wait=True)
    try:
        if not (made / "complete").exists():
            _install(lock, made, python)
    finally:
        turn.release()
    return str(python)


def _install(lock: Path, made: Path, python: Path) -> None:
    steps = (
        [sys.executable, "-m", "venv", "--clear", str(made)],
        [str(CHECKOUT / "deploy/install-lock"), str(lock), str(python)],
    )
    for argv in steps:
        done = subprocess.run(argv, check=False, capture_output=True, text=True)
        if done.returncode:
            raise NoReleaseError(f"{lock} cannot be installed:\n{done.stdout}{done.stderr}")
    (made / "complete").touch()


def pins(lock: Path) -> set[str]:
    """Return what a lock names, such as `attrs==25.1.0`."""
    return set(_PIN.findall(lock.read_text(encoding="utf-8")))
