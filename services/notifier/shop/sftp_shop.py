"""The print shop by SFTP: a `Shop` that puts sealed jobs into a folder there, and fetches answers.

A job is there when its *ticket* is: a small readable file that names the others with their digests, is put
last, and never over another. The other files are sealed to the shop; their names are made anew at each try,
so that two processes that put the same job do not write into each other's files.
"""

import asyncio
import hashlib
import re
import secrets
import time
from collections.abc import Collection, Sequence
from typing import Any, Final

import orjson
import structlog

from services.notifier.shop import AnswerFile, Document, Job, Shop
from services.notifier.shop.answer_file import MOST_BYTES, Answers, understand
from services.notifier.shop.envelope import Envelope
from services.notifier.shop.sftp_session import Entry, SftpDoor, SftpSession
from services.notifier.shop.wire_settings import ShopWireSettings
from shared.errors import ShopRefusedError, ShopUnreachableError
from shared.worker.crash import crash_point

log = structlog.get_logger()

TICKET: Final = ".ticket.json"
"""The suffix of a ticket, after the job's id."""
SEALED: Final = ".cms"
UNFINISHED: Final = ".part"
"""The suffix of a file that is being put; it begins with a dot."""
DONE: Final = "done"
"""The folder, in that of the jobs, to which the shop may move a ticket when it has printed a job."""
_MOST_TICKET: Final = 1 << 20
_TAKING, _READ, _UNKNOWN = "taking", "read", "unknown"
_MOST_ANSWERS: Final = 20
"""Files of answers that one look returns."""
_SHOWN_LINES: Final = 10
_NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_. -]{0,99}")
_FILED: Final = re.compile(rf"[0-9a-f]{{8}}-{_NAME.pattern}")
"""What `_filed` makes: a file of another name in our folder is not there by us."""
_ID: Final = re.compile(r"[A-Z0-9][A-Z0-9-]{0,63}")
_DOCUMENT: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


