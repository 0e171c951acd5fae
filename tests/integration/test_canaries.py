"""Canaries on the real stack: once a slot, all the way, and without a trace among the citizens'."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from deploy.local.captured import Captured
from deploy.local.stack import Stack
from tests.kit.clients import gateway, portal
from tests.kit.evidence import gathered
from tests.kit.logs import log_lines
from tests.kit.servers import fresh_ledger
from tests.kit.waiting import until

CHANNELS = ("notifier-sms", "notifier-email", "notifier-pec", "notifier-post")
RECEIPTS = "notifier-receipts"
SETTINGS = {
    "PIN_RELAY_INTERVAL": "PT0.1S",
    "PIN_CANARY_MOBILE": "+393331234567",
    "PIN_CANARY_EMAIL": "canary@example.com",
    "PIN_CANARY_PEC": "canary@pec.example.com",
    "PIN_CANARY_ADDRESS": "Ufficio PIN; Via Roma 1; 00184 ROMA RM",
    "PIN_CANARY_WITHIN": "PT0S",
    "PIN_CANARY_RECEIPT_WITHIN": "PT1H",
}


@pytest.fixture
async def stack(servers: Stack) -> AsyncIterator[Stack]:
    async with fresh_ledger(servers, "ledger_canaries", SETTINGS) as stack:
        yield stack


def said(stack: Stack, worker: str, event: str) -> list[dict[str, Any]]:
    """Return the lines of an event in the log of every copy of a worker, on this ledger."""
    began = sql(
        stack, "select to_char(min(made_at) at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS') from canary"
    )
    logs = (stack.state / "log").glob(f"{worker}*.log")
    lines = (line for log in logs for line in log_lines(log))
    return [line for line in lines if line["event"] == event and line["timestamp"] >= began > ""]


def sql(stack: Stack, query: str) -> str:
    return str(stack.postgres.sql(query, stack.database)).strip()


async def test_a_canary_goes_every_way_once_and_only_the_log_tells_of_it(stack: Stack) -> None:
    captured = Captured(stack.state, from_now=True)
    stack.start_workers(("issuer", *CHANNELS))
    stack.start_worker("notifier-receipts", copies=3)
    async with portal(stack) as client:
        await until(lambda: len(captured.all()) >= 4, "the canaries", every=0.2)
        made = int(sql(stack, "select count(*) from canary"))
        await until(lambda: len(said(stack, RECEIPTS, "canary.sent")) == made, "the outcomes")
        copies = captured.all()
        assert len(copies) == len({copy.id for copy in copies}) == made
        assert {copy.to for copy in copies if copy.to} == {
            SETTINGS[f"PIN_CANARY_{name}"] for name in ("MOBILE", "EMAIL", "PEC")
        }
        assert [copy.half for copy in copies] == [None] * made

        evidence = await gathered(stack, (), ())
        assert evidence.entries == []
        assert client.events == []
    for table in ("tallied where counted = 'delivery'", "account", "entry"):
        assert sql(stack, f"select count(*) from {table}") == "0"  # noqa: S608 - ours
    overdue = said(stack, RECEIPTS, "canary.overdue")
    assert {line["missing"] for line in overdue} <= {"sent"}


async def test_canaries_that_do_not_arrive_are_told_and_trouble_nobody(stack: Stack) -> None:
    """The attack: what fails about nobody must reach neither the issuer nor `pin.dead`."""
    stack.fake_providers.misbehave(email={"mode": "status", "status": 451, "only": "canary@"})
    stack.start_workers(("issuer", *CHANNELS, "notifier-receipts"))
    lost = {"sms": "failed", "post": "returned", "pec": "delivered"}

    def ids() -> dict[str, str]:
        sent = said(stack, RECEIPTS, "canary.sent")
        return {line["channel"]: line["delivery_id"] for line in sent}

    await until(lambda: ids().keys() >= lost.keys(), "what was sent", every=0.2)
    async with gateway(stack) as client:
        for channel, status in lost.items():
            told = {
                "delivery_id": ids()[channel],
                "status": status,
                "provider": "tests",
                "detail": "as asked",
            }
            await client.publish("delivery.receipt", told)

    def outcomes() -> set[tuple[str, str]]:
        events = ("canary.failed", "canary.delivered")
        return {(line["event"], line["channel"]) for event in events for line in said(stack, RECEIPTS, event)}

    wanted = {("canary.failed", "sms"), ("canary.failed", "post"), ("canary.delivered", "pec")}
    await until(lambda: outcomes() == wanted, "what became of them", every=0.2)
    await until(
        lambda: any(
            (line["channel"], line["missing"]) == ("email", "sent")
            for line in said(stack, RECEIPTS, "canary.overdue")
        ),
        "what is late",
        every=0.2,
    )
    evidence = await gathered(stack, (), ())
    assert evidence.entries == []
    assert evidence.waiting.get("pin.dead", 0) == 0
    assert said(stack, "issuer", "message.handled") == []
    assert sql(stack, "select count(*) from tallied where counted = 'delivery'") == "0"
