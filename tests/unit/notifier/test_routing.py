"""The router of several providers: whose share a delivery is, and what trouble costs."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.notifier.outgoing import Held, Outgoing
from services.notifier.routing import TRACE, Report, Route, Router, wait_over_rate
from shared.contract.delivery import Sms
from shared.crypto.secret import Secret

NOW = datetime(2026, 11, 22, 13, 30, tzinfo=UTC)
BOTH = frozenset({"first", "second"})
WELL = Report(taken=20, seconds=2.0, answered=20)
SLOW = Report(taken=20, seconds=100.0, answered=20)
SILENT = Report(failed=4, seconds=40.0, answered=4, down=True)
_ids = st.uuids()


def one(id_: UUID, attempt: int = 1, held: Held | None = None, *, again: bool = False) -> Outgoing:
    content = Sms("+393331234567", Secret("PIN: ABCD2345"))
    return Outgoing(id_, NOW, attempt, content, held, again)


def many(n: int, held: Held | None = None) -> list[Outgoing]:
    return [one(UUID(int=i * 7919 + 1), held=held) for i in range(n)]


def router(*, ordered: bool = False, weights: tuple[float, float] = (1, 1), rate: float = 0.0) -> Router:
    return Router(
        (Route("first", weights[0]), Route("second", weights[1], rate)),
        ordered=ordered,
        slow=2.0,
        recovery=600.0,
        hold=timedelta(minutes=5),
    )


def placed(state: Router, waiting: list[Outgoing], usable: frozenset[str] = BOTH) -> Counter[str]:
    _, plan = state.plan(waiting, usable, {}, 0.0, NOW)
    return Counter({name: len(batch) for name, batch in plan.batches.items()})


@settings(max_examples=15)
@given(st.integers(1, 20), st.integers(1, 20))
def test_shares_follow_the_weights(first: int, second: int) -> None:
    found = placed(router(weights=(first, second)), many(2000))
    assert found["first"] / 2000 == pytest.approx(first / (first + second), abs=0.05)


def test_in_order_the_first_gets_all_while_it_is_well() -> None:
    assert placed(router(ordered=True), many(500)) == {"first": 500}


@pytest.mark.parametrize("ordered", [True, False])
def test_what_fails_loses_its_share_within_one_batch_and_wins_it_back_over_minutes(*, ordered: bool) -> None:
    state = router(ordered=ordered)
    whole = placed(state, many(1000))["first"]
    state = state.heard("first", SILENT, BOTH, 100.0)
    assert placed(state, many(1000))["first"] < whole * 0.12
    minutes, clock = 0, 100.0
    while placed(state, many(1000))["first"] < whole * 0.95:
        before = placed(state, many(1000))["first"]
        clock += 60
        minutes += 1
        state = state.heard("first", WELL, BOTH, clock)
        assert placed(state, many(1000))["first"] >= before
        assert minutes <= 12
    assert minutes >= 5


@pytest.mark.parametrize(
    "report",
    [
        Report(taken=10, failed=3, seconds=1.0, answered=13),
        Report(taken=10, throttled=True, seconds=1.0, answered=10),
        SLOW,
    ],
)
def test_trouble_takes_half_at_once(report: Report) -> None:
    state = router().heard("second", WELL, BOTH, 50.0).heard("first", report, BOTH, 50.0)
    assert state.routes[0].standing == 0.5
    assert state.routes[1].standing == 1.0


def test_two_dead_numbers_cost_a_provider_nothing() -> None:
    state = router().heard("first", Report(taken=1, failed=2, seconds=1.0, answered=3), BOTH, 50.0)
    assert state.routes[0].standing == 1.0


@given(st.lists(st.sampled_from(["first", "second"]), max_size=30), st.booleans())
def test_where_all_are_slow_nothing_moves(batches: list[str], ordered: bool) -> None:  # noqa: FBT001 - drawn
    routes = tuple(
        replace(route, standing=standing, pace=5.0, seen_at=0.0)
        for route, standing in zip(router().routes, (0.4, 0.8), strict=True)
    )
    state = replace(router(ordered=ordered), routes=routes)
    before = state.shares(BOTH)
    for clock, name in enumerate(batches):
        state = state.heard(name, SLOW, BOTH, float(clock * 10))
    assert state.shares(BOTH) == before


def test_a_slow_one_loses_its_share_to_one_that_is_faster_and_never_the_last_of_it() -> None:
    state = router().heard("second", WELL, BOTH, 1.0)
    for clock in range(1, 12):
        state = state.heard("first", SLOW, BOTH, float(clock))
    assert state.routes[0].standing == TRACE
    alone = router().heard("second", WELL, BOTH, 1.0)
    for clock in range(1, 12):
        alone = alone.heard("first", SLOW, frozenset({"first"}), float(clock))
    assert alone.routes[0].standing == 1.0


def test_one_success_after_a_quiet_day_gives_a_tenth_back_and_no_more() -> None:
    state = router().heard("first", SILENT, BOTH, 0.0).heard("first", WELL, BOTH, 86_400.0)
    # Its pace is still that of the silence, until enough answers came.
    state = state.heard("first", WELL, BOTH, 2 * 86_400.0)
    assert state.routes[0].standing <= TRACE + 0.2


@settings(max_examples=30)
@given(
    st.integers(1, 50),
    st.lists(st.tuples(st.floats(0.0, 3.0), st.integers(0, 120)), min_size=1, max_size=40),
)
def test_no_provider_is_ever_sent_more_than_its_rate(rate: int, batches: list[tuple[float, int]]) -> None:
    state, clock, sent = router(rate=float(rate)), 0.0, list[tuple[float, int]]()
    only = frozenset({"second"})
    for wait, size in batches:
        clock += wait
        state, plan = state.plan(many(size), only, {}, clock, NOW)
        given_ = len(plan.batches.get("second", ()))
        assert given_ + len(plan.over_rate.get("second", ())) == size
        sent.append((clock, given_))
        for start in range(len(sent)):
            window = clock - sent[start][0]
            assert sum(n for _, n in sent[start:]) <= rate * window + rate + 1e-6


def test_what_is_over_a_rate_goes_to_the_other_and_waits_only_if_there_is_none() -> None:
    state = router(rate=10.0)
    _, plan = state.plan(many(200), BOTH, {}, 0.0, NOW)
    assert len(plan.batches["second"]) == 10
    assert len(plan.batches["first"]) == 190
    assert not plan.over_rate
    _, plan = state.plan(many(200), frozenset({"second"}), {}, 0.0, NOW)
    assert (len(plan.batches["second"]), len(plan.over_rate["second"])) == (10, 190)
    assert state.until_room("second", 30, 0.0) == pytest.approx(2.1)
    assert [wait_over_rate(seconds) for seconds in (0.1, 15.0, 15.1, 1e6)] == [15, 15, 30, 300]


@given(_ids, st.integers(1, 9), st.sampled_from(["first", "second"]), st.floats(0, 299), st.booleans())
def test_what_a_provider_perhaps_has_goes_to_no_other(
    id_: UUID,
    attempt: int,
    keeper: str,
    age: float,
    again: bool,  # noqa: FBT001 - drawn
) -> None:
    held = Held(keeper, NOW - timedelta(seconds=age))
    for usable in (BOTH, frozenset({"first"}), frozenset({"second"}), frozenset[str]()):
        _, plan = router().plan([one(id_, attempt, held, again=again)], usable, {}, 0.0, NOW)
        assert set(plan.batches) == ({keeper} & usable)
        assert len(plan.stuck) == (keeper not in usable)


@given(_ids, st.integers(1, 9), st.sampled_from(["first", "second"]))
def test_when_its_time_is_up_it_goes_to_another_first(id_: UUID, attempt: int, keeper: str) -> None:
    held = Held(keeper, NOW - timedelta(minutes=5))
    _, plan = router().plan([one(id_, attempt, held)], BOTH, {}, 0.0, NOW)
    assert set(plan.batches) == BOTH - {keeper}
    _, plan = router().plan([one(id_, attempt, held)], frozenset({keeper}), {}, 0.0, NOW)
    assert set(plan.batches) == {keeper}


def test_a_provider_that_is_no_longer_there_keeps_nothing() -> None:
    assert placed(router(), many(50, held=Held("third", NOW))).total() == 50


@given(_ids, st.integers(1, 9))
def test_the_choice_follows_from_the_delivery_alone(id_: UUID, attempt: int) -> None:
    """A bundle that comes again after a crash goes where it went, also to a process that knows more."""
    _, before = router().plan([one(id_, attempt)], BOTH, {}, 0.0, NOW)
    knows = router().heard("second", WELL, BOTH, 1.0).heard("first", SLOW, BOTH, 1.0)
    _, after = knows.plan([one(id_, attempt, again=True)], BOTH, {}, 9.0, NOW)
    assert set(after.batches) == set(before.batches)


def test_a_change_of_shares_moves_only_the_deliveries_that_it_has_to() -> None:
    before, after = router(), router().heard("second", WELL, BOTH, 1.0).heard("first", SLOW, BOTH, 1.0)
    _, was = before.plan(many(1000), BOTH, {}, 0.0, NOW)
    _, now = after.plan(many(1000), BOTH, {}, 0.0, NOW)
    assert {o.id for o in now.batches["first"]} < {o.id for o in was.batches["first"]}


def test_what_one_does_not_deliver_the_next_try_offers_the_other() -> None:
    for id_ in (UUID(int=n) for n in range(1, 50)):
        _, first = router().plan([one(id_, 1)], BOTH, {}, 0.0, NOW)
        _, second = router().plan([one(id_, 2)], BOTH, {}, 0.0, NOW)
        assert set(first.batches) != set(second.batches)


def test_no_provider_is_offered_a_delivery_twice_in_a_batch() -> None:
    delivery = one(UUID(int=5))
    _, plan = router().plan([delivery], BOTH, {delivery.id: {"first"}}, 0.0, NOW)
    assert set(plan.batches) == {"second"}
    _, plan = router().plan([delivery], BOTH, {delivery.id: set(BOTH)}, 0.0, NOW)
    assert plan.stuck == [delivery]


def test_one_works_alone_when_all_others_are_down_or_kept_less_than_half() -> None:
    assert router().alone(BOTH) is None
    assert router().alone({"second"}) == "second"
    assert router().heard("first", SILENT, BOTH, 1.0).alone(BOTH) == "second"
    assert Router((Route("only"),)).alone({"only"}) is None
