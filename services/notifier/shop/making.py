"""Makes a closed job, the same at every try: opens its letters, typesets them, writes the manifest."""

import base64
import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from itertools import groupby
from uuid import UUID

import orjson

from services.notifier.channels.letter import Letter
from services.notifier.channels.letter.sound import Typeset, letter_of, typeset_all
from services.notifier.shop import Document, Job
from services.notifier.shop.planning import job_digest, letter_digest
from shared.contract.delivery import from_bytes
from shared.crypto.sealing import BundleOpener
from shared.errors import JobNotMadeError, UnreadableDeliveryError, UnsealableError


@dataclass(frozen=True, slots=True)
class ClosedJob:
    """A job as the ledger has it."""

    id: str
    day: date
    region: str
    sequence: int
    digest: bytes
    tries: int = 0


@dataclass(frozen=True, slots=True)
class KeptLetter:
    """A letter as the ledger keeps it; without content if the citizen was erased, or its time is over."""

    id: UUID
    place: int
    digest: bytes
    key_id: str
    bundle_key: bytes | None = field(repr=False)
    seal: bytes | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class MadeJob:
    """A job that can be handed over.

    Attributes:
        job: None if none of its letters is left to be printed.
        failed: the letters that cannot be typeset: no document has them, and nothing will print them.
    """

    job: Job | None
    failed: tuple[UUID, ...]


def make(  # noqa: PLR0913, PLR0917 - what a job is made of, and by what
    job: ClosedJob,
    letters: Sequence[KeptLetter],
    opener: BundleOpener,
    typeset: Typeset,
    pages: int,
    unwanted: Callable[[], bool] = lambda: False,
) -> MadeJob:
    """Make a job.

    Args:
        job: that is closed.
        letters: all of them, in their order.
        opener: with the channel's private key.
        typeset: makes one document of letters.
        pages: in one document, at most. Which letter is in which document follows from its place alone.
        unwanted: asked before each document whether nobody waits for the job any more.

    Raises:
        JobNotMadeError: these are not the letters that the job was closed with, one does not open, or nobody
            waits for it.
        TypesettingError: nothing can be typeset.
    """
    if job_digest(job.id, ((one.id, one.digest) for one in letters)) != job.digest:
        raise JobNotMadeError("not_as_closed")
    open_letter, sheets, failed = _opening(opener), list[_Sheets](), list[UUID]()
    for number, group in groupby(letters, lambda one: (one.place - 1) // pages):
        if unwanted():
            raise JobNotMadeError("unwanted")
        opened = [open_letter(one) for one in group if one.seal is not None]
        if opened:
            content, sound = typeset_all(opened, typeset)
            printed = {one.id for one in sound}
            failed += [UUID(one.id) for one in opened if one.id not in printed]
            if sound:
                sheets.append(
                    _Sheets(
                        Document(f"{job.id}-{number + 1:03}.pdf", content), tuple(one.id for one in sound)
                    )
                )
    return MadeJob(_whole(job, sheets) if sheets else None, tuple(failed))


@dataclass(frozen=True, slots=True)
class _Sheets:
    """A document, and the letters in it, one a page."""

    document: Document
    letters: tuple[str, ...]

    def described(self) -> dict[str, object]:
        content = self.document.content
        return {
            "name": self.document.name,
            "sha256": hashlib.sha256(content).hexdigest(),
            "pages": len(self.letters),
        }

    def listed(self) -> Iterator[dict[str, object]]:
        for page, letter in enumerate(self.letters, 1):
            yield {"id": letter, "document": self.document.name, "page": page}


def _whole(job: ClosedJob, sheets: Sequence[_Sheets]) -> Job:
    manifest = {
        "job": job.id,
        "day": job.day.isoformat(),
        "region": job.region,
        "sequence": job.sequence,
        "digest": job.digest.hex(),
        "documents": [one.described() for one in sheets],
        "letters": [letter for one in sheets for letter in one.listed()],
    }
    written = orjson.dumps(manifest, option=orjson.OPT_INDENT_2)
    return Job(job.id, job.digest.hex(), written, tuple(one.document for one in sheets))


def _opening(opener: BundleOpener) -> Callable[[KeptLetter], Letter]:
    """Return what opens a letter; the letters of one bundle cost one operation on the curve."""

    @lru_cache(maxsize=64)
    def bundle(key: bytes, key_id: str) -> Callable[[str, bytes], bytes]:
        return opener.open(base64.b64encode(key).decode(), key_id)

    def opened(letter: KeptLetter) -> Letter:
        key, seal = letter.bundle_key or b"", letter.seal or b""
        if letter_digest(letter.id, key, seal) != letter.digest:
            raise JobNotMadeError("letter_changed")
        try:
            plain = bundle(key, letter.key_id)(base64.b64encode(seal).decode(), letter.id.bytes)
            return letter_of(letter.id, from_bytes(plain))
        except UnsealableError:
            raise JobNotMadeError("letter_unsealable") from None
        except (UnreadableDeliveryError, TypeError):
            raise JobNotMadeError("letter_unreadable") from None

    return opened
