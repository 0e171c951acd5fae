"""The tables and figures in the terminal."""

from datetime import UTC, datetime

import pytest

from deploy.pinctl.tables import age, count, plain, table


def test_figures_stand_to_the_right_and_words_to_the_left() -> None:
    assert table(("queue", "ready"), [("issuer.requests", 7), ("pin.dead", 1200)]).split("\n") == [
        "  queue            ready",
        "  issuer.requests      7",
        "  pin.dead          1200",
    ]


def test_an_empty_table_says_so() -> None:
    assert table(("queue", "ready"), []) == "  none"


def test_what_is_unknown_is_a_dash() -> None:
    assert table(("a", "b"), [(None, 1), ("x", None)]) == "  a  b\n  -  1\n  x  -"


def test_a_sender_cannot_steer_the_terminal() -> None:
    assert plain("\x1b[2Jrm\r\nx") == "·[2Jrm··x"


def test_what_is_too_long_for_a_cell_is_cut_visibly() -> None:
    assert plain("x" * 70, 64) == "x" * 64 + "…"


def test_instants_are_shown_in_utc_to_the_millisecond() -> None:
    assert plain(datetime(2026, 11, 22, 9, 30, 5, 123456, tzinfo=UTC)) == "2026-11-22 09:30:05.123Z"


@pytest.mark.parametrize(
    ("seconds", "said"), [(0, "0.0 s"), (59.94, "59.9 s"), (60, "1 min"), (7199, "1 h"), (864_000, "10 d")]
)
def test_an_age_is_said_in_its_largest_unit(seconds: float, said: str) -> None:
    assert age(seconds) == said


def test_one_is_not_several() -> None:
    assert (count(1, "entry", "entries"), count(2000, "entry", "entries")) == ("1 entry", "2,000 entries")
