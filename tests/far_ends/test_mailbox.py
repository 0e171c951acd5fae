"""The reader of mailboxes, on a Dovecot and a RabbitMQ of its own.

The mails are the test's own, and so is what understands them (`mailbox_process.py`): what is shown here is
that each is reported, and filed once, whatever happens in between.
"""

import asyncio
import contextlib
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import aio_pika
import pytest

from deploy.local import dovecot
from deploy.local.authority import Authority
from deploy.local.ports import HOST
from deploy.local.processes import CHECKOUT, Process, Program, environment
from deploy.local.rabbitmq import ADMIN
from deploy.local.stack import Stack
from shared.contract import topology
from tests.far_ends.dovecot import Dovecot
from tests.kit.logs import log_lines
from tests.kit.servers import empty_queues, private_directory
from tests.kit.waiting import until

pytestmark = pytest.mark.skipif(dovecot.BINARY is None, reason="dovecot is not installed")

FOLDERS = ("INBOX", "PIN-processed", "PIN-unknown")
QUICK = {"PIN_MAILBOX_POLL": "PT1S"}


def mail(kind: str, delivery: str = "", text: str = "") -> bytes:
    """Return a mail that the test's classifier understands, as it lies on a server."""
    name = uuid4()
    head = f"Message-ID: <{name}@example.it>\r\nFrom: a@example.it\r\nSubject: {kind} {delivery}\r\n\r\n"
    return head.encode() + (text or "La ricevuta.").encode() + b"\r\n"


def receipts(number: int) -> dict[str, bytes]:
    """Return mails that say of deliveries that they arrived, by the deliveries' ids."""
    return {delivery: mail("delivered", delivery) for delivery in (str(uuid4()) for _ in range(number))}


@dataclass
class Reading:
    """A mailbox and its reader.

    Attributes:
        stack: whose broker it is.
        server: the mailbox.
        root: for the process's files.
        reports: what came to the queue: deliveries' ids by message id, each as often as it came.
    """

    stack: Stack
    server: Dovecot
    root: Path
    reports: dict[str, list[str]] = field(default_factory=dict)
    process: Process | None = None

    def start(self, settings: Mapping[str, str] | None = None) -> Process:
        """Start the reader."""
        program = Program(
            name="notifier-mailbox",
            argv=[sys.executable, "-m", "tests.far_ends.mailbox_process"],
            log=self.root / "reader.log",
            env=self.server.settings
            | QUICK
            | {
                "PIN_AMQP_URL": self.stack.env["PIN_NOTIFIER_AMQP_URL"],
                "PIN_CRASH_FILE": str(self.crash_file),
            }
            | dict(settings or {}),
        )
        self.process = Process(program, self.root)
        self.process.start()
        return self.process

    @property
    def crash_file(self) -> Path:
        """The file that names where the reader dies."""
        return self.root / "crash"

    def lines(self, event: str) -> list[dict[str, Any]]:
        """Return what the reader logged under this name."""
        return [line for line in log_lines(self.root / "reader.log") if line["event"] == event]

    async def ready(self) -> None:
        """Wait until the reader reads."""
        known = len(self.lines("mailbox.ready"))
        await until(lambda: len(self.lines("mailbox.ready")) > known, "the mailbox to be read")

    def filed(self, *counts: int) -> bool:
        """Return whether so many mails lie in the inbox, are processed, and are unknown."""
        return self.server.counts(*FOLDERS) == list(counts)

    async def comes_to(self, *counts: int) -> None:
        """Wait until so many mails lie in the inbox, are processed, and are unknown; take the reports."""
        await until(lambda: self.filed(*counts), f"{counts} mails", every=0.1)
        await self.take()

    async def take(self) -> None:
        """Take the reports from the queue."""
        connection = await aio_pika.connect(self.stack.rabbitmq.url(ADMIN))
        async with connection:
            channel = await connection.channel()
            queue = await channel.get_queue(topology.RECEIPTS, ensure=False)
            while message := await queue.get(no_ack=True, fail=False):
                assert message.message_id
                assert message.user_id == "notifier"
                found = json.loads(message.body)
                self.reports.setdefault(message.message_id, []).append(found["delivery_id"])

    def reported(self) -> list[str]:
        """Return the deliveries that were reported: one that was twice under different ids is there twice."""
        assert all(len(set(of)) == 1 for of in self.reports.values()), "an id is one report's"
        return sorted(of[0] for of in self.reports.values())

    def stop(self) -> None:
        """End both."""
        if self.process:
            self.process.stop()
        self.server.stop()


