"""`pinctl keys`: creates missing keys, and lists the existing ones without showing them."""

import base64
from pathlib import Path

from deploy.pinctl.answer import ATTENTION, OK, Answer
from deploy.pinctl.tables import table
from shared.crypto.generations import fingerprint
from shared.crypto.keys import (
    BOXES,
    SIGNING,
    SYMMETRIC,
    Keys,
    make_cosigner,
    make_keys,
    make_signing_key,
    public_half,
)
from shared.errors import KeyFileError

_COLUMNS = ("key", "kind", "fingerprint", "files", "")


def init(folder: Path) -> Answer:
    """Create missing keys; existing ones are never replaced."""
    made = make_keys(folder)
    text = f"Made in {folder}: {', '.join(made)}." if made else f"All keys are in {folder} already."
    warning = (
        "\nKeep copies of account.key, subject.key and pepper.key: nothing opens the ledger without them."
    )
    return Answer(text + (warning if made else ""), {"folder": str(folder), "made": made})


def sender(folder: Path, user: str) -> Answer:
    """Create the pair that a broker user outside signs commands with; an existing one is never replaced."""
    name = f"{user}-signing"
    made = make_signing_key(folder, name)
    pair = f"{user}:{base64.b64encode(Keys(folder).public(name)).decode()}"
    text = f"{'Made' if made else 'There already'}: {folder}/{name}.key, for {user} alone.\n"
    text += f"Once {user} signs every command, the workers get this in PIN_SENDER_KEYS:\n{pair}"
    return Answer(text, {"folder": str(folder), "made": [made] if made else [], "sender_key": pair})


def init_cosigner(folder: Path) -> Answer:
    """Create the pair of a second witness of the checkpoints, and nothing else."""
    made = make_cosigner(folder)
    text = f"Made in {folder}: {', '.join(made)}." if made else f"The witness's key is in {folder} already."
    return Answer(text, {"folder": str(folder), "made": made})


def show(folder: Path) -> Answer:
    """List the keys with fingerprints that can be compared between machines."""
    keys = Keys(folder)
    rows = [_pair(keys, name) for name in (*BOXES, *SIGNING)]
    rows += [_symmetric(keys, name) for name in SYMMETRIC]
    rows = [row for row in rows if row[3]]
    data = [dict(zip(("key", "kind", "fingerprint", "files", "fault"), row, strict=True)) for row in rows]
    status = ATTENTION if any(row[4] for row in rows) else OK
    return Answer(f"Keys in {folder}\n{table(_COLUMNS, rows)}", {"folder": str(folder), "keys": data}, status)


def _pair(keys: Keys, name: str) -> tuple[str, str, str, str, str]:
    kind = "Ed25519" if name in SIGNING else "X25519"
    files = [file for file in ("key", "pub") if (keys.folder / f"{name}.{file}").exists()]
    try:
        of_private = public_half(name, keys.generations(f"{name}.key").current) if "key" in files else b""
        shown = keys.public(name) if "pub" in files else of_private
    except KeyFileError as fault:
        return name, kind, "", " ".join(files), str(fault)
    fault_said = "the two files are not a pair" if of_private and shown != of_private else ""
    return name, kind, fingerprint(shown), " ".join(files), fault_said


def _symmetric(keys: Keys, name: str) -> tuple[str, str, str, str, str]:
    files = "key" if (keys.folder / f"{name}.key").exists() else ""
    try:
        return name, "256 bits", fingerprint(keys.symmetric(name).current) if files else "", files, ""
    except KeyFileError as fault:
        return name, "256 bits", "", files, str(fault)
