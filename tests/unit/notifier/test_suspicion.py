"""Attributes doubtful answers to recipient or provider: given these answers, then exactly these outcomes."""

from collections.abc import Iterable
from datetime import UTC, date, datetime
from itertools import count
from uuid import UUID

import pytest

from services.notifier.outcome import Answer, Doubtful, Outcome, Postponed, Refused, Sent, Unreachable
from services.notifier.outgoing import Outgoing
from services.notifier.suspicion import Down, Hearing, Suspicion, Verdict, mark
from shared.contract.delivery import Content, Mail, Post, Sms
from shared.crypto.secret import Secret

SENT = Sent("")
UNKNOWN = Doubtful("sms_404")
BUSY = Doubtful("sms_429", 30.0, throttled=True)
SILENT = Doubtful("sms_timeout", perhaps_taken=True)
_ids = count(1)


def to(who: str, attempt: int = 1) -> Outgoing:
    created = datetime(2026, 3, 1, tzinfo=UTC)
    return Outgoing(UUID(int=next(_ids)), created, attempt, Sms(who, Secret("PIN: ABCD2345")))


def heard(
    told: Iterable[tuple[str, Answer]], before: Suspicion | None = None, *, probing: bool = False
) -> Verdict:
    """Answers that came one after the other, each before the next was asked for."""
    hearing, batch = Hearing(before, probing=probing), []
    for who, answer in told:
        outgoing = to(who)
        hearing.hear(hearing.ask(), outgoing, answer)
        batch.append((outgoing, answer))
    return hearing.verdict([outgoing for outgoing, _ in batch], [answer for _, answer in batch])


def outcomes(*told: tuple[str, Answer]) -> list[Outcome]:
    return list(heard(told).outcomes)


@pytest.mark.parametrize("answer", [UNKNOWN, BUSY, SILENT])
def test_one_or_two_recipients_fail_for_their_own_sake(answer: Doubtful) -> None:
    verdict = heard([("a", answer), ("b", answer)])
    assert verdict.outcomes == (Postponed(answer.reason, answer.retry_after),) * 2
    assert verdict.down is None
    assert not verdict.throttled


def test_one_recipient_that_fails_again_and_again_is_still_one() -> None:
    suspicion = Suspicion()
    for _ in range(20):
        verdict = heard([("a", UNKNOWN), ("a", UNKNOWN)], suspicion)
        assert verdict.down is None
        suspicion = verdict.suspicion


@pytest.mark.parametrize(
    ("answer", "down"),
    [
        (UNKNOWN, Down("sms_404", 0.0, answered=True)),
        (BUSY, Down("sms_429", 30.0, answered=True)),
        (SILENT, Down("sms_timeout", 0.0, answered=False)),
    ],
)
def test_several_that_fail_alike_with_no_success_are_the_provider_s_state(
    answer: Doubtful, down: Down
) -> None:
    verdict = heard([("a", answer), ("b", answer), ("c", answer)])
    assert verdict.outcomes == (Unreachable(answer.reason, answer.retry_after),) * 3
    assert verdict.down == down


def test_failures_of_different_kinds_do_not_add_up() -> None:
    verdict = heard([("a", UNKNOWN), ("b", Doubtful("sms_403")), ("c", Doubtful("sms_402"))])
    assert verdict.down is None


def test_a_streak_goes_on_from_batch_to_batch() -> None:
    first = heard([("a", UNKNOWN), ("b", UNKNOWN)])
    second = heard([("c", UNKNOWN)], first.suspicion)
    assert second.outcomes == (Unreachable("sms_404"),)
    assert second.down == Down("sms_404", 0.0, answered=True)


def test_a_success_ends_a_streak() -> None:
    first = heard([("a", UNKNOWN), ("b", UNKNOWN), ("x", SENT)])
    second = heard([("c", UNKNOWN), ("d", UNKNOWN)], first.suspicion)
    assert second.down is None


@pytest.mark.parametrize("passing", [Refused("sms_400"), Postponed("sms_500")])
def test_a_refusal_is_no_success(passing: Answer) -> None:
    assert heard([("a", UNKNOWN), ("b", UNKNOWN), ("x", passing), ("c", UNKNOWN)]).down


