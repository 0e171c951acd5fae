"""Accepted means printable: every character that a name or an address may have, on the page itself."""

import sys
import unicodedata
from collections.abc import Callable
from datetime import date
from functools import cache
from pathlib import Path

import pytest

from services.dispositivo.form import typeset as form_typeset
from services.notifier.channels.letter import typeset as letter_typeset
from shared.documents.address import address_lines
from shared.documents.characters import printable, unprintable
from shared.errors import Fault
from shared.italy.names import APOSTROPHES, fault_of_name
from shared.italy.residence import faults_abroad
from tests.unit.documents.page import laid_out, words
from tests.unit.documents.test_form import form
from tests.unit.documents.test_letter import letter

AT_ONCE = 25
QUESTIONS = {"letter": 1, "form": 0}  # question marks among the words of the page itself


def fault_of_line(_: str, value: str) -> Fault | None:
    return next(iter(faults_abroad("DE", [value], "Mitte", "80331")), None)


@cache
def accepted(fault: Callable[[str, str], Fault | None]) -> list[str]:
    """Return every character of Unicode that may stand in such a text, between two letters.

    Question marks are left out: what an address asks with one of its own prints as one.
    """
    assigned = (chr(code) for code in range(sys.maxunicode + 1))
    return [
        character
        for character in assigned
        if unicodedata.category(character)[0] != "C"
        and "?" not in unicodedata.normalize("NFKC", character)
        and fault("", f"A{character}a") is None
    ]


def texts(fault: Callable[[str, str], Fault | None]) -> list[str]:
    """Return lines of them all, each between two letters: none is at an end or takes another's mark."""
    found = accepted(fault)
    return ["n".join(["", *found[at : at + AT_ONCE], ""]) for at in range(0, len(found), AT_ONCE)]


def run_together(text: str) -> str:
    return "".join(text.split())


@pytest.mark.parametrize("fault", [fault_of_name, fault_of_line])
def test_every_character_that_is_accepted_prints(fault: Callable[[str, str], Fault | None]) -> None:
    found = accepted(fault)
    assert len(found) > 1000
    assert [c for c in found if "?" in printable(f"A{c}a")] == []
    assert [c for c in found if printable(printable(f"A{c}a")) != printable(f"A{c}a")] == []


def test_every_letter_of_an_address_that_would_not_print_is_refused() -> None:
    codes = (chr(code) for code in range(sys.maxunicode + 1))
    letters = [c for c in codes if c.isalpha() and not printable(f"A{c}a")[1:-1].replace("?", "")]
    assert len(letters) > 100_000
    assert all(map(unprintable, letters))


@pytest.mark.parametrize("fault", [fault_of_name, fault_of_line])
def test_on_a_letter_each_of_them_can_be_read_in_every_slot(
    fault: Callable[[str, str], Fault | None], tmp_path: Path
) -> None:
    given = texts(fault)
    letters = [letter(n, name=text, address=(text, text, text)) for n, text in enumerate(given)]
    pages = laid_out(letter_typeset(letters), tmp_path)
    for text, page in zip(given, pages, strict=True):
        assert run_together(page).count(run_together(printable(text))) == 4
        assert page.count("?") == QUESTIONS["letter"]


@pytest.mark.parametrize("fault", [fault_of_name, fault_of_line])
def test_on_the_form_each_of_them_can_be_read_in_every_slot(
    fault: Callable[[str, str], Fault | None], tmp_path: Path
) -> None:
    for text in texts(fault):
        sent = form(surname=text, name=text, birth_place=text, residence=(text,))
        [page] = laid_out(form_typeset(sent), tmp_path)
        assert run_together(page).count(run_together(printable(text))) == 4
        assert page.count("?") == QUESTIONS["form"]


@pytest.mark.parametrize("apostrophe", APOSTROPHES)
def test_every_apostrophe_prints_as_the_curly_one(apostrophe: str) -> None:
    assert printable(f"D{apostrophe}Angelo") == "D’Angelo"


@pytest.mark.parametrize(
    ("written", "printed"),
    [
        ("Əliyev", "Əliyev"),
        ("Oʼktam", "O’ktam"),
        ("Ḥusayn Ṭāhā", "Husayn Tāhā"),
        ("Ɖeku Ɛsi Ɔbeng", "Deku Esi Obeng"),
        ("Ǆemal ǆurić", "DŽemal džurić"),
        ("Ἀλέξανδρος", "Αλέξανδρος"),
        ("Қайрат Өмірұлы", "Қайрат Өмірұлы"),
        ("Noe' Fabio", "Noe’ Fabio"),
    ],
)
def test_a_letter_without_a_glyph_is_its_plain_letter_or_its_first_latin_spelling(
    written: str, printed: str
) -> None:
    assert printable(written) == printed


def test_a_mailbox_is_printed_as_it_is_typed() -> None:
    pdf = form_typeset(form(contacts=(("email", "l'aquila@example.it"), ("pec", "anna@例え.jp"))))
    assert "l'aquila@example.it" in words(pdf)
    assert "anna@xn--r8jz45g.jp" in words(pdf)


def test_an_address_in_cyrillic_prints_in_cyrillic(tmp_path: Path) -> None:
    home = {"country": "UA", "lines": ["вул. Хрещатик 1"], "municipality": "Київ", "postal_code": "01001"}
    lines = address_lines("Оксана", "Шевченко", home)
    [page] = laid_out(letter_typeset([letter(address=lines, written_on=date(2026, 1, 1))]), tmp_path)
    assert all(line in page for line in ("Оксана Шевченко", "вул. Хрещатик 1", "01001 КИЇВ", "UCRAINA"))
