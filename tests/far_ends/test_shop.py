"""The way to the print shop and back, against OpenSSH's server and `openssl cms`: nobody here wrote them."""

import asyncio
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest
from structlog.testing import capture_logs

from deploy.local.processes import CHECKOUT
from services.notifier.shop import Document, Job, Shop
from services.notifier.shop.answer_file import MOST_BYTES
from services.notifier.shop.envelope import Envelope
from services.notifier.shop.sftp_shop import SftpShop
from services.notifier.shop.wire_settings import ShopWireSettings
from shared.errors import KeyFileError, SettingsError, ShopRefusedError, ShopUnreachableError
from tests.far_ends.sftp_server import MISSING, Line, SftpServer, environment, sftp_server

pytestmark = pytest.mark.skipif(bool(MISSING), reason=f"not installed: {', '.join(MISSING)}")

HALF = b"7K3M9QXA"
PDF = b"%PDF-1.7\n" + HALF + hashlib.shake_256(b"a scan").digest(300_000)
JOB = Job(
    id="20261127-LAZIO-1",
    digest="ab" * 32,
    manifest=b'{"job": "20261127-LAZIO-1"}',
    documents=(Document("001.pdf", PDF), Document("002.pdf", PDF[::-1])),
)
TICKET = f"{JOB.id}.ticket.json"
LETTER = UUID("019ac2f0-0000-7000-8000-000000000001")
ANSWER = f"job;letter;state;at;reason\n{JOB.id};{LETTER};posted;2026-11-28T10:00:00+01:00;\n"
WHOLE = {"001.pdf": PDF, "002.pdf": PDF[::-1], f"{JOB.id}.manifest.json": JOB.manifest}


@pytest.fixture(scope="module")
def server() -> Iterator[SftpServer]:
    with sftp_server() as server:
        yield server


@pytest.fixture(autouse=True)
def _empty(server: SftpServer) -> Iterator[None]:
    yield
    for path in server.files.rglob("*"):
        if not path.is_dir():
            path.unlink()
    server.files.chmod(0o755)


def shop_of(server: SftpServer, port: int | None = None, **others: str) -> Shop:
    return SftpShop(ShopWireSettings.load(server.settings(port or server.port, **others)))


def ticket_of(server: SftpServer) -> dict[str, str]:
    """Return the sealed name of each file of the job, checked against what the ticket says."""
    told = json.loads((server.files / TICKET).read_bytes())
    assert (told["job"], told["digest"]) == (JOB.id, JOB.digest)
    for file in told["files"]:
        content = (server.files / file["name"]).read_bytes()
        assert (len(content), hashlib.sha256(content).hexdigest()) == (file["bytes"], file["sha256"])
    return {file["of"]: file["name"] for file in told["files"]}


def assert_there_once(server: SftpServer) -> None:
    """The job is there, whole, opens, and nothing else is."""
    sealed = ticket_of(server)
    assert {name: server.opened(of) for name, of in sealed.items()} == WHOLE
    assert server.names() == {TICKET, *sealed.values()}


# The job.


async def test_the_shop_opens_with_openssl_alone_what_was_put(server: SftpServer) -> None:
    await shop_of(server).put(JOB)
    assert_there_once(server)
    for path in server.files.iterdir():
        if path.is_file():
            assert HALF not in path.read_bytes()


async def test_a_job_that_is_there_is_not_sent_again(server: SftpServer) -> None:
    await shop_of(server).put(JOB)
    before = {name: (server.files / name).stat().st_mtime_ns for name in server.names()}
    line = Line(server.port)
    async with line as port:
        await shop_of(server, port).put(JOB)
    assert {name: (server.files / name).stat().st_mtime_ns for name in server.names()} == before
    assert line.passed < 20_000


async def test_a_job_whose_ticket_the_shop_has_filed_is_not_sent_again(server: SftpServer) -> None:
    await shop_of(server).put(JOB)
    (server.files / "done").mkdir(exist_ok=True)
    (server.files / TICKET).rename(server.files / "done" / TICKET)
    for path in server.files.glob("*.cms"):
        path.unlink()
    await shop_of(server).put(JOB)
    assert server.names() == set()