@pytest.fixture
def root() -> Iterator[Path]:
    """A directory that every user may enter."""
    with private_directory() as root:
        yield root


@contextlib.asynccontextmanager
async def at(servers: Stack, root: Path, *, old: bool = False) -> AsyncIterator[Reading]:
    await empty_queues(servers)
    (root / "imap").mkdir()
    (root / "imap").chmod(0o711)
    reading = Reading(servers, Dovecot(root / "imap", old=old), root)
    reading.server.start()
    try:
        yield reading
    finally:
        reading.stop()


@pytest.fixture
async def reading(servers: Stack, root: Path) -> AsyncIterator[Reading]:
    """A mailbox of today, not yet read."""
    async with at(servers, root) as reading:
        yield reading


@pytest.fixture
async def old(servers: Stack, root: Path) -> AsyncIterator[Reading]:
    """A mailbox on a server that can neither move mails nor tell of new ones."""
    async with at(servers, root, old=True) as reading:
        yield reading


async def test_a_receipt_is_reported_and_filed_and_what_is_not_understood_is_kept(reading: Reading) -> None:
    (delivery, receipt), *_ = receipts(1).items()
    others = [mail("auto"), mail("what is this"), mail("poison"), b"no mail at all\r\n"]
    reading.server.put(receipt, *others)
    reading.start()
    await reading.comes_to(0, 2, 3)
    assert reading.reported() == [delivery]
    assert reading.server.mails("PIN-processed") == [receipt, others[0]]
    assert reading.server.mails("PIN-unknown") == others[1:]
    assert [line["reason"] for line in reading.lines("mailbox.unknown")] == [
        "not_understood",
        "classifier_failed",
        "not_understood",
    ]
    (read,) = [line for line in reading.lines("mailbox.read") if line["reports"]]
    assert read["reports"] == list(reading.reports)


async def test_new_mail_is_read_within_seconds_where_the_server_tells(reading: Reading) -> None:
    reading.start({"PIN_MAILBOX_POLL": "PT20M", "PIN_MAILBOX_IDLE": "PT20M"})
    await reading.ready()
    for count, (_, receipt) in enumerate(receipts(3).items(), 1):
        reading.server.put(receipt)
        await until(lambda count=count: reading.filed(0, count, 0), "the mail to be filed", limit=5)  # type: ignore[misc]


async def test_new_mail_is_read_where_the_server_neither_tells_nor_moves(old: Reading) -> None:
    old.start()
    await old.ready()
    mails = receipts(3)
    old.server.put(*mails.values(), mail("what is this"))
    await old.comes_to(0, 3, 1)
    assert old.reported() == sorted(mails)
    assert not old.lines("mailbox.ready")[0]["idle"]


async def test_a_mail_that_brings_our_text_back_is_filed_without_it(reading: Reading) -> None:
    (delivery,) = receipts(1)
    reading.server.put(mail("half", delivery, "Le prime otto cifre: ABCD2345"))
    reading.start()
    await reading.comes_to(0, 1, 0)
    assert reading.reported() == [delivery]
    assert reading.server.mails("PIN-processed") == [f"Subject: kept {delivery}\r\n\r\n".encode()]
    assert not any(b"ABCD2345" in path.read_bytes() for path in reading.server.files())


POINTS = ("mailbox.fetched", "mailbox.published", "mailbox.filed")
HALFWAY = ("mailbox.placed", "mailbox.marked")


