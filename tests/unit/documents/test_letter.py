"""The letter with the second half (R6, R33)."""

import uuid
from datetime import date
from pathlib import Path
from typing import Any, Literal

import pytest

from services.notifier.channels.letter import Letter, typeset
from shared.documents.address import address_lines
from shared.documents.characters import printable
from tests.unit.documents.page import (
    faxed_symbols,
    in_sight,
    laid_out,
    like_a_half,
    marks,
    metadata,
    sizes_of,
    spaced_like_a_half,
    symbols,
    words,
)

CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
HOME = ("Mario Rossi", "Via Giuseppe Garibaldi 12", "00184 ROMA RM")
HOSTILE = r"#set *Anna* _B_ $x^2$ \ @a <b> `c` {} {0} ~ = - + / [d] (e) // %f & \u{41} ) Tj ET"
LANGUAGES = pytest.mark.parametrize("language", ["it", "de"])
Language = Literal["it", "de"]


def letter(number: int = 1, **changed: object) -> Letter:
    id_ = uuid.uuid5(uuid.NAMESPACE_DNS, str(number))
    fields: dict[str, Any] = {
        "id": str(id_),
        "language": "it",
        "address": HOME,
        "name": "Mario Rossi",
        "half": str(number % 10) + "".join(CROCKFORD[byte % 32] for byte in id_.bytes[:7]),
        "expires_on": date(2027, 1, 21),
        "written_on": date(2026, 11, 22),
    }
    return Letter(**(fields | changed))


def test_each_letter_has_a_page_of_its_own_in_the_order_given(tmp_path: Path) -> None:
    letters = [letter(n, language="de" if n % 3 else "it") for n in range(25)]
    pages = laid_out(typeset(letters), tmp_path)
    assert len(pages) == len(letters)
    assert all(" ".join(sent.half) in page for sent, page in zip(letters, pages, strict=True))


@LANGUAGES
def test_the_half_stands_on_one_line_and_nothing_else_looks_like_it(
    language: Language, tmp_path: Path
) -> None:
    sent = letter(language=language, id="3f2a9c1d-0b1c-4d2e-8f3a-5b6c7d8e9f01")
    pdf = typeset([sent])
    for text in (words(pdf), laid_out(pdf, tmp_path)[0]):
        assert like_a_half(text) == []
        assert spaced_like_a_half(text) == [sent.half]


@LANGUAGES
def test_the_letter_tells_whom_what_until_when_and_whom_to_call(language: Language) -> None:
    text = " ".join(words(typeset([letter(language=language)])).split())
    until = {"it": "21/01/2027", "de": "21.01.2027"}[language]
    greeting = {"it": "Gentile Mario Rossi,", "de": "Sehr geehrte/r Mario Rossi,"}[language]
    assert all(part in text for part in (*HOME, until, greeting, "803.164", "06.164.164", "SMS"))


def test_a_scanner_reads_the_id_of_every_letter(tmp_path: Path) -> None:
    letters = [letter(n) for n in range(5)]
    assert symbols(typeset(letters), tmp_path) == [sent.id for sent in letters]


@pytest.mark.parametrize("down", [98, 196])
def test_the_id_can_be_read_from_a_fax_of_the_letter(down: int, tmp_path: Path) -> None:
    letters = [letter(n, language="de" if n % 2 else "it") for n in range(4)]
    assert faxed_symbols(typeset(letters), tmp_path, down) == [sent.id for sent in letters]


def test_the_same_letters_give_the_same_bytes() -> None:
    letters = [letter(n) for n in range(3)]
    assert typeset(letters) == typeset(letters)
    assert typeset(letters) != typeset(letters[::-1])


@LANGUAGES
def test_the_document_bears_the_marks_of_pdf_a_2b_and_pdf_ua_1(language: Language) -> None:
    assert marks(typeset([letter(language=language)])) == []


def test_the_metadata_carry_no_name_and_no_secret() -> None:
    sent = letter()
    told = metadata(typeset([sent]))
    assert not any(secret in told for secret in (sent.half, sent.id, "Rossi"))


def test_nothing_of_a_letter_can_be_read_in_the_raw_bytes() -> None:
    sent = letter()
    pdf = typeset([sent])
    assert sent.half.encode() not in pdf
    assert b"Rossi" not in pdf


LONG = address_lines(
    "Massimiliano Giovanni Battista Maria Ferdinando",
    "Della Torre e Tasso di Valsassina Hohenlohe-Waldenburg",
    {
        "country": "CD",
        "lines": [f"{n} avenue de la Révolution et de la Réconciliation nationale" for n in range(4)],
        "municipality": "Mbanza-Ngungu de la Province du Kongo Central",
        "postal_code": "1234567890",
    },
)


@pytest.mark.parametrize("address", [HOME, LONG, ("M" * 100, "W" * 100, "00184 ROMA RM")])
def test_the_address_and_nothing_else_shows_in_the_window(address: tuple[str, ...], tmp_path: Path) -> None:
    pdf = typeset([letter(address=address)])
    shown = in_sight(pdf, tmp_path, left=100, top=55, width=90, height=24)
    assert shown == list(address)


@pytest.mark.parametrize(
    "address", [HOME, LONG, ("M" * 100, "W" * 100, "00184 ROMA RM"), ("Mario Rossi",) * 8]
)
def test_however_long_an_address_its_type_is_legible(address: tuple[str, ...]) -> None:
    sizes = sizes_of(typeset([letter(address=address)]), address)
    assert sizes
    assert min(sizes) >= 8


@LANGUAGES
def test_markup_in_a_name_is_printed_as_it_is(language: Language) -> None:
    text = words(typeset([letter(language=language, address=(HOSTILE, *HOME[1:]), name=HOSTILE)]))
    assert text.count(printable(HOSTILE)) == 2


@pytest.mark.parametrize(
    ("written", "printed"),
    [
        ("Łukasz Đorđević Şahin Nguyễn", "Łukasz Đorđević Şahin Nguyễn"),
        ("Γιώργος Иванов", "Γιώργος Иванов"),
        ("Zoe\u0308  D\u2019Angelo\u202e\x07\n", "Zoë D’Angelo"),
        ("王 Wang \U0001f600", "? Wang ?"),
    ],
)
def test_a_name_of_any_alphabet_is_printed_as_far_as_there_are_letters(written: str, printed: str) -> None:
    assert f"Gentile {printed}," in words(typeset([letter(name=written)]))


def test_a_document_without_letters_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        typeset([])
