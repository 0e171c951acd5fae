"""Dates and instants as a citizen reads them (R33)."""

from datetime import UTC, date, datetime, timedelta

import pytest

from shared.italy.dates import DAY, day, day_of, end_of, in_days, instant, last_day
from shared.texts.template import PLACEHOLDERS


@pytest.mark.parametrize(("language", "written"), [("it", "02/01/2027"), ("de", "02.01.2027")])
def test_a_day_is_written_as_its_language_does(language: str, written: str) -> None:
    assert day(date(2027, 1, 2), language) == written


@pytest.mark.parametrize(
    ("language", "written"), [("it", "22/11/2026, ore 14:30"), ("de", "22.11.2026, 14:30 Uhr")]
)
def test_an_instant_is_told_in_the_time_of_italy(language: str, written: str) -> None:
    assert instant(datetime(2026, 11, 22, 13, 30, 59, tzinfo=UTC), language) == written


def test_in_summer_italy_is_two_hours_ahead() -> None:
    assert instant(datetime(2026, 7, 31, 22, 5, tzinfo=UTC), "it") == "01/08/2026, ore 00:05"


@pytest.mark.parametrize(
    ("at", "italian", "german"),
    [
        ((0, 30), "25/10/2026, ore 02:30 (ora legale)", "25.10.2026, 02:30 Uhr (Sommerzeit)"),
        ((1, 30), "25/10/2026, ore 02:30 (ora solare)", "25.10.2026, 02:30 Uhr (Normalzeit)"),
        ((0, 0), "25/10/2026, ore 02:00 (ora legale)", "25.10.2026, 02:00 Uhr (Sommerzeit)"),
        ((2, 0), "25/10/2026, ore 03:00", "25.10.2026, 03:00 Uhr"),
    ],
)
def test_an_instant_of_the_hour_that_comes_twice_says_which(
    at: tuple[int, int], italian: str, german: str
) -> None:
    when = datetime(2026, 10, 25, *at, tzinfo=UTC)
    assert (instant(when, "it"), instant(when, "de")) == (italian, german)
    assert len(instant(when, "it")) <= (PLACEHOLDERS["until"] or 0)


def test_no_other_instant_of_a_year_says_which() -> None:
    """Not in spring either: the hour that is left out does not come."""
    hours = (datetime(2027, 1, 1, tzinfo=UTC) + timedelta(hours=hour) for hour in range(8760))
    assert sum("ora" in instant(hour, "it").replace("ore", "") for hour in hours) == 2


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        (datetime(2026, 6, 20, 21, 59, tzinfo=UTC), date(2026, 6, 20)),
        (datetime(2026, 6, 20, 22, 0, tzinfo=UTC), date(2026, 6, 21)),
        (datetime(2026, 12, 31, 22, 59, tzinfo=UTC), date(2026, 12, 31)),
        (datetime(2026, 12, 31, 23, 0, tzinfo=UTC), date(2027, 1, 1)),
    ],
)
def test_an_instant_falls_on_the_day_that_it_is_in_italy(at: datetime, expected: date) -> None:
    assert day_of(at) == expected


@pytest.mark.parametrize(
    "last", [date(2026, 3, 28), date(2026, 3, 29), date(2026, 10, 24), date(2026, 10, 25)]
)
def test_a_day_has_ended_at_its_midnight_also_when_the_clocks_change(last: date) -> None:
    end = end_of(last)
    assert (day_of(end - timedelta(milliseconds=1)), day_of(end)) == (last, last + DAY)
    assert last_day(end) == last


def test_days_are_those_of_the_calendar_when_the_clocks_were_put_back() -> None:
    """Half past midnight on 21 September: 60 times 24 hours later it is the 19 November still."""
    at = datetime(2026, 9, 20, 22, 30, tzinfo=UTC)
    assert in_days(at, 60 * DAY) == date(2026, 11, 20)


def test_an_instant_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="zone"):
        instant(datetime(2026, 7, 31, 22, 5), "it")  # noqa: DTZ001  # its refusal is what is tested


def test_the_day_of_an_instant_is_refused() -> None:
    with pytest.raises(TypeError, match="instant"):
        day(datetime(2026, 7, 31, 22, 5, tzinfo=UTC), "it")
