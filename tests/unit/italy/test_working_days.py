"""The calendar of working days: Easter, Italy's holidays, the time of day, and the clocks' changes."""

from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.italy.dates import ROME
from shared.italy.regions import ABROAD, REGION_OF, REGIONS
from shared.italy.residence import provinces_now
from shared.italy.working_days import WorkingDays, easter, holidays

DAYS = WorkingDays(time(15))
EASTERS = """
    2020-04-12 2021-04-04 2022-04-17 2023-04-09 2024-03-31 2025-04-20 2026-04-05 2027-03-28 2028-04-16
    2029-04-01 2030-04-21 2031-04-13 2032-03-28 2033-04-17 2034-04-09 2035-03-25 2036-04-13 2037-04-05
    2038-04-25 2039-04-10 2040-04-01
"""
"""The Easter Sundays, as calendars have them."""
YEARS = (date(2020, 1, 1), date(2040, 12, 31))
INSTANTS = st.builds(
    lambda day, seconds: datetime.combine(day, time(), UTC) + timedelta(seconds=seconds),
    st.dates(*YEARS),
    st.integers(0, 86_399),
)
TIMES = st.times().map(lambda one: one.replace(microsecond=0))


@pytest.mark.parametrize("known", EASTERS.split())
def test_easter_is_when_it_is(known: str) -> None:
    assert easter(int(known[:4])).isoformat() == known
    assert easter(int(known[:4])) + timedelta(days=1) in holidays(int(known[:4]))


def test_the_holidays_of_a_year_are_the_laws() -> None:
    assert sorted(f"{day:%m-%d}" for day in holidays(2025)) == [
        *("01-01", "01-06", "04-21", "04-25", "05-01", "06-02", "08-15", "11-01", "12-08", "12-25", "12-26")
    ]
    assert date(2027, 10, 4) in holidays(2027), "a holiday again since 2026"
    assert date(2025, 10, 4) not in holidays(2025)


@given(INSTANTS, TIMES)
def test_an_instant_belongs_to_the_first_working_day_that_has_not_ended(at: datetime, cut_off: time) -> None:
    days = WorkingDays(cut_off)
    day, ended = days.of(at), days.ended(at)
    assert days.is_one(day)
    assert at < days.ends(day)
    assert days.is_one(ended)
    assert days.ends(ended) <= at
    between = (ended + timedelta(days=one) for one in range(1, (day - ended).days))
    assert not any(map(days.is_one, between)), "no working day lies between what has ended and what goes on"


@given(INSTANTS, st.timedeltas(timedelta(0), timedelta(days=40)), TIMES)
def test_what_comes_later_never_belongs_to_an_earlier_day(
    at: datetime, later: timedelta, cut_off: time
) -> None:
    days = WorkingDays(cut_off)
    assert days.of(at) <= days.of(at + later)


@given(st.dates(*YEARS), TIMES)
def test_a_day_ends_at_the_time_that_the_clock_shows_in_italy(day: date, cut_off: time) -> None:
    ends = WorkingDays(cut_off).ends(day).astimezone(ROME)
    if ends.date().weekday() < 6:  # the clocks change on Sundays, when nobody works
        assert (ends.date(), ends.time()) == (day, cut_off)


@pytest.mark.parametrize(
    ("at", "day"),
    [
        ("2026-11-27T13:59:59+00:00", "2026-11-27"),  # a Friday, 14:59:59 in Italy
        ("2026-11-27T14:00:00+00:00", "2026-11-30"),  # the cut-off itself is the next day's
        ("2026-11-28T09:00:00+00:00", "2026-11-30"),  # Saturday
        ("2026-03-27T13:59:00+00:00", "2026-03-27"),  # the Friday before summer time
        ("2026-03-30T13:00:00+00:00", "2026-03-31"),  # the Monday after: 15:00 is an hour earlier
        ("2026-10-23T13:00:00+00:00", "2026-10-26"),  # the Friday before winter time
        ("2026-10-26T13:59:00+00:00", "2026-10-26"),  # the Monday after
        ("2026-04-03T13:00:00+00:00", "2026-04-07"),  # Good Friday is none, Easter Monday is one
        ("2026-12-24T14:00:00+00:00", "2026-12-28"),  # two holidays and a weekend
    ],
)
def test_days_at_their_edges(at: str, day: str) -> None:
    assert DAYS.of(datetime.fromisoformat(at)).isoformat() == day


def test_a_patrons_day_is_given_by_whoever_has_one() -> None:
    days = WorkingDays(time(15), {"06-24", "2026-12-07"})
    assert [days.is_one(date(year, 6, 24)) for year in (2025, 2026)] == [False, False]
    assert [days.is_one(date(year, 12, 7)) for year in (2026, 2027)] == [False, True]


def test_every_province_has_a_region() -> None:
    assert provinces_now() == set(REGION_OF)
    assert set(REGIONS) == {*REGION_OF.values(), ABROAD}
    assert len(REGIONS) == 21
