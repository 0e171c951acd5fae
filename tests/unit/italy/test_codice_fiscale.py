"""The codice fiscale by itself and against a person's data (decree of 23 December 1976)."""

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.italy import codice_fiscale as cf

MARIO: dict[str, Any] = {
    "surname": "Rossi",
    "name": "Mario",
    "birth_date": date(1980, 1, 1),
    "sex": "M",
    "birth_province": "RM",
    "birth_place": "Roma",
}
CODE = "RSSMRA80A01H501U"


def fields(code: str, **changes: object) -> list[str]:
    return [fault.field for fault in cf.disagreements(code, **(MARIO | changes))]


def test_the_textbook_example_is_encoded_and_accepted() -> None:
    assert cf.encode(**MARIO) == CODE
    assert cf.canonical(CODE) == CODE
    assert fields(CODE) == []


@pytest.mark.parametrize("written", ["rssmra80a01h501u", " RSS MRA 80A01 H501U ", "Rssmra80A01\th501u\n"])
def test_case_and_spaces_do_not_matter(written: str) -> None:
    assert cf.canonical(written) == CODE


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "wrong_length"),
        (CODE[:15], "wrong_length"),
        (CODE + "U", "wrong_length"),
        (CODE[:15] + "A", "wrong_check_character"),
        ("RSSMRA80A01H510U", "wrong_check_character"),
        ("RS5MRA80A01H501U", "wrong_structure"),
        ("RSSMRA80F01H501U", "wrong_structure"),
        ("RSSMRA80A00H501U", "wrong_structure"),
        ("RSSMRA80A32H501U", "wrong_structure"),
        ("RSSMRA80B30H501U", "wrong_structure"),
        ("RSSMRA80A72H501U", "wrong_structure"),
        ("RSSMRA80A01HA01U", "wrong_structure"),
        ("RSSMRA80A01H501Ù", "wrong_structure"),
        ("12345678901", "wrong_check_character"),
        ("1234567890A", "wrong_structure"),
    ],
)
def test_each_flaw_has_its_code(text: str, code: str) -> None:
    assert cf.canonical(text) is None
    assert cf.why_not(text)[0] == code


def test_letters_that_only_upper_case_turns_into_ascii_are_refused() -> None:
    assert cf.canonical("RßMRA80A01H501U") is None
    assert cf.canonical(CODE.replace("I", "ı").replace("S", "ſ")) is None


@given(st.text(max_size=20))
def test_any_text_is_answered_and_what_is_accepted_stays_as_it_is(text: str) -> None:
    code = cf.canonical(text)
    assert code is None or cf.canonical(code) == code
    assert (code is None) == (cf.why_not(text)[0] != "valid")


@given(st.integers(0, 14), st.sampled_from("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"))
def test_one_character_changed_is_always_noticed(position: int, character: str) -> None:
    changed = CODE[:position] + character + CODE[position + 1 :]
    assert changed == CODE or cf.canonical(changed) is None


def test_a_woman_has_forty_added_to_her_day() -> None:
    anna = MARIO | {"name": "Anna", "sex": "F", "birth_date": date(1985, 12, 31)}
    code = cf.encode(**anna)
    assert code[6:11] == "85T71"
    assert cf.disagreements(code, **anna) == []
    assert fields(code, name="Anna", birth_date=date(1985, 12, 31)) == ["sex"]


def test_all_that_disagrees_is_told_at_once() -> None:
    wrong: dict[str, Any] = {
        "surname": "Bianchi",
        "name": "Carla",
        "birth_date": date(1981, 1, 1),
        "sex": "F",
        "birth_province": "MI",
        "birth_place": "Milano",
    }
    faults = cf.disagreements(CODE, **wrong)
    assert [fault.field for fault in faults] == list(wrong)
    assert {fault.code for fault in faults} == {"disagrees_with_codice_fiscale"}
    assert not any(
        str(value) in fault.detail for fault in faults for value in wrong.values() if len(str(value)) > 1
    )


@pytest.mark.parametrize("field", list(MARIO))
def test_what_is_not_known_to_be_valid_is_not_compared(field: str) -> None:
    other = {
        "surname": "Bianchi",
        "name": "Carla",
        "birth_date": date(1981, 1, 1),
        "sex": "F",
        "birth_province": "MI",
        "birth_place": "Milano",
    }
    assert field in fields(CODE, **{field: other[field]})
    assert fields(CODE, **{field: None}) == []


@pytest.mark.parametrize(
    "changed",
    [date(1980, 1, 2), date(1980, 2, 1), date(1981, 1, 1), date(1979, 12, 31)],
)
def test_day_month_and_year_are_each_compared(changed: date) -> None:
    assert fields(CODE, birth_date=changed) == ["birth_date"]


def test_the_century_is_not_in_the_code() -> None:
    roma = MARIO | {"birth_date": date(1920, 1, 1)}
    assert cf.disagreements(cf.encode(**roma), **(roma | {"birth_date": date(2020, 1, 1)})) == []


def test_a_provisional_code_has_a_check_digit_and_agrees_with_anyone() -> None:
    assert cf.canonical("00743110157") == "00743110157"
    assert cf.canonical("007 4311 0157") == "00743110157"
    assert fields("00743110157", surname="Bianchi", birth_place="Milano") == []


@given(st.integers(0, 10**10 - 1))
def test_of_ten_last_digits_of_a_provisional_code_one_is_right(number: int) -> None:
    accepted = [digit for digit in "0123456789" if cf.canonical(f"{number:010}{digit}")]
    assert accepted == [cf.check_digit(f"{number:010}")]


def test_no_code_is_made_for_a_place_that_did_not_exist() -> None:
    with pytest.raises(LookupError):
        cf.encode(**(MARIO | {"birth_province": "FU", "birth_place": "Fiume"}))
