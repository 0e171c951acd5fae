"""Which letters go into which job, and how a job is named and known again. Pure."""

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from shared.italy.regions import ABROAD, REGION_OF

_AT_HOME = re.compile(r"[0-9]{5} .* ([A-Z]{2})")
"""The last line of an address in Italy: CAP, municipality, province. Abroad it is the name of the country."""


@dataclass(frozen=True, slots=True)
class WaitingLetter:
    """A letter that is to go into a job.

    Attributes:
        id: of the delivery.
        region: where it goes.
        digest: of its sealed content, see `letter_digest`.
    """

    id: UUID
    region: str
    digest: bytes


@dataclass(frozen=True, slots=True)
class PlannedJob:
    """A job, before it is made.

    Attributes:
        id: never used for another.
        day: whose job it is.
        region: where its letters go.
        sequence: from 1: a region has several jobs a day if it has many letters.
        letters: in the order in which they are printed.
        digest: SHA-256 over the id and the letters' digests.
    """

    id: str
    day: date
    region: str
    sequence: int
    letters: tuple[UUID, ...]
    digest: bytes


def region_of(address: Sequence[str]) -> str:
    """Return the region that an address block is in, `EE` for one abroad."""
    found = _AT_HOME.fullmatch(address[-1]) if address else None
    return REGION_OF.get(found[1], ABROAD) if found else ABROAD


def letter_digest(delivery: UUID, bundle_key: bytes, seal: bytes) -> bytes:
    """Return what a letter's sealed content is known by.

    Of the readable content it would tell a guesser which of 2^40 halves is in it.
    """
    return hashlib.sha256(delivery.bytes + len(bundle_key).to_bytes(4) + bundle_key + seal).digest()


def job_digest(job: str, letters: Iterable[tuple[UUID, bytes]]) -> bytes:
    """Return what a job is known by: its id, and which letters with which sealed contents it has."""
    digest = hashlib.sha256(job.encode())
    for delivery, known_by in letters:
        digest.update(delivery.bytes + known_by)
    return digest.digest()


def plan(day: date, waiting: Iterable[WaitingLetter], most: int) -> list[PlannedJob]:
    """Return the jobs of a day.

    Args:
        day: that is closed.
        waiting: the letters, in the order in which they came.
        most: letters in one job.
    """
    regions: dict[str, list[WaitingLetter]] = {}
    for letter in waiting:
        regions.setdefault(letter.region, []).append(letter)
    return [
        _job(day, region, sequence, letters[start : start + most])
        for region, letters in sorted(regions.items())
        for sequence, start in enumerate(range(0, len(letters), most), 1)
    ]


def _job(day: date, region: str, sequence: int, letters: Sequence[WaitingLetter]) -> PlannedJob:
    name = f"{day:%Y%m%d}-{region}-{sequence}"
    digest = job_digest(name, ((letter.id, letter.digest) for letter in letters))
    return PlannedJob(name, day, region, sequence, tuple(letter.id for letter in letters), digest)
