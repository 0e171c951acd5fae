"""The way to the dispositivo PIN on real servers: the whole flow, the race of istanze, the backfill."""

import asyncio
import base64
import subprocess
from collections import Counter
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from uuid import uuid4

import pytest
from pypdf import PdfReader

from deploy.local.captured import Captured
from deploy.local.client import Client
from deploy.local.inbox import Body
from deploy.local.processes import CHECKOUT, environment
from deploy.local.stack import Stack
from services.dispositivo.backfill import Report, backfill, settings_for
from shared.crypto.keys import Keys
from shared.domain.account import Account, Attachment, DispositivoRequest, Document
from shared.domain.policy import PinPolicy
from tests.kit.clients import operator, portal
from tests.kit.seeding import accounts, active_citizens
from tests.kit.waiting import until

OPERATOR = {"id": "op-0042", "office": "Contact Center"}
FILE = {
    "uri": "https://portal.example/documents/1.pdf",
    "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "media_type": "application/pdf",
}
DOCUMENT = {
    "kind": "identity_card",
    "number": "CA12345AA",
    "issued_by": "Comune di Pisa",
    "issued_on": "2021-03-15",
    "expires_on": "2031-12-10",
}


def papers(codice_fiscale: str, request_id: str) -> Body:
    """Return the body of a submission."""
    return {
        "codice_fiscale": codice_fiscale,
        "request_id": request_id,
        "via": "online",
        "signed_form": FILE,
        "document": DOCUMENT,
        "document_scan": FILE,
    }


def start(stack: Stack, delay: str = "PT1S", copies: int = 1) -> None:
    stack.settings["PIN_DISPOSITIVO_DELAY"] = delay
    stack.start_workers(["notifier-email"])
    stack.start_worker("dispositivo", copies=copies)


def mails_to(stack: Stack, codice_fiscale: str) -> list[str]:
    return [copy.text for copy in Captured(stack.state).to(f"{codice_fiscale.lower()}@example.it")]


async def test_from_the_form_to_the_released_istanza(stack: Stack) -> None:
    """R22-R32: requested online, reviewed, approved, in effect; the suspended istanza is released."""
    (citizen,) = await active_citizens(stack, 1)
    person = {"codice_fiscale": citizen}
    start(stack)
    async with portal(stack) as at_home, operator(stack) as at_centre:
        sent = await at_home.ask("istanza.submit", {**person, "istanza_id": "1", "service": "Pensione"})
        assert sent["data"]["status"] == "suspended"
        asked = await at_home.ask("dispositivo.request", {**person, "submission": "online"})
        form = PdfReader(BytesIO(base64.b64decode(asked["data"]["form"]["content"])))
        assert citizen in form.pages[0].extract_text()
        request_id = asked["data"]["request_id"]
        decide = {**person, "request_id": request_id, "operator": OPERATOR}
        missing = await at_centre.ask("dispositivo.approve", decide)
        assert missing["code"] == "documents_missing"
        handed_in = await at_home.ask("dispositivo.submit_documents", papers(citizen, request_id))
        assert handed_in["code"] == "accepted"
        queue = await at_centre.ask("dispositivo.review_queue", {"operator": OPERATOR, "limit": 10})
        (shown,) = queue["data"]["requests"]
        assert (shown["request_id"], shown["codice_fiscale"]) == (request_id, citizen)
        approval_id = await at_centre.publish("dispositivo.approve", decide)
        approved = await at_centre.reply(approval_id)
        assert (await at_centre.ask("dispositivo.approve", decide))["code"] == "no_open_request"
        assert await at_home.event("dispositivo.activated", approval_id) == {"channel": "online"}
        activated_at = datetime.now(UTC)
        assert activated_at >= datetime.fromisoformat(approved["data"]["effective_at"])
        released = await at_home.event("istanza.released", approval_id)
        assert released == {"istanza_id": "1", "protocol": sent["data"]["protocol"]}
        now = await at_home.ask("istanza.submit", {**person, "istanza_id": "2", "service": "Pensione"})
        assert now["data"]["status"] == "in_progress"
        assert now["data"]["protocol"] > sent["data"]["protocol"]
        await until(lambda: len(mails_to(stack, citizen)) == 5, "all five mails")
        assert (await at_centre.ask("dispositivo.review_queue", {"operator": OPERATOR, "limit": 10}))[
            "data"
        ] == {"requests": []}


