"""Instants as programs read them."""

from datetime import UTC, datetime, timedelta, timezone

from shared.contract.instants import rfc3339

AT = datetime(2026, 11, 22, 14, 30, 5, 123999, tzinfo=timezone(timedelta(hours=1)))


def test_an_instant_is_told_in_utc_and_cut_to_the_millisecond() -> None:
    """RFC 3339."""
    assert rfc3339(AT) == "2026-11-22T13:30:05.123Z"


def test_it_is_told_to_the_microsecond_where_it_has_to_be_the_same_one_again() -> None:
    assert rfc3339(AT, to="microseconds") == rfc3339(AT, to="auto") == "2026-11-22T13:30:05.123999Z"
    assert rfc3339(datetime(2026, 11, 22, tzinfo=UTC), to="auto") == "2026-11-22T00:00:00Z"
