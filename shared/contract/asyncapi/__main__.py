"""Writes the AsyncAPI document, or checks the one that is committed.

`python -m shared.contract.asyncapi` writes it; with `--check` it tells whether the committed
one is what the models say, and has it validated by the official parser.
"""

import json
import sys
from collections.abc import Sequence
from pathlib import Path

from shared.contract.asyncapi.document import document
from shared.contract.asyncapi.official import diagnose
from shared.contract.generated import Generated

DOCUMENT = Path(__file__).parents[1] / "asyncapi.json"
PARSER = Path(__file__).parents[3] / ".local" / "asyncapi"


def text() -> str:
    """Return the document as it has to be committed."""
    return json.dumps(document(), indent=1, ensure_ascii=False) + "\n"


_GENERATED = Generated("shared.contract.asyncapi", DOCUMENT, text, lambda path: diagnose(path, PARSER))
staleness = _GENERATED.staleness


def main(words: Sequence[str] | None = None) -> int:
    """Write or check the document; return the exit status."""
    return _GENERATED.main(words, __doc__)


if __name__ == "__main__":
    sys.exit(main())
