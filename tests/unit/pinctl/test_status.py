"""When `pinctl status` reports a problem."""

from typing import Any

from deploy.broker import render
from deploy.pinctl.status import LANES, LATE, Found
from shared.broker.admin import Depth
from shared.contract.topology import DEAD

WELL: dict[str, Depth | None] = {**dict.fromkeys(LANES, Depth(5, 1)), DEAD: Depth(0, 0)}


def row(worker: str, lag: float) -> dict[str, Any]:
    return {"worker": worker, "due": 1, "lag": lag, "later": 0, "next_at": None}


def test_it_looks_at_every_queue_that_the_broker_has() -> None:
    assert sorted([*LANES, DEAD]) == sorted(render.queues())


def test_messages_that_are_being_handled_need_nobody() -> None:
    assert Found(WELL, [row("issuer", LATE)]).concerns() == []


def test_a_lane_without_a_worker_needs_somebody() -> None:
    queues = {**WELL, "notifier.sms": Depth(0, 0), "notifier.pec": None}
    assert Found(queues, []).concerns() == ["nobody consumes notifier.sms", "there is no queue notifier.pec"]


def test_dead_messages_need_somebody() -> None:
    assert Found({**WELL, DEAD: Depth(1, 0)}, []).concerns() == ["1 message in pin.dead"]


def test_rows_long_due_need_somebody() -> None:
    assert Found(WELL, [row("issuer", 130)]).concerns() == ["issuer has not published for 2 min what was due"]


def test_a_citizen_who_cannot_be_opened_needs_somebody() -> None:
    assert Found(WELL, [], unreadable=1).concerns() == ["1 citizen whose account does not open"]


def test_a_server_that_is_away_needs_somebody() -> None:
    assert Found().concerns() == ["the broker cannot be reached", "the ledger cannot be reached"]
