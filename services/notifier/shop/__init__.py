"""The print shop: letters wait in the ledger, and go to it as jobs; what it answers becomes reports.

This is what the two halves of it say to each other: what closes jobs, makes them and keeps their state, and a
`Shop`, which carries them and brings back what the shop answers.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol
from uuid import UUID

LetterAnswer = Literal["printed", "posted", "returned", "damaged"]
"""What the shop says of one letter. A damaged one is printed again, by another job."""


@dataclass(frozen=True, slots=True)
class Document:
    """One file to print.

    Attributes:
        name: of the file, such as `20261127-LAZIO-1-001.pdf`; in the manifest with its SHA-256 and pages.
        content: a PDF, readable: the transport encrypts it to the shop.
    """

    name: str
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Job:
    """What is to be printed of one day and region: closed once, the same at every try.

    Attributes:
        id: such as `20261127-LAZIO-1`: capital letters, digits and hyphens. Another job never has it.
        digest: SHA-256 (hex) of which letters it has, and of their sealed contents; in the manifest, too. It
            is the same at every try even where the bytes of a document are not, as after an upgrade.
        manifest: JSON, UTF-8: the job, its documents with SHA-256 and pages, its letters with document and
            page. It has no name, address or half, but which letters there are.
        documents: what the manifest names, in its order.
    """

    id: str
    digest: str
    manifest: bytes = field(repr=False)
    documents: tuple[Document, ...]


@dataclass(frozen=True, slots=True)
class Told:
    """What the shop says of one letter.

    Attributes:
        job: id of the job that it was in.
        letter: id of the delivery.
        status: what became of it.
        at: when, as the shop says.
    """

    job: str
    letter: UUID
    status: LetterAnswer
    at: datetime


@dataclass(frozen=True, slots=True)
class AnswerFile:
    """One file of answers, which the transport has read, checked and understood.

    Attributes:
        name: by which `taken` knows it.
        digest: SHA-256 (hex) of its bytes: the same evidence, read twice, has one effect.
        told: at most some thousands.
    """

    name: str
    digest: str
    told: tuple[Told, ...]


class Shop(Protocol):
    """The way to the print shop and back. Only one call at a time is made to it.

    Every call is bounded in time by the transport itself, and may be cancelled at any point. Several
    processes may each have a `Shop` to the same place.
    """

    @property
    def name(self) -> str:
        """Return what reports call the provider, such as its host."""

    async def put(self, job: Job) -> None:
        """Hand a job over, whole and durably.

        A job that is there already, whole and with the same digest, is recognised: nothing is put again. What
        an interrupted call has left there is replaced.

        Raises:
            shared.errors.ShopUnreachableError: it is not known to be there; try again later.
            shared.errors.ShopRefusedError: a job of that id is there with another digest, and stays.
        """

    async def answers(self) -> Sequence[AnswerFile]:
        """Return files of answers that were not taken yet, the oldest first; a bounded number, or none.

        What is no answer is left aside with a line of the log, and never returned twice.

        Raises:
            shared.errors.ShopUnreachableError: try again later.
        """

    async def taken(self, answer: AnswerFile) -> None:
        """Put a file of answers aside, now that all it says is recorded. Again is no error.

        Raises:
            shared.errors.ShopUnreachableError: it may be returned again, which is harmless.
        """

    async def close(self) -> None:
        """Close connections."""
