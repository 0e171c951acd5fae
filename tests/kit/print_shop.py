"""A print shop that is a folder, letters for it, and what works for it, also in a process of its own.

`python -m tests.kit.print_shop '{"dsn": …}'` makes rounds until it is ended, as `notifier-post` does.
"""

import asyncio
import hashlib
import json
import os
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import structlog

from services.notifier.bundle import Bundle, Sealed
from services.notifier.channels.letter import typeset
from services.notifier.shop import AnswerFile, Job, LetterAnswer, Told
from services.notifier.shop.closing import Closing
from services.notifier.shop.handing import Handing
from services.notifier.shop.keeping import KeepEffect
from services.notifier.shop.listening import Listening
from services.notifier.shop.settings import PrintJobSettings
from services.notifier.shop.upkeep import Rounds
from services.notifier.shop.watching import Watching
from shared.contract.delivery import Post, to_bytes
from shared.crypto.keys import Keys
from shared.crypto.sealing import BundleOpener, BundleSeal
from shared.crypto.secret import Secret
from shared.errors import ShopRefusedError, ShopUnreachableError
from shared.italy.working_days import WorkingDays
from shared.ledger import Ledger

FRIDAY = datetime(2026, 11, 27, 14, 0, tzinfo=UTC)
"""The cut-off of a Friday."""
PLACES = ("00184 ROMA RM", "20121 MILANO MI", "38122 TRENTO TN", "AUSTRIA")


@dataclass
class Said:
    """A log that keeps its lines."""

    lines: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def info(self, event: str, **fields: Any) -> None:  # noqa: ANN401 - structlog's
        """Keep a line."""
        self.lines.append((event, fields))

    warning = error = info

    def of(self, event: str) -> list[dict[str, Any]]:
        """Return the fields of each line of an event."""
        return [fields for said, fields in self.lines if said == event]


class FolderShop:
    """A print shop: a job is a folder, renamed into place; each put leaves a line.

    Args:
        folder: of the shop.
        failures: calls that find it unreachable, first.
    """

    name = "print-shop"

    def __init__(self, folder: Path, failures: int = 0) -> None:
        self.folder, self.failures, self.files = folder, failures, list[AnswerFile]()
        folder.mkdir(exist_ok=True)

    async def put(self, job: Job) -> None:
        """Put a job, unless it is there."""
        if self.failures:
            self.failures -= 1
            raise ShopUnreachableError("folder_closed")
        with (self.folder / "puts").open("a", encoding="ascii") as puts:
            puts.write(f"{job.id} {job.digest}\n")
        there = self.folder / job.id
        if there.is_dir():
            if json.loads((there / "manifest.json").read_bytes())["digest"] != job.digest:
                raise ShopRefusedError("job_id_taken")
            return
        part = self.folder / f".{job.id}.{os.getpid()}"
        part.mkdir()
        for document in job.documents:
            (part / document.name).write_bytes(document.content)
        (part / "manifest.json").write_bytes(job.manifest)
        with suppress(OSError):  # another process was faster
            part.rename(there)

    def answer(self, *told: tuple[str, UUID, LetterAnswer]) -> None:
        """Leave a file of answers."""
        at = datetime.now(UTC)
        name = f"answer-{len(self.files)}"
        said = tuple(Told(job, letter, status, at) for job, letter, status in told)
        self.files.append(AnswerFile(name, hashlib.sha256(repr(said).encode()).hexdigest(), said))

    async def answers(self) -> Sequence[AnswerFile]:
        """Return the files that were not taken."""
        return list(self.files)

    async def taken(self, answer: AnswerFile) -> None:
        """Put a file aside."""
        self.files = [one for one in self.files if one.name != answer.name]

    async def close(self) -> None:
        """Do nothing."""

    def manifests(self) -> dict[str, Any]:
        """Return the manifest of each job, by id."""
        return {
            path.parent.name: json.loads(path.read_bytes())
            for path in sorted(self.folder.glob("[0-9]*/manifest.json"))
        }

    def letters(self) -> Counter[str]:
        """Return how many jobs each letter is in, by delivery."""
        return Counter(one["id"] for manifest in self.manifests().values() for one in manifest["letters"])

    def digests(self) -> dict[str, set[str]]:
        """Return the digests under which each job was ever put."""
        found: dict[str, set[str]] = {}
        for line in (self.folder / "puts").read_text(encoding="ascii").splitlines():
            job, digest = line.split()
            found.setdefault(job, set()).add(digest)
        return found


@dataclass
class Received:
    """What the effect sees of a message."""

    message: Bundle
    handled: bool = False
    effect: Any = None
    span: Any = None


def letter(number: int, place: str = "", half: str = "") -> Post:
    """Return a letter to somebody."""
    return Post(
        address=("ANNA ROSSI", f"VIA ROMA {number}", place or PLACES[number % len(PLACES)]),
        name="Anna Rossi",
        language="de" if number % 2 else "it",
        half=Secret(half or f"{number:04}ABCD"),
        expires_on=date(2027, 1, 26),
        written_on=date(2026, 11, 27),
    )


def bundle(keys: Keys, letters: Iterable[tuple[UUID, Any]], subject: bytes = bytes(16)) -> Received:
    """Return a bundle of letters, sealed to the channel."""
    seal = BundleSeal(keys.public("post"))
    at = datetime(2026, 11, 27, 9, tzinfo=UTC).isoformat()
    sealed = tuple(
        Sealed(one, subject, "c", 1, at, seal.seal(to_bytes(content), one.bytes)) for one, content in letters
    )
    return Received(Bundle(seal.key, sealed, seal.key_id))


def keep_effect(keys: Keys, now: datetime, log: Any = None) -> KeepEffect:  # noqa: ANN401 - structlog's
    """Return the effect that keeps letters, at a time."""
    opener = BundleOpener(keys.private("post"))
    return KeepEffect(opener, WorkingDays(PrintJobSettings().post_cut_off), log or Said(), now=lambda: now)


def rounds(
    keys: Keys,
    shop: FolderShop,
    now: datetime,
    log: Any,  # noqa: ANN401 - structlog's
    retention: timedelta = timedelta(days=90),
    **settings: Any,  # noqa: ANN401 - of any type
) -> Rounds:
    """Return what `notifier-post` does beside its lane, at a time."""
    own = PrintJobSettings(**settings)
    days = WorkingDays(own.post_cut_off, own.post_holidays)
    opener = BundleOpener(keys.private("post"))
    return Rounds(
        Closing(days, own, log),
        Handing(shop, opener, typeset, own, log),
        Listening(shop, lambda: days.of(now), log),
        Watching(own, retention, log),
        now=lambda: now,
    )


async def _main(given: dict[str, Any]) -> None:
    keys, shop = Keys(Path(given["keys"])), FolderShop(Path(given["shop"]))
    for told in given.get("answers", []):
        shop.answer(*((job, UUID(one), status) for job, one, status in told))
    now = datetime.fromisoformat(given["now"])
    ledger = await Ledger.open(given["dsn"], "print-shop", rest=10)
    if given.get("keep"):
        received = bundle(keys, [(UUID(one), letter(at)) for at, one in enumerate(given["keep"])])
        await keep_effect(keys, now)([received], ledger)  # type: ignore[list-item]
        return
    made = rounds(keys, shop, now, structlog.get_logger(), **given.get("settings", {}))
    while True:
        await made.step(ledger)
        if given.get("once"):
            return
        await asyncio.sleep(0.05)


if __name__ == "__main__":
    asyncio.run(_main(json.loads(sys.argv[1])))
