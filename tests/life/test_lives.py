# ruff: noqa: FBT001 - whether or not something happens is drawn, by name
"""Thousands of lives, driven against the pure decisions, with time injected and repeatable."""

from collections import Counter
from datetime import date, timedelta
from typing import ClassVar

import orjson
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import invariant, precondition, rule, run_state_machine_as_test

from shared.contract.message import COMMANDS, CitizenCommand
from shared.domain.account import TRANSITIONS
from shared.domain.decision import WorkerMessage
from tests.life import issue_and_activate, reachability, upgrade
from tests.life.invariants import OF_THE_ACCOUNT
from tests.life.lives import MOSTLY, SELDOM, TURN, Life
from tests.life.pure import PureWorld

OLD_DAYS = (date(2009, 3, 2), date(2010, 5, 4))
RARE = 2
"""Answers that may not have been given in a run: which ones change whenever a rule does."""
OF_SETTINGS = {("branch.lookup", "too_many_lookups"), ("istanza.submit", "too_many_suspended")}
"""Answers of limits that no life reaches."""
TIMES = (
    timedelta(minutes=1),
    timedelta(minutes=15),
    timedelta(hours=1),
    timedelta(hours=23, minutes=59, seconds=59),
    timedelta(hours=24),
    timedelta(days=3),
)


class LifeInTime(Life):
    """A life with drawn time; due messages arrive when drawn, in any order, perhaps twice."""

    reached: ClassVar[Counter[str]] = Counter()
    """How many steps found a citizen in each status, and how many found the PIN blocked."""
    answers: ClassVar[Counter[tuple[str, str]]] = Counter()
    """How often each type of command got each code."""

    def __init__(self) -> None:
        self.world = PureWorld()
        super().__init__(self.world)
        self._shapes: set[tuple[object, ...]] = set()
        self._expiring: dict[bytes, str] = {}

    @rule(time=st.sampled_from(TIMES), prompt=MOSTLY)
    def time_passes(self, time: timedelta, prompt: bool) -> None:
        """Locks end, links and PINs expire, approvals take effect; or the workers are down meanwhile."""
        self.world.passes(time)
        while prompt and self._due():
            self.what_is_due_comes(0, again=False)

    @rule(prompt=MOSTLY)
    def months_pass(self, prompt: bool) -> None:
        """An initial PIN that was never used expires."""
        self.time_passes(timedelta(days=61), prompt)

    @rule(wait=st.sampled_from(TIMES[-3:]), restoring=MOSTLY)
    def a_link_waits_in_the_mailbox(self, wait: timedelta, restoring: bool) -> None:
        """R14, R20: it works until its time has passed, to the second."""
        if restoring:
            self.ask_to_restore((), None, at_once=False)
        else:
            self.ask_to_revoke("email", 0, right=True, at_once=False)
        self.world.passes(wait)
        if restoring:
            self.confirm_the_restore("right", 0)
        else:
            self.confirm_the_revocation("right", 0)

    @rule(guesses=st.sampled_from([5, 12, 21]), turn=TURN)
    def somebody_guesses_patiently(self, guesses: int, turn: int) -> None:
        """R11: guessing after every lock leads to a block, for the right PIN too."""
        for _ in range(guesses):
            locked_until = self.citizen.expected.tally.locked_until
            self.world.now = max(self.world.now, locked_until or self.world.now)
            issue_and_activate.log_in(self.citizen, "ZZZZ ZZZZ")
        self.log_in("right", turn, 1)

    def _due(self) -> list[WorkerMessage]:
        return [m for m in self.world.due if m.due_at and m.due_at <= self.world.now]

    @precondition(lambda self: self._due())
    @rule(turn=TURN, again=st.booleans())
    def what_is_due_comes(self, turn: int, again: bool) -> None:
        """R29, and the expiry of initial PINs: late, out of order, or once more."""
        due = self._due()
        message = due[turn % len(due)]
        if not again:
            self.world.due.remove(message)
        body = orjson.loads(message.body)
        self.world.arrives(message)
        if "request_id" in body:
            upgrade.takes_effect(self.citizen, body["request_id"])
        elif (
            "pin_id" in body
            and self.citizen.expected.initial
            and self._expiring.get(message.body) == self.citizen.expected.pin
        ):
            self.citizen.expected.ends("expired")

    @rule(day=st.sampled_from(OLD_DAYS), listed=SELDOM)
    def an_old_recognition_is_found(self, day: date, listed: bool) -> None:
        """R9: it makes one PIN dispositivo, and no later one."""
        if not listed:
            return
        code, expected = self.world.backfill(day), self.citizen.expected
        if day in expected.recognised_on:
            assert code == "done_before"
        elif not expected.live:
            assert code == "no_live_pin"
        elif expected.level == "dispositivo":
            assert code == "already_dispositivo"
        else:
            assert code == "accepted"
            expected.recognised_on.add(day)
            expected.becomes_dispositivo()

    @invariant()
    def what_will_expire_is_known(self) -> None:
        """Record the PIN of each new scheduled message: it has an id that no citizen sees."""
        if self.world.due:
            self._expiring.setdefault(self.world.due[-1].body, self.citizen.expected.pin or "")

    @invariant()
    def the_account_is_as_it_has_to_be(self) -> None:
        """All that `tests.life.invariants` says of an account."""
        for check in OF_THE_ACCOUNT:
            check(self.citizen, self.world)
        self.reached[self.citizen.expected.status] += 1
        self.reached["blocked"] += self.world.account.attempts.blocked

    @invariant()
    def there_is_a_way_out(self) -> None:
        """R7, R13-R21: from each state that this life reaches, the first time it does."""
        if (shape := reachability.shape(self.citizen)) not in self._shapes:
            self._shapes.add(shape)
            reachability.lead_to_a_pin(self.citizen, self.world)

    def teardown(self) -> None:
        """Record the replies of this life."""
        self.answers.update(self.citizen.answers)


def lives() -> settings:
    """Return the number and length of lives: see `tests/life/conftest.py`."""
    return settings.get_profile("long" if settings.get_current_profile_name() == "long" else "life")


def every_answer() -> set[tuple[str, str]]:
    """Return the type and the code of each answer that the contract knows to a command about a citizen."""
    citizens = [command for command in COMMANDS.values() if issubclass(command, CitizenCommand)]
    return {(command.type, code) for command in citizens for code in ("accepted", *command.refusals)}


def test_whatever_happens_in_a_life_the_rules_hold() -> None:
    """R7-R32; and the lives were not all alike: every status was reached, nearly every answer given."""
    run_state_machine_as_test(LifeInTime, settings=lives())
    assert set(+LifeInTime.reached) == {*TRANSITIONS, "blocked"}
    never_given = every_answer() - set(LifeInTime.answers) - OF_SETTINGS
    assert len(never_given) <= RARE, never_given