async def crashes_at(point: str, reading: Reading, kind: str) -> None:
    """Kill the reader at a point, in the middle of several mails; start it again, and look."""
    deliveries = sorted(str(uuid4()) for _ in range(4))
    reading.server.put(*(mail(kind, delivery) for delivery in deliveries), mail("what is this"))
    reading.crash_file.write_text(point, encoding="ascii")
    died = reading.start()
    await until(lambda: not died.alive(), f"the reader to die at {point}")
    assert not reading.crash_file.exists()
    await reading.take()
    before = len(reading.reports)
    assert (before == 0) == (point == "mailbox.fetched")
    reading.start()
    await reading.comes_to(0, 4, 1)
    assert reading.reported() == deliveries
    assert len(set(reading.server.mails("PIN-processed"))) == 4


@pytest.mark.parametrize("point", POINTS)
async def test_killed_at_any_step_it_repeats_nothing_and_skips_nothing(point: str, reading: Reading) -> None:
    await crashes_at(point, reading, "delivered")


@pytest.mark.parametrize("point", [*POINTS, *HALFWAY])
async def test_killed_at_any_step_it_files_once_where_the_server_cannot_move(
    point: str, old: Reading
) -> None:
    await crashes_at(point, old, "delivered")


@pytest.mark.parametrize("point", HALFWAY)
async def test_killed_between_two_steps_of_replacing_a_mail_it_keeps_one(
    point: str, reading: Reading
) -> None:
    await crashes_at(point, reading, "half")


async def test_the_same_mail_is_the_same_report_in_another_folder_and_under_another_number(
    reading: Reading,
) -> None:
    mails = receipts(5)
    reading.server.put(*mails.values())
    reading.start()
    await reading.comes_to(0, 5, 0)
    known = set(reading.reports)
    assert reading.process
    reading.process.stop()
    for times in (2, 3):
        reading.server.recreate("Ricevute", "PIN-processed")
        process = reading.start({"PIN_PEC_IMAP_INBOX": "Ricevute"})
        await until(lambda: reading.server.counts("Ricevute", "PIN-processed") == [0, 5], "all filed")
        await reading.take()
        assert set(reading.reports) == known
        assert reading.reported() == sorted(mails)
        assert {len(of) for of in reading.reports.values()} == {times}
        process.stop()


async def test_a_folder_that_is_made_anew_while_it_is_read_is_read_from_its_beginning(
    reading: Reading,
) -> None:
    first, second = receipts(3), receipts(3)
    reading.server.put(*first.values())
    reading.start({"PIN_PEC_IMAP_INBOX": "Ricevute", "PIN_MAILBOX_IDLE": "PT1S"})
    await until(lambda: reading.lines("mailbox.waiting"), "a folder that is not there to be told")
    reading.server.make("Ricevute", *first.values())
    await until(lambda: reading.server.counts("Ricevute", "PIN-processed") == [0, 3], "the first filed")
    reading.server.make("Ricevute", *second.values())
    await until(lambda: reading.server.counts("Ricevute", "PIN-processed") == [0, 6], "the second filed")
    await reading.take()
    assert reading.reported() == sorted((*first, *second))


async def test_what_others_marked_as_deleted_is_left_alone(reading: Reading) -> None:
    reading.server.put(mail("delivered", str(uuid4())))
    reading.server.mark_deleted()
    (delivery,) = mails = receipts(1)
    reading.server.put(*mails.values())
    reading.start()
    await reading.comes_to(1, 1, 0)
    assert reading.reported() == [delivery]


async def test_a_wrong_certificate_is_refused_and_told(reading: Reading, root: Path) -> None:
    foreign = Authority(root / "foreign").server("dovecot")
    reading.server.stop()
    reading.server.start(foreign)
    reading.start()
    await until(lambda: reading.lines("mailbox.waiting"), "the refusal")
    assert reading.lines("mailbox.waiting")[0]["reason"] == "certificate"
    reading.server.stop()
    reading.server.start(reading.server.authority.expired("dovecot"))
    await until(
        lambda: "expired" in reading.lines("mailbox.waiting")[-1]["detail"], "the refusal of an expired one"
    )
    assert not reading.server.logged_in()
    reading.server.stop()
    reading.server.start()
    await reading.ready()


