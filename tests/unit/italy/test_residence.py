"""Residences: what belongs together at home, and what can be posted abroad."""

import pytest

from shared.italy.countries import COUNTRIES
from shared.italy.residence import CURRENT, faults_abroad, faults_in_italy


def at_home(municipality: str, province: str, cap: str) -> list[tuple[str, str]]:
    faults = faults_in_italy("Via Roma", "1", municipality, province, cap)
    return [(fault.field.removeprefix("residence."), fault.code) for fault in faults]


def abroad(**changes: object) -> list[tuple[str, str]]:
    given = {"country": "DE", "lines": ["Sonnenstraße 12"], "municipality": "München", "postal_code": "80331"}
    faults = faults_abroad(**(given | changes))  # type: ignore[arg-type]
    return [(fault.field.removeprefix("residence."), fault.code) for fault in faults]


@pytest.mark.parametrize(
    ("municipality", "province", "cap"),
    [
        ("Roma", "RM", "00118"), ("Roma", "RM", "00199"), ("MILANO", "MI", "20121"), ("Monza", "MB", "20900"),
        ("Bozen", "BZ", "39100"), ("Bolzano/Bozen", "BZ", "39100"), ("Meran", "BZ", "39012"),
        ("Reggio Emilia", "RE", "42121"), ("S. Giovanni Rotondo", "FG", "71013"), ("Aosta", "AO", "11100"),
        ("Olbia", "SS", "07026"), ("Olbia", "OT", "07026"), ("Carbonia", "SU", "09013"),
        ("Carbonia", "CI", "09013"), ("Castro", "LE", "73030"), ("Castro", "BG", "24063"),
        ("Castegnero Nanto", "VI", "36020"), ("Campione d'Italia", "CO", "22061"),
        ("Murisengo", "AL", "15020"),
    ],
)  # fmt: skip
def test_what_belongs_together_is_accepted(municipality: str, province: str, cap: str) -> None:
    assert at_home(municipality, province, cap) == []


@pytest.mark.parametrize(
    ("municipality", "province", "cap", "expected"),
    [
        ("Roma", "RM", "20121", [("postal_code", "not_of_municipality")]),
        ("Castro", "LE", "24063", [("postal_code", "not_of_municipality")]),
        ("Roma", "RM", "00100", [("postal_code", "generic_postal_code")]),
        ("Milano", "MI", "20100", [("postal_code", "generic_postal_code")]),
        ("Reggio nell'Emilia", "RE", "42100", [("postal_code", "generic_postal_code")]),
        ("Roma", "RM", "0018", [("postal_code", "wrong_format")]),
        ("Roma", "RM", "٠٠١١٨", [("postal_code", "wrong_format")]),
        ("Monza", "MI", "20900", [("municipality", "not_in_province")]),
        ("Roma", "XX", "00118", [("province", "unknown_province")]),
        ("Roma", "EE", "00118", [("province", "unknown_province")]),
        ("Pola", "PL", "00118", [("province", "ceased_province"), ("municipality", "ceased_municipality")]),
        ("Corigliano Calabro", "CS", "87064", [("municipality", "ceased_municipality")]),
        ("Narnia", "MI", "20121", [("municipality", "unknown_municipality")]),
        ("Narnia", "XX", "1", [("province", "unknown_province"), ("municipality", "unknown_municipality"),
                               ("postal_code", "wrong_format")]),
    ],
)  # fmt: skip
def test_each_thing_that_does_not_belong_is_named(
    municipality: str, province: str, cap: str, expected: list[tuple[str, str]]
) -> None:
    assert at_home(municipality, province, cap) == expected


@pytest.mark.parametrize("number", ["1", "12/A", "s.n.c.", "km 3,200", "15 bis", "7/rosso"])
def test_house_numbers_of_all_kinds_are_accepted(number: str) -> None:
    assert faults_in_italy("Via IV Novembre", number, "Roma", "RM", "00187") == []


def test_street_and_number_are_looked_at_too() -> None:
    faults = faults_in_italy("Via\x00Roma", " ", "Roma", "RM", "00187")
    assert [(f.field, f.code) for f in faults] == [
        ("residence.street", "invalid_character"),
        ("residence.number", "empty"),
    ]
    faults = faults_in_italy("V" * 71, "1" * 21, "Roma", "RM", "00187")
    assert [f.code for f in faults] == ["too_long", "too_long"]


def test_every_present_municipality_has_a_province_and_a_cap() -> None:
    assert all(provinces and all(len(cap) == 5 for cap in caps) for provinces, caps in CURRENT.values())
    assert {cap for _, caps in CURRENT.values() for cap in caps} >= {"00118", "20121", "90121", "39100"}


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"country": "AE", "postal_code": "", "municipality": "دبي", "lines": ["P.O. Box 1234"]},
        {"country": "XK", "municipality": "Prishtinë", "postal_code": "10000"},
        {
            "country": "GB",
            "postal_code": "SW1A 2AA",
            "lines": ["Flat 3", "Rose House", "High Street", "Upper End"],
        },
        {
            "country": "JP",
            "municipality": "東京都",
            "postal_code": "100-8111",
            "lines": ["千代田区千代田1-1"],
        },
    ],
)
def test_addresses_of_other_countries_are_accepted(changes: dict[str, object]) -> None:
    assert abroad(**changes) == []


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"country": "IT"}, [("country", "not_abroad")]),
        ({"country": "ZZ"}, [("country", "unknown_country")]),
        ({"country": "de"}, [("country", "unknown_country")]),
        ({"lines": []}, [("lines", "wrong_count")]),
        ({"lines": ["a"] * 5}, [("lines", "wrong_count")]),
        ({"lines": ["Main St", "", "x" * 71, "a\nb"]}, [("lines.1", "empty"), ("lines.2", "too_long"),
                                                        ("lines.3", "invalid_character")]),
        ({"municipality": "123"}, [("municipality", "empty")]),
        ({"postal_code": "80331!"}, [("postal_code", "wrong_format")]),
        ({"country": "", "lines": [], "municipality": ""},
         [("country", "unknown_country"), ("lines", "wrong_count"), ("municipality", "empty")]),
    ],
)  # fmt: skip
def test_each_flaw_of_an_address_abroad_is_named(
    changes: dict[str, object], expected: list[tuple[str, str]]
) -> None:
    assert abroad(**changes) == expected


def test_countries_are_those_of_the_standard_and_kosovo() -> None:
    assert len(COUNTRIES) == 249 + 1
