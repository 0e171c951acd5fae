"""Omocodia: digits become letters where two people would have the same codice fiscale."""

from datetime import date
from itertools import combinations
from typing import Any

import pytest

from shared.italy import codice_fiscale as cf

PERSON: dict[str, Any] = {
    "surname": "Verdi",
    "name": "Giuseppe",
    "birth_date": date(1968, 12, 27),
    "sex": "M",
    "birth_province": "NA",
    "birth_place": "Napoli",
}
CODE = cf.encode(**PERSON)
ALL = [p for size in range(8) for p in combinations(cf.DIGIT_POSITIONS, size)]


def test_there_are_128_ways() -> None:
    assert len({cf.omocode(CODE, positions) for positions in ALL}) == 128


@pytest.mark.parametrize("position", cf.DIGIT_POSITIONS)
def test_a_letter_is_accepted_in_every_numeric_position(position: int) -> None:
    code = cf.omocode(CODE, (position,))
    assert code[position] in cf.OMOCODIA
    assert cf.canonical(code) == code


@pytest.mark.parametrize("positions", ALL, ids=str)
def test_every_way_is_accepted_as_written_and_agrees_with_the_person(positions: tuple[int, ...]) -> None:
    code = cf.omocode(CODE, positions)
    assert cf.canonical(code.lower()) == code
    assert cf.disagreements(code, **PERSON) == []
    others = PERSON | {
        "birth_date": date(1968, 12, 26),
        "birth_place": "Torino",
        "birth_province": "TO",
        "sex": "F",
    }
    assert {f.field for f in cf.disagreements(code, **others)} == {
        "birth_date", "birth_place", "birth_province", "sex"
    }  # fmt: skip


def test_the_check_character_is_that_of_the_letters_as_they_stand() -> None:
    code = cf.omocode(CODE, (14,))
    assert code[15] != CODE[15]
    assert cf.why_not(code[:15] + CODE[15])[0] == "wrong_check_character"


@pytest.mark.parametrize("digit", range(10))
def test_every_digit_has_its_letter(digit: int) -> None:
    body = f"VRDGPP68T27F83{digit}"
    code = cf.omocode(body + cf.check_character(body), (14,))
    assert code[14] == "LMNPQRSTUV"[digit]
    assert cf.canonical(code) == code
