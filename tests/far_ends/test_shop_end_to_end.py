"""A PIN by way of the print shop, on the real stack: request, job, SFTP, `openssl cms`, page, answer."""

import json
import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from uuid import UUID

import pytest

from deploy.local.captured import Captured
from deploy.local.client import Client
from deploy.local.inbox import Reply
from deploy.local.letters import own_lines
from deploy.local.sealed import ReplyKey, sealed
from deploy.local.stack import Stack
from services.notifier.shop.sftp_shop import TICKET
from tests.adversity.people import Issued, citizen, ended, issued, standing
from tests.far_ends.sftp_server import MISSING, SftpServer, sftp_server
from tests.kit.clients import portal
from tests.kit.harness import MAIN_WAY
from tests.kit.servers import fresh_ledger
from tests.kit.waiting import until
from tests.unit.documents.page import symbols

pytestmark = pytest.mark.skipif(bool(MISSING), reason=f"not installed: {', '.join(MISSING)}")

POST = "notifier-post"
SETTINGS = {"PIN_RELAY_INTERVAL": "PT0.1S"}
AT = "2026-11-28T10:00:00+01:00"


@pytest.fixture
def shop() -> Iterator[SftpServer]:
    with sftp_server() as server:
        yield server


@pytest.fixture
async def stack(servers: Stack, shop: SftpServer) -> AsyncIterator[Stack]:
    """A stack whose letters go to the print shop."""
    async with fresh_ledger(servers, "ledger_shop", SETTINGS | shop.settings()) as stack:
        stack.start_workers((*MAIN_WAY, "issuer-access", "notifier-receipts"))
        yield stack


def again(stack: Stack) -> None:
    """Start the post's worker anew: its first round looks at everything at once."""
    stack.workers[POST].stop()
    stack.start_worker(POST)


async def cut_off(stack: Stack, letters: int) -> None:
    """Let the cut-off come of the day for which these letters wait."""

    def number(state: str) -> int:
        return int(stack.postgres.sql(f"select count(*) from letter where state = '{state}'", stack.database))  # noqa: S608 - ours

    await until(lambda: number("waiting") == letters, "the letters to wait", every=0.1)
    stack.workers[POST].stop()
    stack.postgres.sql("update letter set day = '2026-01-02'; delete from print_day", stack.database)
    stack.start_worker(POST)
    await until(lambda: number("handed") == letters, "the jobs to be handed over", every=0.1)


class Printed:
    """What the shop has printed: each letter's job, half and symbol, by its id."""

    def __init__(self, shop: SftpServer, folder: Path) -> None:
        self.job: dict[UUID, str] = {}
        self.half: dict[UUID, str] = {}
        self.symbol: dict[UUID, str] = {}
        for ticket in shop.files.glob(f"*{TICKET}"):
            files = {file["of"]: file["name"] for file in json.loads(ticket.read_bytes())["files"]}
            (manifest,) = (json.loads(shop.opened(name)) for of, name in files.items() if "manifest" in of)
            for document in manifest["documents"]:
                self._read(manifest, document["name"], shop.opened(files[document["name"]]), folder)

    def _read(
        self, manifest: dict[str, list[dict[str, str]]], name: str, content: bytes, folder: Path
    ) -> None:
        lines, seen = own_lines(content), symbols(content, folder)
        for letter in manifest["letters"]:
            if letter["document"] == name:
                id_, page = UUID(letter["id"]), int(letter["page"]) - 1
                self.job[id_], self.symbol[id_] = str(manifest["job"]), seen[page]
                (half,) = re.findall(r"(?m)^(?:[0-9A-Z] ){7}[0-9A-Z]$", "\n".join(lines[page]))
                self.half[id_] = half.replace(" ", "")


async def first_access(stack: Stack, client: Client, body: dict[str, str], initial: str) -> Reply:
    key = ReplyKey()
    pin = sealed(stack.state, "issuer", initial)
    asked = {"codice_fiscale": body["codice_fiscale"], "pin_sealed": pin, "reply_key": key.public}
    return await client.reply(await client.publish("pin.activate", asked))


async def test_what_the_shop_prints_opens_the_pin_and_what_comes_back_to_it_ends_it(
    stack: Stack, shop: SftpServer, tmp_path: Path
) -> None:
    """R6: and nobody but the shop has read the half on the way."""
    bodies = [citizen(), citizen()]
    async with portal(stack) as client:
        pins: list[Issued] = await issued(stack, client, bodies)
        await cut_off(stack, len(pins))
        printed = Printed(shop, tmp_path)
        letters = [pin.carriers["post"] for pin in pins]
        assert set(printed.half) == set(letters)
        assert all(printed.symbol[letter] == str(letter) for letter in letters)
        for path in shop.files.iterdir():
            if path.is_file():
                assert not any(half.encode() in path.read_bytes() for half in printed.half.values())

        kept, back = letters
        shop.answer(
            "answers.csv",
            "job;letter;state;at\n"
            f"{printed.job[back]};{back};posted;{AT}\n"
            f"{printed.job[back]};{back};returned;{AT}\n"
            f"20000101-LAZIO-1;{kept};returned;{AT}\n",  # it was in no such job
        )
        again(stack)
        entry, evidence = await ended(stack, pins[1].subject, "pin.revoked")
        assert entry.data["cause"] == "letter_returned"
        assert evidence.deliveries[back] == "returned"
        await until(lambda: len(shop.names("answers/read")) == 1, "the answers to be put aside")

        first = Captured(stack.state).first_copy(str(pins[0].carriers["sms"])).half
        reply = await first_access(stack, client, bodies[0], f"{first}{printed.half[kept]}")
        assert reply["outcome"] == "accepted"
        await standing(stack, [kept], {"sent"})