async def test_another_job_of_the_same_id_is_refused_loudly_and_changes_nothing(server: SftpServer) -> None:
    shop = shop_of(server)
    await shop.put(JOB)
    with capture_logs() as logs, pytest.raises(ShopRefusedError, match="job_id_taken"):
        await shop.put(replace(JOB, digest="cd" * 32))
    assert [(line["event"], line["log_level"]) for line in logs] == [("shop.conflict", "error")]
    assert_there_once(server)


async def test_a_ticket_that_is_none_is_never_overwritten(server: SftpServer) -> None:
    (server.files / TICKET).write_text("[")
    with pytest.raises(ShopRefusedError):
        await shop_of(server).put(JOB)
    assert server.names() == {TICKET}


async def test_two_processes_that_put_the_same_job_leave_one(server: SftpServer) -> None:
    """Who comes second may have to ask again: its files were swept."""
    ended = await asyncio.gather(*(shop_of(server).put(JOB) for _ in range(4)), return_exceptions=True)
    assert None in ended
    assert {type(one) for one in ended} <= {type(None), ShopUnreachableError}
    await asyncio.gather(*(shop_of(server).put(JOB) for _ in range(4)))
    assert_there_once(server)


async def test_of_two_that_put_different_jobs_of_one_id_one_is_refused(server: SftpServer) -> None:
    jobs = (JOB, replace(JOB, digest="cd" * 32))
    ended = await asyncio.gather(*(shop_of(server).put(job) for job in jobs), return_exceptions=True)
    assert None in ended
    ended = await asyncio.gather(*(shop_of(server).put(job) for job in jobs), return_exceptions=True)
    assert sorted(type(one).__name__ for one in ended) == ["NoneType", "ShopRefusedError"]
    told = json.loads((server.files / TICKET).read_bytes())
    assert server.names() == {TICKET, *(file["name"] for file in told["files"])}


async def test_what_anybody_but_us_has_sealed_does_not_open(server: SftpServer) -> None:
    """Everybody has the shop's certificate: what says who sent a document is the signature in it."""
    root = server.root
    stranger = Envelope.open(f"{root}/shop.crt", f"{root}/stranger.crt", f"{root}/stranger.pem")
    (server.files / "forged.cms").write_bytes(stranger.seal(PDF))
    with pytest.raises(subprocess.CalledProcessError):
        server.opened("forged.cms")


async def test_a_stranger_s_own_certificate_in_a_document_does_not_help_it_open(server: SftpServer) -> None:
    """Made by OpenSSL with the certificate in it, as by default: the command takes none that comes along."""
    server.seal_as_stranger(PDF, "forged.cms")
    with pytest.raises(subprocess.CalledProcessError) as caught:
        server.opened("forged.cms")
    assert "-verify" in caught.value.cmd


@pytest.mark.parametrize("at", [0.05, 0.5, 0.9999])
async def test_a_document_that_was_changed_on_the_way_does_not_open(server: SftpServer, at: float) -> None:
    await shop_of(server).put(JOB)
    path = server.files / ticket_of(server)["001.pdf"]
    content = bytearray(path.read_bytes())
    content[int(len(content) * at)] ^= 1
    path.write_bytes(content)
    with pytest.raises(subprocess.CalledProcessError):
        server.opened(path.name)


# What goes wrong.


@contextmanager
def small_disk(folder: Path) -> Iterator[None]:
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=512k,mode=0777", "tmpfs", str(folder)]
    if subprocess.run(mount, check=False).returncode:
        folder.rmdir()
        pytest.skip("mount is not permitted")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)
        folder.rmdir()


async def refused(shop: Shop) -> str:
    with pytest.raises(ShopUnreachableError) as caught:
        await shop.put(JOB)
    return caught.value.reason


