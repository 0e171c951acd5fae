"""The invariants of every single decision."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from typing import Any

import orjson

from deploy.local.captured import PageCopy
from shared.contract.command import WorkerCommand
from shared.contract.events import EVENTS
from shared.domain.account import TRANSITIONS, Account
from shared.domain.decision import Decide, Decision
from shared.italy.mailboxes import mailbox_of
from tests.unit.decisions import personal, public

_ANSWERS_WITH_PERSONAL_DATA = {"surname", "form", "requests"}


def the_change_is_lawful(before: Account, after: Account) -> None:
    """R7, R10, R16, R20: a status changes only by the transition table that Postgres enforces."""
    assert after.subject == before.subject
    assert after.status == before.status or after.status in TRANSITIONS[before.status]


class Places:
    """The addresses of each half; halves sent by one decision are of one PIN."""

    def __init__(self) -> None:
        self.of_half: dict[str, set[str]] = defaultdict(set)
        self.other_half: dict[str, str] = {}


def no_address_gets_both_halves(places: Places, copies: Iterable[PageCopy]) -> None:
    """R5, R6, R15: never one half and the other of the same PIN, also not in two messages."""
    halves = [(copy.half, _place(copy)) for copy in copies if copy.half]
    for half, to in halves:
        places.of_half[half].add(to)
    texts = list(dict.fromkeys(half for half, _ in halves))
    if texts:
        first, second = texts
        assert places.of_half[first].isdisjoint(places.of_half[second])


def _place(copy: PageCopy) -> str:
    return mailbox_of(copy.to) if "@" in copy.to else copy.to


def nothing_tells(decision: Decision, account: Account, secrets: Iterable[str]) -> None:
    """R14 and throughout: no secret and no personal data in ledger, events, messages and replies.

    Replies to an operator's look-up and the form contain personal data by design, but no secret.
    """
    text = public(decision)
    assert not [secret for secret in secrets if secret and secret in text]
    reply = decision.reply
    if reply and not _ANSWERS_WITH_PERSONAL_DATA.isdisjoint(reply.data):
        text = public(decision.but(reply=None))
    for who in (account, decision.account or account):
        assert not [datum for datum in personal(who) if datum in text]


def events_say_what_the_contract_says(decision: Decision) -> None:
    """Every event is one of the contract's, with the data it has there."""
    for event in decision.events:
        EVENTS[event.type].model_validate_json(orjson.dumps(event.data, default=_plain))


def _plain(value: Any) -> str:  # noqa: ANN401 - what orjson does not know
    assert isinstance(value, datetime)
    return value.isoformat()


def its_worker_may_say_that(decide: Decide, decision: Decision) -> None:
    """What a decision publishes is what the broker lets its worker publish."""
    worker = decide.__module__.split(".")[1]
    assert {event.type for event in decision.events if worker not in EVENTS[event.type].workers} == set()
    told = [message.said for message in decision.messages]
    assert all(worker in said.senders for said in told if isinstance(said, WorkerCommand))
