"""The folder where the print provider fetches letters: a document, then its manifest."""

import hashlib
import os
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path

import orjson

from services.notifier.channels.letter_seal import LetterSeal

SEALED = ".sealed"
"""The suffix that a sealed document has after its own."""


MANIFEST = ".json"
UNFINISHED = ".part"
"""The suffix of a file that is being written; it begins with a dot."""


def hand_over(
    folder: Path,
    document: bytes,
    letters: Sequence[str],
    written_at: datetime,
    seal: LetterSeal | None = None,
) -> str:
    """Write a document and its manifest durably into the folder.

    The manifest is written last, atomically: a document without one must not be printed. The same letters
    give the same names, so a retry replaces the files with the same bytes. A sealed document would have other
    bytes each time: one that is there, whole, stays.

    Args:
        folder: must exist.
        document: a PDF, one page per letter.
        letters: ids, in the order of the pages.
        written_at: the time in the manifest.
        seal: to the print provider; None leaves the document readable.

    Returns:
        The document's name.

    Raises:
        OSError: the folder is missing, full or not writable; no partial file stays.
    """
    stem = hashlib.sha256("".join(letters).encode()).hexdigest()[:12]
    plain, sealed = folder / f"{stem}.pdf", folder / f"{stem}.pdf{SEALED}"
    manifest, path = folder / f"{stem}{MANIFEST}", sealed if seal else plain
    if seal and _is_there(sealed, manifest, seal):
        return sealed.name
    content = seal.seal(document) if seal else document
    _write(path, content)
    described = {
        "document": path.name,
        "sha256": hashlib.sha256(content).hexdigest(),
        "pages": len(letters),
        "created_at": written_at.isoformat(),
        "letters": [{"id": letter, "page": page} for page, letter in enumerate(letters, 1)],
        **({"sealed_to": seal.fingerprint} if seal else {}),
    }
    _write(manifest, orjson.dumps(described, option=orjson.OPT_INDENT_2))
    # From before the setting was changed.
    (plain if seal else sealed).unlink(missing_ok=True)
    return path.name


def _is_there(document: Path, manifest: Path, seal: LetterSeal) -> bool:
    """Return whether a document is there as its manifest says, sealed to this key."""
    try:
        told = orjson.loads(manifest.read_bytes())
        digest = hashlib.sha256(document.read_bytes()).hexdigest()
    except (FileNotFoundError, ValueError):
        return False
    return bool(told.get("sha256") == digest and told.get("sealed_to") == seal.fingerprint)


def _write(path: Path, content: bytes) -> None:
    handle, unfinished = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=UNFINISHED)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(unfinished).replace(path)
    except BaseException:
        with suppress(OSError):
            Path(unfinished).unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
