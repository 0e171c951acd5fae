"""Operators look at personal data (R25, R26): how often within an hour is counted and told."""

from services.dispositivo import branch, queue
from services.dispositivo.operators import Looks
from shared.domain.account import Account
from shared.domain.decision import NOBODY, Decision
from shared.domain.policy import PinPolicy
from tests.unit.decisions import POLICY, account, personal, public, read
from tests.unit.dispositivo.flow import code, data, facing, submitted

FEW = POLICY.model_copy(update={"lookups_an_hour": 3})
NO_MORE = POLICY.model_copy(update={"lookups_an_hour": 3, "lookups_refused_after": 5})


def looks(count: int) -> Looks:
    return Looks("console-7", "2026-11-22T13:00:00.000Z", count)


def look_up(count: int, policy: PinPolicy = FEW) -> Decision:
    return branch.look_up(account(), read("branch.lookup"), facing(looks=looks(count), policy=policy))


def ask(count: int, policy: PinPolicy = FEW) -> Decision:
    at = facing(waiting=[submitted()], looks=looks(count), policy=policy)
    return queue.show(Account(), read("dispositivo.review_queue"), at)


def test_the_look_that_passes_the_limit_is_told_once_and_shows_what_it_always_does() -> None:
    """R25, R26."""
    for look in (look_up, ask):
        assert [len(look(count).events) for count in (1, 3, 4, 5, 6)] == [0, 0, 1, 0, 0]
        assert {code(look(count)) for count in (1, 3, 4, 5, 600)} == {"accepted"}


def test_the_alarm_names_the_person_and_no_citizen() -> None:
    (alarm,) = look_up(4).events
    assert (alarm.type, alarm.subject, alarm.fact.alarm) == ("operator.looked_often", NOBODY, True)
    assert alarm.data == {
        "operator": "op-0107",
        "office": "Sede di Pisa",
        "user": "console-7",
        "lookups": 4,
        "hour": "2026-11-22T13:00:00.000Z",
    }


def test_a_setting_refuses_who_looks_on() -> None:
    for look in (look_up, ask):
        assert [code(look(count, NO_MORE)) for count in (5, 6, 7)] == ["accepted", *["too_many_lookups"] * 2]
        refused = look(6, NO_MORE)
        assert (data(refused), refused.entries) == ({}, ())
        assert not [value for value in personal(account()) if value in public(refused)]


def test_who_is_refused_before_the_limit_of_the_alarm_still_raises_it() -> None:
    odd = POLICY.model_copy(update={"lookups_an_hour": 5, "lookups_refused_after": 3})
    assert (code(look_up(6, odd)), len(look_up(6, odd).events)) == ("too_many_lookups", 1)
