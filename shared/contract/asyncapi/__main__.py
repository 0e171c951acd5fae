"""Writes the AsyncAPI document, or checks the one that is committed.

`python -m shared.contract.asyncapi` writes it; with `--check` it tells whether the committed
one is what the models say, and has it validated by the official parser.
"""

import argparse
import difflib
import json
import sys
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

from shared.contract.asyncapi.document import document
from shared.contract.asyncapi.official import diagnose

DOCUMENT = Path(__file__).parents[1] / "asyncapi.json"
PARSER = Path(__file__).parents[3] / ".local" / "asyncapi"
_HINT = 20


def text() -> str:
    """Return the document as it has to be committed."""
    return json.dumps(document(), indent=1, ensure_ascii=False) + "\n"


def staleness(committed: str) -> str:
    """Return the first lines in which a committed document differs from the models, or nothing."""
    lines = difflib.unified_diff(
        committed.splitlines(), text().splitlines(), "committed", "models", lineterm=""
    )
    return "\n".join(islice(lines, _HINT))


def main(words: Sequence[str] | None = None) -> int:
    """Write or check the document; return the exit status."""
    arguments = argparse.ArgumentParser(prog="python -m shared.contract.asyncapi", description=__doc__)
    arguments.add_argument("document", nargs="?", type=Path, default=DOCUMENT, help="default: %(default)s")
    arguments.add_argument("--check", action="store_true", help="change nothing; exit 1 if stale or invalid")
    asked = arguments.parse_args(words)
    if asked.check:
        return _check(asked.document)
    asked.document.write_text(text(), encoding="utf-8")
    return 0


def _check(path: Path) -> int:
    if stale := staleness(path.read_text(encoding="utf-8") if path.exists() else ""):
        sys.stderr.write(f"{stale}\nThe document is stale: run python -m shared.contract.asyncapi\n")
        return 1
    sound, said = diagnose(path, PARSER)
    sys.stderr.write(said)
    return 0 if sound else 1


if __name__ == "__main__":
    sys.exit(main())
