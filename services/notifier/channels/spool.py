"""The folder where the print provider fetches letters: a document, then its manifest."""

import hashlib
import os
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path

import orjson


def hand_over(folder: Path, document: bytes, letters: Sequence[str], written_at: datetime) -> str:
    """Write a document and its manifest durably into the folder.

    The manifest is written last, atomically: a document without one must not be printed. The same letters
    give the same names, so a retry replaces the files with the same bytes.

    Args:
        folder: must exist.
        document: a PDF, one page per letter.
        letters: ids, in the order of the pages.
        written_at: the time in the manifest.

    Returns:
        The document's name.

    Raises:
        OSError: the folder is missing, full or not writable; no partial file stays.
    """
    stem = hashlib.sha256("".join(letters).encode()).hexdigest()[:12]
    name = f"{stem}.pdf"
    manifest = {
        "document": name,
        "sha256": hashlib.sha256(document).hexdigest(),
        "pages": len(letters),
        "created_at": written_at.isoformat(),
        "letters": [{"id": letter, "page": page} for page, letter in enumerate(letters, 1)],
    }
    _write(folder / name, document)
    _write(folder / f"{stem}.json", orjson.dumps(manifest, option=orjson.OPT_INDENT_2))
    return name


def _write(path: Path, content: bytes) -> None:
    handle, unfinished = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".part")
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