def test_who_failed_while_the_provider_was_well_no_longer_closes_the_lane() -> None:
    """Three dead numbers among good ones count their attempts and end."""
    before = heard([("a", UNKNOWN), ("b", UNKNOWN), ("c", UNKNOWN), ("x", SENT)]).suspicion
    again = heard([("a", UNKNOWN), ("b", UNKNOWN), ("c", UNKNOWN)], before)
    assert again.outcomes == (Postponed("sms_404"),) * 3
    assert again.down is None
    assert heard([("d", UNKNOWN), ("e", UNKNOWN)], again.suspicion).down is None
    assert heard([("d", UNKNOWN), ("e", UNKNOWN), ("f", UNKNOWN)], again.suspicion).down


def test_many_that_fail_alike_are_the_provider_s_state_whatever_was_before() -> None:
    """After an outage that was over for a moment, everybody is convicted: no PIN is to end by that."""
    dead = [(str(n), UNKNOWN) for n in range(10)]
    before = heard([*dead, ("x", SENT)]).suspicion
    assert heard(dead[:9], before).down is None
    verdict = heard(dead, before)
    assert verdict.down
    assert verdict.outcomes == (Unreachable("sms_404"),) * 10


def test_who_is_served_is_no_longer_convicted() -> None:
    before = heard([("a", UNKNOWN), ("x", SENT), ("a", SENT)]).suspicion
    assert before.convicted == ()


def test_what_failed_while_another_was_taken_failed_for_its_own_sake() -> None:
    """A silent number is told apart by what went out while it was waited for, not by who ends last."""
    hearing, batch = Hearing(), [to(who) for who in ("a", "b", "c", "x")]
    asked = [hearing.ask() for _ in batch]
    hearing.hear(asked[3], batch[3], SENT)
    for place in range(3):
        hearing.hear(asked[place], batch[place], SILENT)
    verdict = hearing.verdict(batch, [SILENT, SILENT, SILENT, SENT])
    assert verdict.outcomes == (*[Postponed("sms_timeout")] * 3, SENT)
    assert verdict.down is None
    assert len(verdict.suspicion.convicted) == 3


def test_a_provider_that_falls_ill_in_the_middle_of_a_batch_costs_nobody_an_attempt() -> None:
    verdict = heard([("x", SENT), ("y", SENT), *((who, UNKNOWN) for who in "abc")])
    assert verdict.outcomes == (SENT, SENT, *[Unreachable("sms_404")] * 3)
    assert verdict.down


def test_a_connection_that_failed_is_the_provider_s_state_unless_others_passed_meanwhile() -> None:
    assert outcomes(("a", Unreachable("sms_connect"))) == [Unreachable("sms_connect")]
    assert heard([("x", SENT), ("a", Unreachable("sms_connect"))]).down == Down("sms_connect")
    hearing, batch = Hearing(), [to("a"), to("x")]
    asked = [hearing.ask(), hearing.ask()]
    hearing.hear(asked[1], batch[1], Refused("sms_400"))
    hearing.hear(asked[0], batch[0], Unreachable("sms_connect"))
    verdict = hearing.verdict(batch, [Unreachable("sms_connect"), Refused("sms_400")])
    assert verdict.outcomes == (Postponed("sms_connect"), Refused("sms_400"))
    assert verdict.down is None


def test_what_was_not_tried_says_nothing_of_the_provider() -> None:
    hearing, batch = Hearing(), [to("a"), to("b")]
    hearing.hear(hearing.ask(), batch[0], SENT)
    verdict = hearing.verdict(batch, [SENT, Unreachable("not_tried")])
    assert verdict.outcomes == (SENT, Unreachable("not_tried"))
    assert verdict.down is None


@pytest.mark.parametrize(
    "answer", [Refused("bad_address", unasked=True), Postponed("channel_fault", unasked=True)]
)
def test_what_we_ourselves_could_not_send_says_nothing_of_the_provider(answer: Answer) -> None:
    verdict = heard([("a", answer)], probing=True)
    assert not verdict.asked
    assert verdict.down is None


