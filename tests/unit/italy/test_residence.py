"""Residences: what belongs together at home, and what can be posted abroad."""

import pytest

from shared.italy.countries import COUNTRIES, WITHOUT_POSTAL_CODES
from shared.italy.residence import current, faults_abroad, faults_in_italy


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


@pytest.mark.parametrize(
    ("municipality", "province", "cap", "expected"),
    [
        ("Corigliano-Rossano", "CS", "87064", []), ("Corigliano Rossano", "CS", "87064", []),
        ("Corigliano-Rossano", "CS", "87067", ["not_of_municipality"]),
        ("Petrosino", "TP", "91032", []), ("Petrosino", "TP", "91020", ["not_of_municipality"]),
        ("Valdaone", "TN", "38091", []), ("Torre de' Busi", "BG", "24032", []),
        ("Verona", "VR", "37100", ["generic_postal_code"]), ("Verona", "VR", "37121", []),
        ("Torino", "TO", "10100", ["generic_postal_code"]),
        ("Napoli", "NA", "80100", ["generic_postal_code"]),
        ("Nuoro", "NU", "08100", []), ("Lecce", "LE", "73100", []),
        ("Tempio Pausania", "OT", "07029", []), ("Tempio Pausania", "SS", "07029", []),
    ],
)  # fmt: skip
def test_a_merged_city_has_one_cap_and_a_large_one_no_generic_one(
    municipality: str, province: str, cap: str, expected: list[str]
) -> None:
    assert [code for _, code in at_home(municipality, province, cap)] == expected


@pytest.mark.parametrize(
    "number",
    [
        "1", "12/A", "s.n.c.", "km 3,200", "15 bis", "7/rosso", "7 scala A interno 3", "Coop. Le Betulle",
        "8/B int. 12", "km 104,700", "SN", "0", "S.N.C.", "Palazzina C, scala 2, piano 4, interno 14",
    ],
)  # fmt: skip
def test_house_numbers_of_all_kinds_are_accepted(number: str) -> None:
    assert faults_in_italy("Via IV Novembre", number, "Roma", "RM", "00187") == []


def test_street_and_number_are_looked_at_too() -> None:
    faults = faults_in_italy("Via\x00Roma", " ", "Roma", "RM", "00187")
    assert [(f.field, f.code) for f in faults] == [
        ("residence.street", "invalid_character"),
        ("residence.number", "empty"),
    ]
    faults = faults_in_italy("V" * 71, "1" * 65, "Roma", "RM", "00187")
    assert [f.code for f in faults] == ["too_long", "too_long"]


def test_every_present_municipality_has_a_province_and_a_cap() -> None:
    assert all(provinces and all(len(cap) == 5 for cap in caps) for provinces, caps in current().values())
    assert {cap for _, caps in current().values() for cap in caps} >= {"00118", "20121", "90121", "39100"}


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"country": "AE", "postal_code": "", "municipality": "Sharjah", "lines": ["P.O. Box 77"]},
        {"country": "XK", "municipality": "Prishtinë", "postal_code": "10000"},
        {
            "country": "GB",
            "postal_code": "SW1A 2AA",
            "lines": ["Flat 3", "Rose House", "High Street", "Upper End"],
        },
        {"country": "UA", "municipality": "Львів", "postal_code": "79000", "lines": ["вул. Зелена, 5"]},
        {"country": "GR", "municipality": "Αθήνα", "postal_code": "105 57", "lines": ["Ἑρμοῦ 12"]},
        {"country": "KZ", "municipality": "Қарағанды", "postal_code": "100000", "lines": ["Әуезов көшесі 7"]},
        {"country": "US", "municipality": "Augusta", "postal_code": "ME 04330-0011"},
        {"country": "AR", "municipality": "Córdoba", "postal_code": "X5000JHQ"},
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


@pytest.mark.parametrize(
    ("lines", "municipality"),
    [
        (["本町2-3-4"], "横浜市"),
        (["شارع الملك 7"], "دبي"),
        (["רחוב יפו 9"], "חיפה"),
        (["एम जी रोड 5"], "पुणे"),
        (["세종대로 110"], "서울"),
        (["ถนนสุขุมวิท 3"], "กรุงเทพ"),
    ],
)
def test_an_address_that_cannot_be_printed_is_refused_line_by_line(
    lines: list[str], municipality: str
) -> None:
    expected = [("lines.0", "unprintable"), ("municipality", "unprintable")]
    assert abroad(lines=lines, municipality=municipality) == expected
    assert abroad(lines=lines) == expected[:1]
    assert abroad(municipality=municipality) == expected[1:]


def test_at_home_each_part_that_cannot_be_printed_is_named() -> None:
    faults = faults_in_italy("Via 東京", "1 東", "Roma 東", "RM", "00184")
    assert [(fault.field.removeprefix("residence."), fault.code) for fault in faults] == [
        ("street", "unprintable"),
        ("number", "unprintable"),
        ("municipality", "unprintable"),
    ]


def test_countries_without_postal_codes_are_countries_and_not_those_that_have_them() -> None:
    assert COUNTRIES.keys() > WITHOUT_POSTAL_CODES
    assert {"AE", "HK", "AO", "QA", "ZW", "PA"} <= WITHOUT_POSTAL_CODES
    assert not {"IT", "DE", "US", "AR", "GB", "IE", "XK", "JP"} & WITHOUT_POSTAL_CODES


def test_countries_are_those_of_the_standard_and_kosovo() -> None:
    assert len(COUNTRIES) == 249 + 1