async def test_a_server_with_another_key_gets_nothing(server: SftpServer) -> None:
    server.start(host_key="other_host_key")
    try:
        line = Line(server.port)
        async with line as port:
            assert await refused(shop_of(server, port)) == "shop_host_key"
        assert line.passed < 5_000
    finally:
        server.start()
    assert server.names() == set()
    await shop_of(server).put(JOB)


async def test_a_new_key_of_the_server_may_be_told_beside_the_old_one(server: SftpServer) -> None:
    keys = "\n".join((server.root / f"{name}.pub").read_text() for name in ("other_host_key", "host_key"))
    await shop_of(server, host_key=keys).put(JOB)
    assert_there_once(server)


async def test_each_failure_has_its_word_and_leaves_no_job(server: SftpServer) -> None:
    assert await refused(shop_of(server, key=str(server.root / "other_client_key"))) == "shop_login_refused"
    assert await refused(shop_of(server, folder="missing")) == "shop_no_such_file"
    server.files.chmod(0o555)
    assert await refused(shop_of(server)) == "shop_permission_denied"
    server.files.chmod(0o755)
    server.stop()
    try:
        assert await refused(shop_of(server)) == "shop_unreachable"
    finally:
        server.start()
    assert server.names() == set()


async def test_a_server_that_takes_no_more_is_told_from_one_that_took_all(server: SftpServer) -> None:
    server.start(largest=100_000)
    try:
        assert await refused(shop_of(server)) == "shop_failure"
    finally:
        server.start()
    assert TICKET not in server.names()
    await shop_of(server).put(JOB)
    assert_there_once(server)


@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("mount"), reason="needs root, to mount a disk")
async def test_a_full_disk_is_called_so(server: SftpServer) -> None:
    with small_disk(server.files / "disk"):
        assert await refused(shop_of(server, folder="disk")) == "shop_disk_full"
        assert TICKET not in server.names("disk")


@pytest.mark.parametrize("after", [0, 2_000, 8_000, 200_000, 400_000, 603_000, 612_000])
async def test_a_line_that_is_cut_leaves_no_half_of_a_job(server: SftpServer, after: int) -> None:
    async with Line(server.port, cut_after=after) as port:
        with suppress(ShopUnreachableError):
            await shop_of(server, port).put(JOB)
    if TICKET in server.names():
        ticket_of(server)
    await shop_of(server).put(JOB)
    assert_there_once(server)


async def test_a_line_that_goes_dead_is_given_up_in_time(server: SftpServer) -> None:
    began = asyncio.get_running_loop().time()
    async with Line(server.port, dead_after=0) as port:
        assert await refused(shop_of(server, port, connect_timeout="PT0.5S")) == "shop_connect_timeout"
    async with Line(server.port, dead_after=200_000) as port:
        assert await refused(shop_of(server, port, step_timeout="PT0.5S")) == "shop_timeout"
    async with Line(server.port, dead_after=200_000) as port:
        assert await refused(shop_of(server, port, transfer_timeout="PT1S")) == "shop_transfer_timeout"
    assert asyncio.get_running_loop().time() - began < 15
    assert TICKET not in server.names()


async def test_what_tries_left_long_ago_does_not_fill_the_disk(server: SftpServer) -> None:
    """Each try has names of its own: without the next one's sweeping, a shop in trouble would fill up."""
    old, young = (f".{JOB.id}.{token}.001.pdf.cms.part" for token in ("aaaaaaaa", "bbbbbbbb"))
    other = f".{JOB.id}0.aaaaaaaa.001.pdf.cms.part"
    for name in (old, young, other):
        (server.files / name).touch()
        long_ago = (server.files / name).stat().st_mtime - 3 * 900
        os.utime(server.files / name, None if name == young else (long_ago, long_ago))
    async with Line(server.port, cut_after=400_000) as port:
        await refused(shop_of(server, port))
    assert {old, young, other} & server.names() == {young, other}
    await shop_of(server).put(JOB)
    assert {old, young, other} & server.names() == {other}


_CHILD = """
import asyncio, sys
sys.path.insert(0, {checkout!r})
from tests.far_ends.test_shop import child
asyncio.run(child({what!r}))
"""