async def test_tls_may_begin_in_a_connection_but_a_password_never_goes_without(reading: Reading) -> None:
    """Whoever is on the way may claim that the server knows no STARTTLS."""
    heard: list[bytes] = []

    async def without_tls(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"* OK [CAPABILITY IMAP4rev1 UIDPLUS MOVE] ready\r\n")
        while line := await reader.readline():
            heard.append(line)
            tag = line.split()[0]
            writer.write(b"* CAPABILITY IMAP4rev1 UIDPLUS MOVE\r\n" + tag + b" OK done\r\n")
        writer.close()

    starttls = {"PIN_PEC_IMAP_TLS": "starttls"}
    async with await asyncio.start_server(without_tls, HOST, 0) as between:
        port = between.sockets[0].getsockname()[1]
        process = reading.start(starttls | {"PIN_PEC_IMAP_PORT": str(port)})
        await until(lambda: reading.lines("mailbox.waiting"), "the refusal")
        assert reading.lines("mailbox.waiting")[0]["reason"] == "no_tls"
        process.stop()
    assert heard
    assert not any(b"LOGIN" in line.upper() or b"AUTHENTICATE" in line.upper() for line in heard)

    (delivery,) = mails = receipts(1)
    reading.server.put(*mails.values())
    reading.start(starttls | {"PIN_PEC_IMAP_PORT": str(reading.server.starttls_port)})
    await reading.comes_to(0, 1, 0)
    assert reading.reported() == [delivery]


async def test_a_wrong_password_is_told_and_seldom_repeated(reading: Reading) -> None:
    reading.start({"PIN_PEC_IMAP_PASSWORD": "wrong"})
    await until(lambda: reading.lines("mailbox.waiting"), "the refusal")
    (line,) = reading.lines("mailbox.waiting")
    assert (line["reason"], line["pause"]) == ("login_refused", 60)
    text = (reading.root / "reader.log").read_text(encoding="utf-8")
    assert "wrong" not in text
    assert dovecot.USER not in text


async def test_it_goes_on_when_a_server_that_went_is_back(reading: Reading) -> None:
    reading.start()
    await reading.ready()
    reading.server.stop()
    await until(lambda: reading.lines("mailbox.waiting"), "the loss to be told")
    reading.server.start()
    mails = receipts(2)
    reading.server.put(*mails.values())
    await reading.comes_to(0, 2, 0)

    await asyncio.to_thread(reading.stack.rabbitmq.stop)
    more = receipts(3)
    reading.server.put(*more.values())
    await until(lambda: reading.lines("worker.waiting"), "the broker's loss to be told")
    assert reading.filed(3, 2, 0), "nothing is filed that is not recorded"
    await asyncio.to_thread(reading.stack.rabbitmq.start)
    await reading.comes_to(0, 5, 0)
    assert reading.reported() == sorted((*mails, *more))


async def test_a_thousand_mails_at_once_are_each_reported_and_filed_once(reading: Reading) -> None:
    mails = receipts(1000)
    reading.server.pour(mails.values())
    reading.start()
    await reading.comes_to(0, 1000, 0)
    assert reading.reported() == sorted(mails)
    assert sorted(reading.server.mails("PIN-processed")) == sorted(mails.values())


async def test_what_is_too_large_or_made_to_exhaust_is_filed_and_stops_no_other(reading: Reading) -> None:
    (delivery, receipt), *_ = receipts(1).items()
    large = mail("delivered", str(uuid4()), "x" * 70_000)
    parts = mail("delivered", str(uuid4()), "--b\r\n\r\n" * 5000)
    reading.server.put(large, parts, mail("slow"), receipt)
    reading.start({"PIN_MAILBOX_LARGEST": str(64 * 1024), "PIN_MAILBOX_MAIL_TIMEOUT": "PT1S"})
    await reading.comes_to(0, 1, 3)
    assert reading.reported() == [delivery]
    assert reading.server.mails("PIN-unknown")[:2] == [large, parts]
    reasons = [line["reason"] for line in reading.lines("mailbox.unknown")]
    assert reasons == ["too_large", "too_many_parts", "too_slow"]