def test_a_probe_shows_that_the_provider_answers_about_recipients_or_that_it_is_down() -> None:
    """One that may have been taken, and was not answered, shows nothing good."""
    streak = heard([(who, UNKNOWN) for who in "abc"]).suspicion
    for answer in (SENT, Refused("sms_400"), Postponed("sms_500")):
        assert heard([("d", answer)], streak, probing=True).down is None
    assert heard([("d", UNKNOWN)], streak, probing=True).down
    assert heard([("d", SILENT)], probing=True).down
    assert heard([("d", SILENT)]).down is None


def test_a_convicted_one_cannot_show_that_the_provider_is_well_and_its_attempt_counts() -> None:
    convicted = heard([("a", UNKNOWN), ("x", SENT)]).suspicion
    streak = heard([(who, UNKNOWN) for who in "bcd"], convicted).suspicion
    verdict = heard([("a", UNKNOWN)], streak, probing=True)
    assert verdict.outcomes == (Postponed("sms_404"),)
    assert verdict.down


def test_a_provider_throttles_when_several_recipients_say_so() -> None:
    assert heard([("a", BUSY), ("b", BUSY), ("x", SENT), ("c", BUSY)]).throttled
    assert not heard([("a", BUSY), ("a", BUSY), ("b", BUSY)]).throttled
    convicted = heard([(who, BUSY) for who in "abc"] + [("x", SENT)]).suspicion
    assert not heard([(who, BUSY) for who in "abc"], convicted).throttled


def test_a_throttle_of_several_in_one_batch_uses_up_nobody_s_tries_and_opens_nothing() -> None:
    verdict = heard([("a", BUSY), ("x", SENT), ("b", BUSY), ("y", SENT), ("c", BUSY), ("z", SENT)])
    assert verdict.outcomes == (Unreachable("sms_429", 30.0), SENT) * 3
    assert verdict.down is None
    # Three numbers with limits of their own count attempts from the second time on, and end.
    again = heard([("a", BUSY), ("x", SENT), ("b", BUSY), ("c", BUSY)], verdict.suspicion)
    assert again.outcomes == (Postponed("sms_429", 30.0), SENT, *[Postponed("sms_429", 30.0)] * 2)


def test_a_provider_that_was_down_is_tried_with_who_has_not_just_failed() -> None:
    suspicion = heard([("old", UNKNOWN), ("x", SENT)]).suspicion
    suspicion = heard([(who, UNKNOWN) for who in ("a", "b", "c", "a")], suspicion).suspicion
    order = [to("old"), to("a"), to("c"), to("b"), to("new", attempt=3), to("newest")]
    chosen = []
    while order:
        best = suspicion.least_suspect(order)
        order.remove(best)
        chosen.append(best.content.to if isinstance(best.content, Sms) else "")
    assert chosen == ["newest", "new", "b", "c", "a", "old"]


def test_memory_has_a_limit() -> None:
    suspicion = heard([*((str(n), UNKNOWN) for n in range(1500)), ("x", SENT)]).suspicion
    assert len(suspicion.convicted) == 1000
    suspicion = heard((str(n), UNKNOWN) for n in range(1500)).suspicion
    assert len(suspicion.streaks["sms_404"]) == 1000


def test_a_recipient_is_remembered_so_that_it_can_be_recognised_and_not_read() -> None:
    contents: list[Content] = [
        Sms("+393331234567", Secret("x")),
        Mail("Anna@Example.it", "x", Secret("x"), "it"),
        Post(("ANNA ROSSI", "ROMA"), "ANNA", "it", Secret("x"), date(2026, 4, 1), date(2026, 3, 1)),
    ]
    created = datetime(2026, 3, 1, tzinfo=UTC)
    marks = {mark(Outgoing(UUID(int=n), created, 1, content)) for n, content in enumerate(contents)}
    assert len(marks) == 3
    same = Mail(" anna@example.it", "y", Secret("y"), "de")
    assert mark(Outgoing(UUID(int=9), created, 2, same)) in marks
    assert not any(word in repr(marks) for word in ("333", "nna", "NNA"))