async def child(what: str) -> None:
    """Put the job, or take answers, in a process of its own; print what was read."""
    shop = SftpShop(ShopWireSettings.load(os.environ))
    if what == "put":
        await shop.put(JOB)
    else:
        for answer in await shop.answers():
            print(answer.digest, flush=True)  # noqa: T201 - it is what is recorded
            await shop.taken(answer)


def run(server: SftpServer, what: str, point: str) -> list[str]:
    """Run a child that is killed at a point; return what it printed."""
    crash = server.root / "crash"
    crash.write_text(point)
    env = environment({**server.settings(), "PIN_CRASH_FILE": str(crash)})
    code = _CHILD.format(checkout=str(CHECKOUT), what=what)
    ended = subprocess.run([sys.executable, "-c", code], env=env, check=False, stdout=subprocess.PIPE)
    assert ended.returncode == -signal.SIGKILL
    return ended.stdout.decode().split()


@pytest.mark.parametrize("point", ["shop.written", "shop.moved", "shop.ticket_written", "shop.ticket_placed"])
async def test_a_job_whose_process_is_killed_is_there_whole_or_not_and_once_in_the_end(
    server: SftpServer, point: str
) -> None:
    run(server, "put", point)
    if TICKET in server.names():
        ticket_of(server)
    await shop_of(server).put(JOB)
    assert_there_once(server)


# The answers.


async def test_an_answer_is_returned_until_it_is_taken_and_kept(server: SftpServer) -> None:
    server.answer("a.csv", ANSWER)
    shop = shop_of(server)
    (first,), (again,) = await shop.answers(), await shop.answers()
    assert first == again
    assert first.digest == hashlib.sha256(ANSWER.encode()).hexdigest()
    ((told),) = first.told
    assert (told.job, told.letter, told.status) == (JOB.id, LETTER, "posted")
    assert told.at.isoformat() == "2026-11-28T09:00:00+00:00"
    await shop.taken(first)
    await shop.taken(first)
    assert await shop.answers() == []
    (kept,) = (server.files / "answers/read").iterdir()
    assert kept.read_text() == ANSWER


async def test_a_line_that_cannot_be_read_is_told_and_the_others_count(server: SftpServer) -> None:
    server.answer("a.csv", ANSWER + "nonsense\n" + ANSWER.splitlines()[1].replace("posted", "lost") + "\n")
    shop = shop_of(server)
    with capture_logs() as logs:
        (answer,) = await shop.answers()
    assert len(answer.told) == 1
    (line,) = logs
    assert (line["event"], line["lines"]) == ("shop.answer_lines_unreadable", [3, 4])
    await shop.taken(answer)
    assert len(server.names("answers/unknown")) == 1
    assert server.names("answers/read") == set()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("empty.csv", b""),
        ("other.csv", b"some;thing\nelse;altogether\n"),
        ("bytes.csv", bytes(range(256))),
        ("huge.csv", ANSWER.encode() + b" " * MOST_BYTES),
        ("none.csv", ANSWER.splitlines()[0].encode()),
        ("x\n.csv", b"x"),
        (os.fsdecode(b"caff\xe8.csv"), b"x"),
    ],
)
async def test_what_is_no_answer_is_laid_aside_whole_and_others_are_read(
    server: SftpServer, name: str, content: bytes
) -> None:
    server.answer(name, content)
    server.answer("b.csv", ANSWER)
    shop = shop_of(server)
    with capture_logs() as logs:
        assert len(await shop.answers()) == 1
    assert [line["event"] for line in logs] == ["shop.answer_unknown"]
    (path,) = (server.files / "answers/unknown").iterdir()
    assert path.read_bytes() == content
    assert len(await shop.answers()) == 1


