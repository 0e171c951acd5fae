"""Dates and instants as a citizen reads them (R33)."""

from datetime import UTC, date, datetime

import pytest

from shared.dates import day, instant


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


def test_an_instant_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="zone"):
        instant(datetime(2026, 7, 31, 22, 5), "it")  # noqa: DTZ001  # its refusal is what is tested


def test_the_day_of_an_instant_is_refused() -> None:
    with pytest.raises(TypeError, match="instant"):
        day(datetime(2026, 7, 31, 22, 5, tzinfo=UTC), "it")
