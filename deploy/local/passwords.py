"""The generated passwords of one stack, kept across restarts."""

import json
import secrets
from pathlib import Path


def passwords(path: Path, names: list[str]) -> dict[str, str]:
    """Return a password for each name; new ones are made for names not yet in the file."""
    known: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
    if missing := [name for name in names if name not in known]:
        known |= {name: secrets.token_hex(16) for name in missing}
        path.touch(mode=0o600)
        path.write_text(json.dumps(known))
    return {name: known[name] for name in names}