async def test_a_file_that_the_shop_puts_among_those_being_read_is_read_by_a_name_that_can_be_shown(
    server: SftpServer,
) -> None:
    server.answer("a.csv", ANSWER)
    shop = shop_of(server)
    (answer,) = await shop.answers()
    server.answer(os.fsdecode(b"taking/caff\xe8.csv"), ANSWER.replace("posted", "returned"))
    server.answer("taking/" + "x" * 100, b"no answer")
    found = await shop.answers()
    assert answer.name in {one.name for one in found}
    assert len(found) == 2
    assert all(re.fullmatch(r"[0-9a-f]{8}-(a\.csv|unnamed)", one.name) for one in found)
    assert {one.name for one in await shop.answers()} == {one.name for one in found}
    for one in found:
        await shop.taken(one)
    assert await shop.answers() == []


async def test_what_the_shop_is_still_writing_is_left_alone(server: SftpServer) -> None:
    for name in (".a.csv", "a.csv.part", "a.csv.tmp", "a.csv.filepart"):
        server.answer(name, ANSWER)
    (server.files / "answers/link.csv").symlink_to("/etc/hostname")
    assert await shop_of(server).answers() == []


async def test_a_file_that_grew_while_it_was_recorded_is_read_again_whole(server: SftpServer) -> None:
    server.answer("a.csv", ANSWER)
    shop = shop_of(server)
    (answer,) = await shop.answers()
    (claimed,) = (server.files / "answers/taking").iterdir()
    more = ANSWER.splitlines()[1].replace("posted", "returned")
    with claimed.open("a") as file:
        file.write(more + "\n")
    await shop.taken(answer)
    (whole,) = await shop.answers()
    assert [one.status for one in whole.told] == ["posted", "returned"]


async def test_a_second_file_of_a_name_is_another_answer(server: SftpServer) -> None:
    shop = shop_of(server)
    server.answer("a.csv", ANSWER)
    (first,) = await shop.answers()
    server.answer("a.csv", ANSWER.replace("posted", "returned"))
    await shop.taken(first)
    (second,) = await shop.answers()
    await shop.taken(second)
    assert {first.told[0].status, second.told[0].status} == {"posted", "returned"}
    assert len(server.names("answers/read")) == 2


async def test_a_look_is_bounded_and_the_rest_comes_with_the_next(server: SftpServer) -> None:
    for number in range(25):
        server.answer(f"{number:02}.csv", ANSWER + f"{number}\n")
    shop, seen = shop_of(server), []
    while answers := await shop.answers():
        assert len(answers) <= 20
        seen += [answer.digest for answer in answers]
        for answer in answers:
            await shop.taken(answer)
    assert len(seen) == len(set(seen)) == 25


@pytest.mark.parametrize("point", ["shop.answer_claimed", "shop.answer_filed"])
async def test_an_answer_whose_reader_is_killed_is_not_lost(server: SftpServer, point: str) -> None:
    server.answer("a.csv", ANSWER)
    recorded = run(server, "answers", point)
    recorded += [answer.digest for answer in await shop_of(server).answers()]
    assert recorded == [hashlib.sha256(ANSWER.encode()).hexdigest()]


# The settings.


def test_a_shop_without_a_pinned_key_is_refused(server: SftpServer) -> None:
    for wrong in ("", "a.example.it", "# ssh-ed25519 AAAA"):
        with pytest.raises(SettingsError, match="PIN_SHOP_HOST_KEY"):
            ShopWireSettings.load(server.settings(host_key=wrong))


def test_no_shop_is_named_by_default() -> None:
    assert ShopWireSettings.load({}).shop_host == ""


@pytest.mark.parametrize("name", ["client_key", "ours.pem"])
def test_a_key_that_others_may_read_is_refused(server: SftpServer, name: str) -> None:
    path = server.root / name
    path.chmod(0o640)
    try:
        with pytest.raises(KeyFileError, match="lets others at the key"):
            shop_of(server)
    finally:
        path.chmod(0o600)


@pytest.mark.parametrize(
    ("setting", "file"),
    [("key", "shop.crt"), ("certificate", "shop.pem"), ("signing_key", "shop.pem"), ("key", "missing")],
)
def test_a_file_of_something_else_is_refused(server: SftpServer, setting: str, file: str) -> None:
    with pytest.raises(KeyFileError):
        shop_of(server, None, **{setting: str(server.root / file)})
