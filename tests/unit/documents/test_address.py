"""Addresses by the rules of Poste Italiane (R6)."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.documents.address import address_lines
from shared.documents.characters import printable
from shared.italy.countries import COUNTRIES
from shared.italy.residence import faults_abroad
from tests.unit.documents.page import like_a_half


def home(**changed: str) -> dict[str, Any]:
    return {
        "country": "IT",
        "street": "Via Sant'Agata",
        "number": "12/A",
        "municipality": "Reggio nell'Emilia",
        "province": "RE",
        "postal_code": "42121",
    } | changed


def abroad(**changed: object) -> dict[str, Any]:
    return {
        "country": "DE",
        "lines": ["Hauptstraße 5"],
        "municipality": "München",
        "postal_code": "80331",
    } | changed


def test_an_address_at_home_ends_with_cap_municipality_and_province_in_capitals() -> None:
    assert address_lines("Mario", "Rossi", home()) == (
        "Mario Rossi",
        "Via Sant’Agata 12/A",
        "42121 REGGIO NELL’EMILIA RE",
    )


def test_the_last_line_has_no_punctuation() -> None:
    bolzano = home(municipality="Bolzano/Bozen (centro).", province="BZ", postal_code="39100")
    assert address_lines("Eva", "Mair", bolzano)[-1] == "39100 BOLZANO BOZEN CENTRO BZ"


def test_an_address_abroad_ends_with_the_country_in_capitals() -> None:
    assert address_lines("Eva", "Mair", abroad()) == (
        "Eva Mair",
        "Hauptstraße 5",
        "80331 MÜNCHEN",
        "GERMANIA",
    )


def test_four_lines_abroad_and_a_long_name_still_make_six_lines() -> None:
    lines = address_lines("Eva " * 12, "Mair " * 8, abroad(lines=["Haus A", "Stiege 2", "Ring 5", "Mitte"]))
    assert len(lines) == 6
    assert lines[2:4] == ("Haus A, Stiege 2", "Ring 5, Mitte")


def test_four_longer_lines_abroad_keep_a_line_each() -> None:
    lines = [f"Wohnhausanlage {word} am Stadtpark" for word in ("Nord", "Ost", "Süd", "West")]
    assert address_lines("Eva", "Mair", abroad(lines=lines))[1:5] == tuple(lines)


def test_of_the_longest_lines_none_is_longer_than_fits_in_8_point() -> None:
    lines = [f"{n} avenue de la Révolution et de la Réconciliation nationale de 1960" for n in range(4)]
    found = address_lines("Jean-Baptiste", "de la Fontaine", abroad(country="CD", lines=lines))
    assert len(found) <= 8
    assert max(map(len, found)) <= 60
    assert ", ".join(lines) == " ".join(found[1:-2])


def test_a_house_number_with_staircase_and_flat_or_a_name_in_its_place_has_its_line() -> None:
    number = "Coop. Piano degli Svevi scala B int. 14"
    assert address_lines("Eva", "Mair", home(number=number))[1:3] == (
        "Via Sant’Agata Coop. Piano degli Svevi scala",
        "B int. 14",
    )


@pytest.mark.parametrize(
    ("country", "postal_code", "printed"),
    [
        ("US", "ME 04401", "ME 04401"),
        ("US", "04401-1234", "04401-1234"),
        ("AR", "L1425OIU", "L1425OIU"),
        ("GB", "SW1A 2AA", "SW1A 2AA"),
        ("LB", "1107 2810", "1107 2810"),
    ],
)
def test_a_postal_code_is_printed_as_given(country: str, postal_code: str, printed: str) -> None:
    given_ = abroad(country=country, postal_code=postal_code, municipality="Bangor")
    assert address_lines("Eva", "Mair", given_)[-2] == f"{printed} BANGOR"


def test_a_postal_code_that_could_be_taken_for_a_half_is_parted_by_a_thin_space_and_nothing_else() -> None:
    lines = address_lines("Eva", "Mair", abroad(country="AR", postal_code="C1425DKD"))
    assert lines[-2].replace("\N{THIN SPACE}", "") == "C1425DKD MÜNCHEN"
    assert like_a_half("\n".join(lines)) == []


@pytest.mark.parametrize("word", ["A1B2C3D4", "a1b2c3d4", "１２３４５６７８", "1234\u03235678", "éA1B2C3D4_"])
def test_no_word_of_an_address_can_be_taken_for_a_half(word: str) -> None:
    lines = address_lines("Eva", "Mair", abroad(lines=[f"Rua {word} 9"]))
    assert like_a_half("\n".join(lines)) == []
    assert "".join(lines[1].replace("-", "").split()) == "Rua" + printable(word) + "9"


def test_a_postal_code_of_eight_digits_gets_the_hyphen_of_brazil() -> None:
    brazil = abroad(country="BR", lines=["Rua Augusta 9"], municipality="São Paulo", postal_code="01310100")
    assert address_lines("Eva", "Mair", brazil)[2] == "01310-100 SÃO PAULO"


def test_every_country_of_iso_3166_and_kosovo_has_a_name_in_capitals() -> None:
    assert len(COUNTRIES) == 249 + 1
    assert all(name == name.upper() for name in COUNTRIES.values())


@pytest.mark.parametrize("country", sorted(COUNTRIES.keys() - {"IT"}))
def test_whatever_country_the_contract_accepts_a_letter_can_be_sent_to(country: str) -> None:
    assert not faults_abroad(country, ["Ring 5"], "Mitte", "1")
    assert address_lines("Eva", "Mair", abroad(country=country))[-1] == COUNTRIES[country]


def test_an_unknown_country_is_an_error() -> None:
    with pytest.raises(KeyError):
        address_lines("Eva", "Mair", abroad(country="ZZ"))


text = st.text("AB 1.#ß-'", min_size=1, max_size=100).filter(str.strip)


@given(text, text, st.lists(text, min_size=1, max_size=4), text)
def test_an_address_of_any_length_has_three_to_eight_lines_none_like_a_half(
    name: str, surname: str, lines: list[str], municipality: str
) -> None:
    given_ = abroad(lines=lines, municipality=municipality)
    found = address_lines(name, surname, given_)
    assert 3 <= len(found) <= 8
    assert like_a_half("\n".join(found)) == []
