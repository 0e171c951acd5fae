"""Documents that are made from the code and committed: written anew, or checked not to be stale."""

import argparse
import difflib
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

_HINT = 20


@dataclass(frozen=True, slots=True)
class Generated:
    """One such document.

    Attributes:
        module: what writes it, as `python -m` takes it.
        path: where it is committed.
        text: makes it.
        sound: says of the one at a path whether it is good otherwise, and why.
    """

    module: str
    path: Path
    text: Callable[[], str]
    sound: Callable[[Path], tuple[bool, str]] = lambda _: (True, "")

    def staleness(self, committed: str) -> str:
        """Return the first lines in which a committed document is not what the code says, or nothing."""
        lines = difflib.unified_diff(
            committed.splitlines(), self.text().splitlines(), "committed", "generated", lineterm=""
        )
        return "\n".join(islice(lines, _HINT))

    def main(self, words: Sequence[str] | None, description: str | None) -> int:
        """Write or check it, as the command line asks; returns the exit status."""
        arguments = argparse.ArgumentParser(prog=f"python -m {self.module}", description=description)
        arguments.add_argument("document", nargs="?", type=Path, default=self.path, help="%(default)s")
        arguments.add_argument("--check", action="store_true", help="change nothing; exit 1 if it is stale")
        asked = arguments.parse_args(words)
        if asked.check:
            return self._check(asked.document)
        asked.document.write_text(self.text(), encoding="utf-8")
        return 0

    def _check(self, path: Path) -> int:
        if stale := self.staleness(path.read_text(encoding="utf-8") if path.exists() else ""):
            sys.stderr.write(f"{stale}\nThe document is stale: run python -m {self.module}\n")
            return 1
        sound, said = self.sound(path)
        sys.stderr.write(said)
        return 0 if sound else 1
