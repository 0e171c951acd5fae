"""The store of what citizens upload and operators look at: a folder or an S3 bucket, each file by its digest.

Nothing but a digest names a file, so that whatever is kept twice is there once, no name that somebody chose
reaches the store, and what comes back can be checked.
"""

import asyncio
import hashlib
import io
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NotRequired, TypedDict
from urllib.parse import unquote, urlsplit

from obstore.store import LocalStore, ObjectStore, S3Store
from PIL import Image

from deploy.web.errors import DocumentAlteredError, DocumentElsewhereError, DocumentRefusedError
from deploy.web.settings import WebSettings

if TYPE_CHECKING:
    from obstore.store import S3Config  # there is none at run time

_PDF, _PNG, _JPEG = "application/pdf", "image/png", "image/jpeg"
_UNDECLARED = frozenset({"", "application/octet-stream"})
"""What a browser says of a file whose kind it does not know."""
_OTHER_NAMES = {"image/jpg": _JPEG, "image/pjpeg": _JPEG, "application/x-pdf": _PDF}
_END_OF_PDF = 1024
"""Bytes from the end of a PDF in which its mark of the end stands (ISO 32000-1, annex H.3.18)."""
_MOST_PIXELS = 100_000_000
"""Of a picture: more is no scan of a page, and would fill the memory of whoever shows it."""
_DIGEST = re.compile("[0-9a-f]{64}")
_FOLDER = "folder://documents"
"""What the documents of a folder are called outside; only who has the folder can read them."""


class Attachment(TypedDict):
    """A document as the contract refers to it (R24)."""

    uri: str
    sha256: str
    media_type: str
    size: NotRequired[int]


class Documents:
    """Keeps and reads documents.

    Args:
        settings: `documents_url` is `file:///folder` or `s3://bucket/prefix`; how S3 is reached; the limit.
    """

    def __init__(self, settings: WebSettings) -> None:
        self._limit = settings.web_upload_limit
        self._store = _opened(settings)
        self._folder = self._store.prefix if isinstance(self._store, LocalStore) else None
        self._base = _FOLDER if self._folder else settings.documents_url.rstrip("/")

    async def keep(self, data: bytes, declared_type: str) -> Attachment:
        """Keep a PDF, PNG or JPEG; return how the contract refers to it.

        Args:
            data: the file.
            declared_type: by whoever sent it, as a media type.

        Raises:
            DocumentRefusedError: it is none that is kept.
        """
        media_type = await asyncio.to_thread(checked_type, data, declared_type, self._limit)
        digest = hashlib.sha256(data).hexdigest()
        await self._store.put_async(digest, data)
        if self._folder:
            await asyncio.to_thread(_settle, self._folder / digest)
        return {
            "uri": f"{self._base}/{digest}",
            "sha256": digest,
            "media_type": media_type,
            "size": len(data),
        }

    async def read(self, attachment: Attachment | Mapping[str, object]) -> bytes:
        """Return a document.

        Raises:
            DocumentElsewhereError: it is not of this store.
            DocumentAlteredError: its content has another digest than it had.
            FileNotFoundError: it is gone.
        """
        digest = str(attachment["sha256"])
        if not _DIGEST.fullmatch(digest) or attachment["uri"] != f"{self._base}/{digest}":
            raise DocumentElsewhereError
        found = await self._store.get_async(digest)
        data = bytes(await found.bytes_async())
        if hashlib.sha256(data).hexdigest() != digest:
            raise DocumentAlteredError
        return data


def checked_type(data: bytes, declared_type: str, limit: int) -> str:
    """Return the media type of a file by its content.

    Raises:
        DocumentRefusedError: it is empty, too large, of no kind that is kept, or of another than declared.
    """
    if not data:
        raise DocumentRefusedError("file_empty")
    if len(data) > limit:
        raise DocumentRefusedError("file_too_large")
    found = _type_of(data)
    if found is None:
        raise DocumentRefusedError("file_of_other_type")
    declared = declared_type.partition(";")[0].strip().lower()
    if declared not in _UNDECLARED and _OTHER_NAMES.get(declared, declared) != found:
        raise DocumentRefusedError("file_lies")
    return found


def _type_of(data: bytes) -> str | None:
    # Nothing of the page is parsed here: a portal that renders what strangers send is a way in.
    if data.startswith(b"%PDF-"):
        return _PDF if b"%%EOF" in data[-_END_OF_PDF:] else None
    try:
        with Image.open(io.BytesIO(data), formats=("PNG", "JPEG")) as picture:
            if picture.width * picture.height > _MOST_PIXELS:
                return None
            kind = picture.format
            picture.verify()
    # Pillow lets out whatever goes wrong in the parser of a format.
    except Exception:  # noqa: BLE001 - in whichever way it is broken, it is no picture
        return None
    return {"PNG": _PNG, "JPEG": _JPEG}.get(kind or "")


def _opened(settings: WebSettings) -> ObjectStore:
    parts = urlsplit(settings.documents_url)
    if parts.scheme == "file":
        folder = Path(unquote(parts.path))
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return LocalStore(folder)
    return S3Store(
        parts.netloc,
        prefix=parts.path.strip("/") or None,
        config=_access(settings),
        client_options={"allow_http": settings.documents_endpoint.startswith("http://")},
    )


def _access(settings: WebSettings) -> "S3Config":
    # What is left out is taken from the environment, or from the role of the machine.
    access: S3Config = {}
    if settings.documents_endpoint:
        access["endpoint"] = settings.documents_endpoint
    if settings.documents_region:
        access["region"] = settings.documents_region
    if settings.documents_key_id and settings.documents_key:
        access["access_key_id"] = settings.documents_key_id
        access["secret_access_key"] = settings.documents_key.reveal()
    return access


def _settle(file: Path) -> None:
    """Return when a file and its name are on the disk: the command that refers to it may be kept longer."""
    for path in (file, file.parent):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