class SftpShop(Shop):
    """See `Shop`. Each call opens a session of its own."""

    def __init__(self, settings: ShopWireSettings) -> None:
        """Read certificates and keys.

        Raises:
            KeyFileError: one cannot be read, is none, or others may read a private one.
        """
        self._door = SftpDoor(settings)
        self._envelope = Envelope.open(
            settings.shop_certificate, settings.shop_signing_certificate, settings.shop_signing_key
        )
        self._host, self._folder, self._answers = (
            settings.shop_host,
            settings.shop_folder.rstrip("/") or "/",
            settings.shop_answers.rstrip("/"),
        )
        self._longest = settings.shop_transfer_timeout.total_seconds()

    @property
    def name(self) -> str:
        """Return the host."""
        return self._host

    async def close(self) -> None:
        """Do nothing: no session stays open."""

    async def put(self, job: Job) -> None:
        """Hand a job over; see `Shop.put`."""
        if not _ID.fullmatch(job.id):
            raise ValueError(f"no id of a job: {job.id!r}")
        began = time.monotonic()
        async with self._door.session() as session:
            if not await self._is_there(session, job):
                files = await self._upload(session, job)
                if await self._place_ticket(session, job, files):
                    log.info(
                        "shop.put",
                        job=job.id,
                        files=len(files),
                        bytes=sum(file["bytes"] for file in files),
                        took_ms=round((time.monotonic() - began) * 1000),
                    )

    async def _is_there(self, session: SftpSession, job: Job) -> bool:
        """Return whether the job is there already.

        Raises:
            ShopRefusedError: another one of that id is.
        """
        for folder in (self._folder, f"{self._folder}/{DONE}"):
            ticket = await session.read(f"{folder}/{job.id}{TICKET}", _MOST_TICKET)
            if ticket is not None:
                self._agree(job, ticket)
                log.info("shop.already_there", job=job.id)
                return True
        return False

    @staticmethod
    def _agree(job: Job, ticket: bytes) -> None:
        try:
            told = orjson.loads(ticket)
            same = (told["job"], told["digest"]) == (job.id, job.digest)
        except (ValueError, KeyError, TypeError):
            same = False
        if not same:
            log.error("shop.conflict", job=job.id)
            raise ShopRefusedError("job_id_taken")

    async def _upload(self, session: SftpSession, job: Job) -> list[dict[str, Any]]:
        """Put every file of a job but its ticket; return what the ticket says of them."""
        token = secrets.token_hex(4)
        manifest = Document(f"{job.id}.manifest.json", job.manifest)
        files: list[dict[str, Any]] = []
        for document in (*job.documents, manifest):
            if not _DOCUMENT.fullmatch(document.name):
                raise ValueError(f"no name of a document: {document.name!r}")
            # Takes milliseconds a megabyte, which the event loop must not.
            sealed = await asyncio.to_thread(self._envelope.seal, document.content)
            name = f"{job.id}.{token}.{document.name}{SEALED}"
            part = f"{self._folder}/.{name}{UNFINISHED}"
            await session.write(part, sealed)
            crash_point("shop.written")
            if not files:
                await self._sweep(session, job.id, await session.status(part))
            if not await session.move(part, f"{self._folder}/{name}"):
                # Another process has put the job meanwhile, and swept: the next call finds it.
                raise ShopUnreachableError("shop_incomplete")
            crash_point("shop.moved")
            files.append(
                {
                    "name": name,
                    "of": document.name,
                    "sha256": _digest(sealed),
                    "bytes": len(sealed),
                }
            )
        return files

    async def _place_ticket(self, session: SftpSession, job: Job, files: list[dict[str, Any]]) -> bool:
        """Put the ticket of a job whose files are all there; return whether it was this call that did.

        Raises:
            ShopRefusedError: another job of that id got there first.
        """
        path = f"{self._folder}/{job.id}{TICKET}"
        part = f"{self._folder}/.{job.id}.{secrets.token_hex(4)}{TICKET}{UNFINISHED}"
        ticket = {
            "v": 1,
            "job": job.id,
            "digest": job.digest,
            "sealed_to": self._envelope.fingerprint,
            "files": files,
        }
        await session.write(part, orjson.dumps(ticket, option=orjson.OPT_INDENT_2))
        crash_point("shop.ticket_written")
        if await session.place(part, path):
            crash_point("shop.ticket_placed")
            await self._sweep(session, job.id, None, {file["name"] for file in files})
            return True
        for file in files:
            await session.remove(f"{self._folder}/{file['name']}")
        await session.remove(part)
        ticket_there = await session.read(path, _MOST_TICKET)
        self._agree(job, ticket_there or b"")
        return False

    async def _sweep(
        self, session: SftpSession, job: str, newest: Entry | None, stay: Collection[str] = ()
    ) -> None:
        """Delete what interrupted calls have left of a job.

        Args:
            session: with the shop.
            job: its id.
            newest: a file that was just written. While the job is not there, other processes may be putting
                it too: what is not much older may be theirs. None deletes whatever its age.
            stay: names of files that stay.
        """
        for entry in await session.files(self._folder):
            ours = entry.name.startswith((f"{job}.", f".{job}."))
            old = newest is None or newest.modified_at - entry.modified_at > 2 * self._longest
            if ours and old and entry.name not in stay and entry.name != f"{job}{TICKET}":
                await session.remove(f"{self._folder}/{entry.name}")

    async def answers(self) -> Sequence[AnswerFile]:
        """Return files of answers that were not taken yet; see `Shop.answers`.

        A file is moved out of the shop's way before it is read, so that what is recorded and what is put
        aside is the same file, even if the shop writes another of its name.
        """
        async with self._door.session() as session:
            waiting = await session.files(self._answers)
            ready = [one for one in waiting if not one.name.startswith(".") and not _unfinished(one.name)]
            if ready:
                for folder in (_TAKING, _READ, _UNKNOWN):
                    await session.make_folder(f"{self._answers}/{folder}")
            for entry in sorted(ready, key=_age)[:_MOST_ANSWERS]:
                claimed = f"{self._answers}/{_TAKING}/{_filed(entry.name)}"
                await session.move(f"{self._answers}/{entry.name}", claimed)
                crash_point("shop.answer_claimed")
            return await self._claimed(session)

    async def _claimed(self, session: SftpSession) -> list[AnswerFile]:
        answers: list[AnswerFile] = []
        for entry in sorted(await session.files(f"{self._answers}/{_TAKING}"), key=_age):
            if len(answers) == _MOST_ANSWERS:
                break
            name = await self._named(session, entry.name)
            content = await session.read(f"{self._answers}/{_TAKING}/{name}", MOST_BYTES + 1)
            if content is None:  # another process has just put it aside
                continue
            said = _understood(content)
            if said is None or not said.told:
                log.warning("shop.answer_unknown", file=name, bytes=entry.size)
                await self._file(session, name, _UNKNOWN)
                continue
            if said.unreadable:
                log.warning(
                    "shop.answer_lines_unreadable",
                    file=name,
                    lines=list(said.unreadable[:_SHOWN_LINES]),
                    unreadable=len(said.unreadable),
                    told=len(said.told),
                )
            answers.append(AnswerFile(name, _digest(content), said.told))
        return answers

    async def _named(self, session: SftpSession, name: str) -> str:
        """Return the name of a file that waits; one that is not of ours is changed for one of ours."""
        if _FILED.fullmatch(name):
            return name
        filed = _filed(name)
        await session.move(f"{self._answers}/{_TAKING}/{name}", f"{self._answers}/{_TAKING}/{filed}")
        return filed

    async def taken(self, answer: AnswerFile) -> None:
        """Put a file of answers aside; see `Shop.taken`."""
        async with self._door.session() as session:
            content = await session.read(f"{self._answers}/{_TAKING}/{answer.name}", MOST_BYTES + 1)
            if content is None:
                return
            if _digest(content) != answer.digest:
                # The shop was still writing it: the next look returns it whole.
                log.warning("shop.answer_grew", file=answer.name)
                return
            said = _understood(content)
            await self._file(session, answer.name, _UNKNOWN if said is None or said.unreadable else _READ)
            crash_point("shop.answer_filed")

    async def _file(self, session: SftpSession, name: str, folder: str) -> None:
        await session.move(f"{self._answers}/{_TAKING}/{name}", f"{self._answers}/{folder}/{name}")


def _understood(content: bytes) -> Answers | None:
    return understand(content) if len(content) <= MOST_BYTES else None


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _age(entry: Entry) -> tuple[int, str]:
    return entry.modified_at, entry.name


def _unfinished(name: str) -> bool:
    return name.lower().endswith((UNFINISHED, ".tmp", ".filepart"))


def _filed(name: str) -> str:
    """Return the name by which a file of answers is kept: none has it, and it can be shown."""
    return f"{secrets.token_hex(4)}-{name if _NAME.fullmatch(name) else 'unnamed'}"