async def test_a_mail_that_the_server_cannot_give_stops_no_other(reading: Reading) -> None:
    mails = receipts(3)
    reading.server.put(*mails.values())
    reading.server.spoil(1)
    reading.start()
    await until(lambda: reading.server.counts("PIN-processed") == [2], "the others to be filed")
    await until(lambda: reading.lines("mailbox.stuck"), "the one to be told")
    await reading.take()
    assert len(reading.reported()) == 2


async def test_asked_to_end_it_ends_within_seconds_whatever_it_waits_for(reading: Reading) -> None:
    process = reading.start()
    await reading.ready()
    process.ask_to_end()
    await until(lambda: not process.alive(), "the reader to end", limit=5)
    assert reading.lines("worker.stopped")

    silent = reading.start()
    await reading.ready()
    reading.server.freeze()
    silent.ask_to_end()
    await until(lambda: not silent.alive(), "the reader to end though the server is silent", limit=10)
    reading.server.thaw()


BOUNCE = """\
From: MAILER-DAEMON@mx.example.it
To: pin@example.it
Date: Fri, 27 Nov 2026 12:00:00 +0100
Message-ID: <bounce-{delivery}@mx.example.it>
Subject: Undelivered Mail Returned to Sender
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/plain

Your message could not be delivered.
--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.it
Original-Envelope-Id: {delivery}

Final-Recipient: rfc822; nobody@example.it
Action: failed
Status: 5.1.1

--b
Content-Type: message/rfc822

Message-ID: <{delivery}@example.it>
From: PIN online <pin@example.it>
Subject: PIN

Le prime otto cifre: ABCD2345
--b--
"""


async def test_the_process_reads_both_mailboxes_with_what_understands_each(reading: Reading) -> None:
    """And has neither ledger nor key to do it."""
    (delivery,) = receipts(1)
    reading.server.make("bounces", BOUNCE.format(delivery=UUID(delivery).hex).replace("\n", "\r\n").encode())
    reading.server.put(mail("ACCETTAZIONE", delivery))
    folders = {f"PIN_BOUNCE_IMAP_{name}": f"bounces-{name}" for name in ("PROCESSED", "UNKNOWN")}
    both = reading.server.settings | reading.server.settings_of("bounce") | folders
    env = both | {"PIN_BOUNCE_IMAP_INBOX": "bounces", "PIN_MAIL_FROM": "PIN online <pin@example.it>"}
    (process,) = reading.stack.start_worker("notifier-mailbox", env=env)
    try:
        await until(lambda: reading.server.counts("bounces-PROCESSED", "PIN-unknown") == [1, 1], "both filed")
        kept = reading.server.mails("bounces-PROCESSED")
        reading.server.stop()
        await until(lambda: not reading.stack.ready("notifier-mailbox"), "it to say that it reads nothing")
    finally:
        process.stop()
    await reading.take()
    assert reading.reported() == [delivery]
    assert b"5.1.1" in kept[0]
    assert not any(b"ABCD2345" in path.read_bytes() for path in reading.server.files())
    assert not {"PIN_LEDGER_DSN", "PIN_KEYS_DIR"} & process.program.env.keys()


def test_without_a_mailbox_it_does_not_start(servers: Stack) -> None:
    told = {"PIN_AMQP_URL": servers.env["PIN_NOTIFIER_AMQP_URL"]}
    command = [sys.executable, "-m", "services.notifier", "mailbox"]
    ended = subprocess.run(
        command, env=environment(told), capture_output=True, text=True, check=False, cwd=CHECKOUT
    )
    assert ended.returncode == 2
    assert "PIN_PEC_IMAP_HOST, PIN_BOUNCE_IMAP_HOST" in ended.stderr
