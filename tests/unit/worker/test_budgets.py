"""A portal that says more than it has a budget for is told of, once an hour, and refused nothing."""

from datetime import datetime, timedelta

import orjson

from shared.domain.decision import NOBODY
from shared.worker.batch import BatchProcessor, WorkerKeys
from shared.worker.budgets import PortalBudgets
from shared.worker.reading import ReceivedMessage
from tests.unit.decisions import NOW, PEPPER, POLICY, read
from tests.unit.worker.rows import Rows
from tests.unit.worker.test_facts import SEAL, lane, message
from tests.unit.worker.test_intake import SETTINGS

USERS = frozenset({"portal", "patronato"})


def commands(many: int, user: str = "portal") -> list[ReceivedMessage]:
    batch = [message(read("pin.request"), bytes([number]) * 16) for number in range(many)]
    for received in batch:
        received.actor = user
    return batch


def alarms(
    budgets: PortalBudgets, batch: list[ReceivedMessage], now: datetime = NOW
) -> list[tuple[str, int]]:
    """Count a batch that is committed; return who is told of, and with how many commands."""
    budgets.count(batch, now)
    budgets.settled(batch)
    return [(e.data["user"], e.data["commands"]) for received in batch for e in received.alarms]


def test_a_portal_over_its_budget_is_told_of_once_an_hour() -> None:
    budgets = PortalBudgets(3, USERS, "issuer-requests")
    assert alarms(budgets, commands(3)) == []
    assert alarms(budgets, commands(2)) == [("portal", 5)]
    assert alarms(budgets, commands(2)) == []
    assert alarms(budgets, commands(4), NOW + timedelta(hours=1)) == [("portal", 4)]


def test_each_portal_has_a_budget_of_its_own_and_others_have_none() -> None:
    budgets = PortalBudgets(3, USERS, "issuer-requests")
    batch = [*commands(2), *commands(4, "patronato"), *commands(9, "operator"), *commands(9, "notifier")]
    assert alarms(budgets, batch) == [("patronato", 4)]


def test_no_budget_counts_nothing() -> None:
    assert alarms(PortalBudgets(0, USERS, "issuer-requests"), commands(9)) == []


def test_an_alarm_whose_batch_was_not_committed_comes_with_the_next() -> None:
    budgets = PortalBudgets(3, USERS, "issuer-requests")
    lost = commands(4)
    budgets.count(lost, NOW)
    assert [len(received.alarms) for received in lost] == [0, 0, 0, 1]
    assert alarms(budgets, commands(4)) == [("portal", 8)]


async def test_the_alarm_is_published_about_nobody_and_every_command_is_decided() -> None:
    budgets, batch = PortalBudgets(2, USERS, "issuer-requests"), commands(4)
    budgets.count(batch, NOW)
    keys = WorkerKeys(PEPPER, state=SEAL)
    processor = BatchProcessor(lane("issuer-requests"), SETTINGS, POLICY, keys, now=lambda: NOW)
    committed = await processor.settle(batch, Rows())
    assert [one.code for one in committed.handled] == ["accepted"] * 4
    (said,) = [m for _, part in committed.outgoing for m in part if m.type == "portal.over_budget"]
    body = orjson.loads(said.body)
    assert body["subject"] is None
    assert body["data"] == {
        "user": "portal",
        "lane": "issuer-requests",
        "commands": 4,
        "hour": "2026-11-22T13:00:00.000Z",
    }
    assert [(alarm.type, alarm.subject) for alarm in committed.alarms] == [("portal.over_budget", NOBODY)]
