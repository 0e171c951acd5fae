"""Letters and forms for all: tagged, in the order of reading, in the right language (PDF/UA-1)."""

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from services.dispositivo.form import typeset as form_typeset
from services.notifier.channels.letter import typeset as letter_typeset
from tests.unit.documents.page import structure_told
from tests.unit.documents.spoken import heard, unowned
from tests.unit.documents.test_form import KINDS, form
from tests.unit.documents.test_letter import HOME, LANGUAGES, Language, letter


def a_letter(language: str) -> bytes:
    return letter_typeset([letter(language=language)])


def a_form(language: str) -> bytes:
    return form_typeset(form(language=language))


BOTH = pytest.mark.parametrize("typeset", [a_letter, a_form])


@BOTH
@LANGUAGES
def test_every_mark_on_the_page_is_read_once_or_is_decoration(
    typeset: Callable[[str], bytes], language: str
) -> None:
    pdf = typeset(language)
    contents = [element.content for element in heard(pdf) if element.content is not None]
    assert contents == list(range(len(contents)))
    assert unowned(pdf) == []


@BOTH
@LANGUAGES
def test_there_is_one_title_and_no_heading_skips_a_level(
    typeset: Callable[[str], bytes], language: str
) -> None:
    headings = [
        int(element.tag[1]) for element in heard(typeset(language)) if element.tag in {"H1", "H2", "H3"}
    ]
    assert headings[0] == 1
    assert headings.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(headings))


@BOTH
@LANGUAGES
def test_the_symbol_is_a_picture_with_words_in_its_place(
    typeset: Callable[[str], bytes], language: str
) -> None:
    [figure] = [element for element in heard(typeset(language)) if element.tag == "Figure"]
    assert {"it": "Codice Data Matrix", "de": "Data-Matrix-Code"}[language] in figure.alternative


@BOTH
@LANGUAGES
def test_all_that_is_read_is_in_the_language_of_the_page(
    typeset: Callable[[str], bytes], language: str
) -> None:
    assert {e.language for e in heard(typeset(language)) if e.content is not None} == {language}


def test_letters_of_two_languages_are_sections_of_one_document() -> None:
    languages = ["it", "de", "de", "it"]
    pdf = letter_typeset([letter(n, language=language) for n, language in enumerate(languages)])
    elements = heard(pdf)
    assert [(e.tag, e.depth) for e in elements[:1]] == [("Document", 0)]
    assert [e.language for e in elements if e.tag == "Sect"] == languages
    assert {e.page for e in elements if e.content is not None} == {0, 1, 2, 3}
    assert unowned(pdf) == []


def test_the_steps_are_a_list_of_three() -> None:
    tags = [element.tag for element in heard(a_letter("it"))]
    assert tags[tags.index("L") :][:10] == ["L", *["LI", "Lbl", "LBody"] * 3]


@LANGUAGES
def test_a_reader_hears_the_letter_in_the_order_in_which_it_is_read(
    language: Language, tmp_path: Path
) -> None:
    sent = letter(language=language)
    told = structure_told(letter_typeset([sent]), tmp_path)
    until = {"it": "21/01/2027", "de": "21.01.2027"}[language]
    places = [
        told.index(words) for words in (" ".join(HOME), "Mario Rossi,", "SMS", " ".join(sent.half), until)
    ]
    assert places == sorted(places)


@KINDS
def test_a_reader_hears_each_value_of_the_form_after_its_name(
    language: str, submission: str, tmp_path: Path
) -> None:
    sent = form(language=language, submission=submission, surname="Bianchi", name="Anna")
    told = structure_told(form_typeset(sent), tmp_path)
    surname, name, chosen = {
        "it": ("Cognome", "Nome", "Scelto"),
        "de": ("Nachname", "Vorname", "Gewählt"),
    }[language]
    assert f'"{surname}" P "Bianchi" P "{name}" P "Anna"' in told
    way = {
        "online": "Online",
        "fax": "Fax",
        "branch": {"it": "In sede", "de": "In der Außenstelle"}[language],
    }
    assert f'H3 "{way[submission]}" P "{chosen}"' in told
