"""Letters on their whole way: from a portal, over SFTP as jobs by two processes, and back."""

import asyncio
import json
from collections.abc import Iterator
from io import BytesIO

import pytest
from pypdf import PdfReader

from deploy.local.citizens import PLAIN, citizens
from deploy.local.stack import Stack
from deploy.local.waiting import wait_for
from tests.adversity.leak_locations import written
from tests.adversity.search import forms, search
from tests.far_ends.sftp_server import MISSING, SftpServer, sftp_server
from tests.kit.clients import portal

pytestmark = pytest.mark.skipif(bool(MISSING), reason=f"not installed: {', '.join(MISSING)}")
CITIZENS = 6
COPIES = 2
# The clock is the real one: letters of today are made those of last week, whose days are over.
LAST_WEEK = "update letter set day = day - 7; delete from print_day"


@pytest.fixture
def server() -> Iterator[SftpServer]:
    with sftp_server() as server:
        yield server


def sql(stack: Stack, query: str) -> str:
    return str(stack.postgres.sql(query, stack.database))


async def test_letters_go_to_the_shop_as_jobs_and_its_answers_come_back(
    stack: Stack, server: SftpServer
) -> None:
    """R6. By several processes; nothing is left in the folder, nor readable anywhere on the way."""
    stack.settings.update(server.settings())
    stack.start_workers(["issuer"])
    stack.start_worker("notifier-post", copies=COPIES)
    async with portal(stack) as client:
        for _, body in citizens(CITIZENS, seed=7, kinds=(PLAIN,)):
            assert (await client.ask("pin.request", body))["outcome"] == "accepted"
    sent = "select count(*) from delivery where channel = 'post' and status = 'sent'"
    await asyncio.to_thread(wait_for, lambda: sql(stack, sent) == str(CITIZENS), 30, "letters to be kept")
    assert sql(stack, "select count(*) from letter where state = 'waiting'") == str(CITIZENS)
    sql(stack, LAST_WEEK)
    handed = "select count(*) from letter where state = 'handed'"
    await asyncio.to_thread(wait_for, lambda: sql(stack, handed) == str(CITIZENS), 30, "jobs to be put")

    tickets = [json.loads((server.files / one).read_bytes()) for one in server.names() if "ticket" in one]
    assert len(tickets) == int(sql(stack, "select count(*) from print_job"))
    assert {one["digest"] for one in tickets} == set(
        sql(stack, "select encode(digest, 'hex') from print_job").splitlines()
    )
    pages, told = [], []
    for ticket in tickets:
        plain = {file["of"]: server.opened(file["name"]) for file in ticket["files"]}
        manifest = json.loads(plain.pop(next(name for name in plain if name.endswith(".json"))))
        for document in manifest["documents"]:
            pages += [page.extract_text() for page in PdfReader(BytesIO(plain[document["name"]])).pages]
        told += [(ticket["job"], letter["id"]) for letter in manifest["letters"]]
    assert len(told) == len(pages) == CITIZENS
    assert sorted(one for _, one in told) == sorted(sql(stack, "select delivery from letter").splitlines())

    halves = [line.replace(" ", "") for page in pages for line in page.splitlines() if is_half(line)]
    assert len(halves) >= CITIZENS
    found = search(
        [form for half in halves for form in forms(half)], [*written(stack), *server.files.iterdir()]
    )
    assert found == set()

    stack.stop_workers()
    lines = "".join(f"{job};{letter};posted;2026-11-30T10:00:00+01:00\n" for job, letter in told)
    server.answer("answers-1.csv", f"job;letter;state;at\n{lines}")
    stack.start_worker("notifier-post", copies=COPIES)
    posted = "select count(*) from letter where state = 'posted' and seal is null"
    await asyncio.to_thread(wait_for, lambda: sql(stack, posted) == str(CITIZENS), 30, "answers to be read")
    assert not list((stack.state / "spool/post").glob("*"))


def is_half(line: str) -> bool:
    """Return whether a line of a letter is its half: eight characters of its alphabet, spaced or not."""
    word = line.replace(" ", "")
    return len(word) == 8 and word.isalnum() and word.upper() == word and any(map(str.isdigit, word))