async def test_cancelled_asked_again_and_activated_at_a_branch(stack: Stack) -> None:
    """R26, R28: the reason comes by mail; the branch corrects the document and closes the open request."""
    (citizen,) = await active_citizens(stack, 1)
    person = {"codice_fiscale": citizen}
    start(stack, "PT24H")
    async with portal(stack) as at_home, operator(stack) as at_branch:
        asked = await at_home.ask("dispositivo.request", {**person, "submission": "fax"})
        request_id = asked["data"]["request_id"]
        await at_branch.ask("dispositivo.submit_documents", papers(citizen, request_id) | {"via": "fax"})
        decide = {**person, "request_id": request_id, "operator": OPERATOR}
        reason = {"reason": "illegible", "note": ""}
        await at_branch.ask("dispositivo.cancel", decide | reason)
        await until(lambda: any("leggibile" in mail for mail in mails_to(stack, citizen)), "the reason")
        again = await at_home.ask("dispositivo.request", {**person, "submission": "online"})
        assert again["data"]["request_id"] != request_id
        await at_home.ask("dispositivo.submit_documents", papers(citizen, again["data"]["request_id"]))
        seen = await at_branch.ask("branch.lookup", {**person, "operator": OPERATOR})
        assert seen["data"]["document"]["number"] == "CA12345AA"
        shown = {**person, "operator": OPERATOR, "document": DOCUMENT | {"number": "CA99999AA"}}
        assert (await at_branch.ask("branch.activate", shown))["code"] == "accepted"
        assert (await at_branch.ask("branch.activate", shown))["code"] == "already_dispositivo"
    (account,) = await accounts(stack)
    assert account.level == "dispositivo"
    assert account.recognition is not None
    assert account.recognition.before is not None
    assert account.recognition.before.number == "CA12345AA"


async def test_the_queue_is_in_order_of_arrival_and_every_duplicate_has_one_effect(stack: Stack) -> None:
    """R25."""
    citizens = await active_citizens(stack, 20, _asked)
    order = citizens[::2] + citizens[1::2]
    by_citizen = {a.holder.codice_fiscale: _request_id(a) for a in await accounts(stack) if a.holder}
    start(stack)
    async with portal(stack) as at_home, operator(stack) as at_centre:
        handed_in = [
            await at_home.publish("dispositivo.submit_documents", papers(citizen, by_citizen[citizen]))
            for citizen in order
        ]
        for name in handed_in:
            assert (await at_home.reply(name))["code"] == "accepted"
        question = {"operator": OPERATOR, "limit": 15}
        queue = await at_centre.ask("dispositivo.review_queue", question)
        assert [shown["codice_fiscale"] for shown in queue["data"]["requests"]] == order[:15]
        decide = {"codice_fiscale": order[0], "request_id": by_citizen[order[0]], "operator": OPERATOR}
        name = str(uuid4())
        replies = await asyncio.gather(
            *(at_centre.ask("dispositivo.approve", decide, message_id=name) for _ in range(10))
        )
        assert all(reply == replies[0] for reply in replies)
        again = await at_centre.ask("dispositivo.review_queue", question)
        assert [shown["codice_fiscale"] for shown in again["data"]["requests"]] == order[1:16]
        approvals = Counter(event.type for event in at_home.events)
        assert approvals["dispositivo.approved"] == 1


async def test_of_two_operators_at_once_one_decision_holds(stack: Stack) -> None:
    """R25: the other is rejected, whichever worker handles either."""
    citizens = await active_citizens(stack, 30, _submitted)
    by_citizen = {a.holder.codice_fiscale: _request_id(a) for a in await accounts(stack) if a.holder}
    start(stack, "PT24H", copies=2)
    async with operator(stack) as one, operator(stack) as other:
        for citizen in citizens:
            decide = {"codice_fiscale": citizen, "request_id": by_citizen[citizen], "operator": OPERATOR}
            replies = await asyncio.gather(
                one.ask("dispositivo.approve", decide), other.ask("dispositivo.approve", decide)
            )
            assert sorted(reply["code"] for reply in replies) == ["accepted", "no_open_request"]


async def test_no_istanza_is_stuck_and_none_released_twice(stack: Stack) -> None:
    """R32: istanze arrive while approvals take effect, on two workers, one of them killed."""
    citizens = await active_citizens(stack, 1000, _submitted)
    by_citizen = {a.holder.codice_fiscale: _request_id(a) for a in await accounts(stack) if a.holder}
    start(stack, copies=2)
    async with portal(stack) as at_home, operator(stack) as at_centre:
        sent: list[str] = []
        for turn in range(3):
            for number, citizen in enumerate(citizens):
                sent.append(await _send(at_home, citizen, turn))
                if turn == 0:
                    decide = {"codice_fiscale": citizen, "request_id": by_citizen[citizen]}
                    await at_centre.publish("dispositivo.approve", {**decide, "operator": OPERATOR})
                if (turn, number) == (1, 500):
                    stack.workers["dispositivo"].kill()
        await until(lambda: len(_ids(at_home, "dispositivo.activated")) == len(citizens), "all activated")
        replies = [(await at_home.reply(name))["data"] for name in sent]
        suspended = {reply["protocol"] for reply in replies if reply["status"] == "suspended"}
        assert len({reply["protocol"] for reply in replies}) == len(replies)
        await until(lambda: len(_ids(at_home, "istanza.released")) >= len(suspended), "all released")
        released = Counter(_ids(at_home, "istanza.released").values())
        assert set(released) == suspended
        assert set(released.values()) <= {1}
    after = await accounts(stack)
    assert {account.level for account in after} == {"dispositivo"}
    assert not [account for account in after if account.suspended]


async def _send(client: Client, citizen: str, turn: int) -> str:
    body = {"codice_fiscale": citizen, "istanza_id": f"istanza-{turn}", "service": "Pensione"}
    return await client.publish("istanza.submit", body)


def _ids(client: Client, type_: str) -> dict[str, str]:
    """Return the distinct events of a type, with the protocol of each."""
    return {
        event.id: event.body["data"].get("protocol", "") for event in client.events if event.type == type_
    }


async def test_an_approval_takes_effect_after_a_worker_was_down_at_its_time(stack: Stack) -> None:
    """R29: at most 5 s after it restarts."""
    (citizen,) = await active_citizens(stack, 1, _submitted)
    (account,) = await accounts(stack)
    start(stack, "PT2S")
    async with operator(stack) as at_centre:
        decide = {"codice_fiscale": citizen, "request_id": _request_id(account), "operator": OPERATOR}
        approved = await at_centre.ask("dispositivo.approve", decide)
        stack.workers["dispositivo"].kill()
        due = datetime.fromisoformat(approved["data"]["effective_at"])
        await until(lambda: datetime.now(UTC) > due, "the time of the effect")
        stack.start_worker("dispositivo")
        back = datetime.now(UTC)
        await until(lambda: bool(_ids(at_centre, "dispositivo.activated")), "the effect")
        assert (datetime.now(UTC) - back).total_seconds() < 5


async def test_protocols_begin_anew_every_year(stack: Stack) -> None:
    """R30: unique and increasing within the year, from 1, whatever came before."""
    drawn = stack.postgres.sql("select draw_protocols(3)", stack.database).split()
    assert [number[4:] for number in drawn] == ["0000000001", "0000000002", "0000000003"]
    stack.postgres.sql("update protocol_year set year = year - 1", stack.database)
    assert stack.postgres.sql("select draw_protocols(1)", stack.database) == drawn[0]


async def test_old_recognitions_are_given_the_profile_once(stack: Stack, tmp_path: Path) -> None:
    """R9: every line is checked; a second or concurrent run changes nothing more."""
    citizens = await active_citizens(stack, 600)
    path = tmp_path / "recognitions.csv"
    lines = [f"{citizen},de_visu,2010-05-04" for citizen in citizens]
    path.write_text("\n".join(["codice_fiscale,kind,date", *lines, "RSSMRA85T10A562X,de_visu,2010-05-04"]))
    start(stack)
    async with portal(stack) as at_home:
        sent = await _send(at_home, citizens[0], 0)
        assert (await at_home.reply(sent))["data"]["status"] == "suspended"
        first, beside = await asyncio.gather(_run(stack, path), _run(stack, path))
        assert first.outcomes["accepted"] + beside.outcomes["accepted"] == 600
        assert [faulty.line for faulty in first.faults] == [602]
        status, told = await _program(stack, path)
        assert status == 1
        assert "line 602: codice_fiscale: " in told
        assert "601 lines: done_before 600, faulty 1" in told
        await until(lambda: len(_ids(at_home, "dispositivo.activated")) == 600, "all told")
        await until(lambda: len(_ids(at_home, "istanza.released")) == 1, "the istanza released")
    assert {account.level for account in await accounts(stack)} == {"dispositivo"}


async def _program(stack: Stack, path: Path) -> tuple[int, str]:
    """Run the file as an operator does; return the exit status and the output."""
    program = [str(CHECKOUT / "pinctl"), "backfill", str(path)]
    done = await asyncio.to_thread(
        subprocess.run, program, env=environment(stack.env), capture_output=True, text=True
    )
    return done.returncode, done.stdout


async def _run(stack: Stack, path: Path) -> Report:
    return await backfill(path, settings_for(stack.env), PinPolicy(), Keys(stack.state / "keys"))


def _asked(account: Account) -> Account:
    request = DispositivoRequest(id=str(uuid4()), requested_at=datetime.now(UTC), submission="online")
    asked: Account = account.but(dispositivo=request)
    return asked


def _submitted(account: Account) -> Account:
    now = datetime.now(UTC)
    request = _asked(account).dispositivo
    assert request is not None
    submitted: Account = account.but(
        review_since=now,
        dispositivo=request.but(
            via="online",
            received_at=now,
            signed_form=Attachment.model_validate(FILE),
            document_scan=Attachment.model_validate(FILE),
            document=Document.model_validate(DOCUMENT, strict=False),
        ),
    )
    return submitted


def _request_id(account: Account) -> str:
    assert account.dispositivo is not None
    return account.dispositivo.id


@pytest.fixture(autouse=True)
def _own_workers(stack: Stack) -> None:
    """Start the workers of each test, on a ledger of its own."""
    assert not stack.workers
