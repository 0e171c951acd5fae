"""The application for the PIN dispositivo (R23, R24, R33)."""

from datetime import date
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from services.dispositivo.application import Form
from services.dispositivo.form import typeset
from tests.unit.documents.page import faxed_symbols, laid_out, marks, sizes_of, symbols, words

HOSTILE = r"#let *x* _y_ $z$ \ @q <l> {} ) Tj"
KINDS = pytest.mark.parametrize(
    ("language", "submission"), list(product(["it", "de"], ["online", "fax", "branch"]))
)


def form(**changed: object) -> Form:
    fields: dict[str, Any] = {
        "request_id": "7b0c3c1e-52a4-4c39-9a43-0f5f3c1b2a10",
        "language": "it",
        "codice_fiscale": "RSSMRA80A01H501U",
        "surname": "Rossi",
        "name": "Mario",
        "birth_date": date(1980, 1, 1),
        "birth_place": "Roma",
        "birth_province": "RM",
        "sex": "M",
        "residence": ("Via Giuseppe Garibaldi 12", "00184 ROMA RM"),
        "contacts": (("mobile", "+393471234567"), ("email", "mario.rossi@example.it")),
        "requested_on": date(2026, 11, 22),
        "submission": "fax",
    }
    return Form(**(fields | changed))


@KINDS
def test_the_form_is_one_page_with_the_citizens_data_filled_in(
    language: str, submission: str, tmp_path: Path
) -> None:
    sent = form(language=language, submission=submission)
    [page] = laid_out(typeset(sent), tmp_path)
    filled = (sent.request_id, sent.codice_fiscale, "Rossi", "Mario", "1980", "Garibaldi 12, 00184 ROMA RM")
    assert all(text in page for text in (*filled, "+393471234567", "mario.rossi@example.it"))


@KINDS
def test_the_way_chosen_is_marked_and_the_others_are_explained_too(language: str, submission: str) -> None:
    text = words(typeset(form(language=language, submission=submission)))
    assert text.count({"it": "Scelto", "de": "Gewählt"}[language]) == 1
    assert "800.803.164" in text
    assert "Converti\N{NO-BREAK SPACE}PIN" in text


@pytest.mark.parametrize("dots", [100, 200, 300])
def test_a_scan_of_the_form_can_be_matched_with_its_request(dots: int, tmp_path: Path) -> None:
    sent = form()
    assert symbols(typeset(sent), tmp_path, dots, dots) == [sent.request_id]


@KINDS
@pytest.mark.parametrize("down", [98, 196])
def test_a_fax_of_the_form_can_be_matched_with_its_request(
    language: str, submission: str, down: int, tmp_path: Path
) -> None:
    sent = form(language=language, submission=submission)
    assert faxed_symbols(typeset(sent), tmp_path, down) == [sent.request_id]


@KINDS
def test_the_form_bears_the_marks_of_pdf_a_2b_and_pdf_ua_1(language: str, submission: str) -> None:
    assert marks(typeset(form(language=language, submission=submission))) == []


def test_the_same_form_gives_the_same_bytes() -> None:
    assert typeset(form()) == typeset(form())


def test_a_long_residence_takes_two_lines_of_8_point(tmp_path: Path) -> None:
    lines = tuple(f"{n} avenue de la Révolution et de la Réconciliation nationale" for n in range(4))
    pdf = typeset(form(residence=(*lines, "1234567890 Mbanza-Ngungu", "REPUBBLICA DEMOCRATICA DEL CONGO")))
    [page] = laid_out(pdf, tmp_path)
    [first] = [line.strip() for line in page.splitlines() if line.strip().startswith("0 avenue")]
    [last] = [line.strip() for line in page.splitlines() if line.strip().endswith("DEL CONGO")]
    assert first != last
    assert min(sizes_of(pdf, (first, last))) >= 8


def test_markup_and_long_names_are_printed_as_they_are() -> None:
    text = words(typeset(form(surname=HOSTILE, name="W" * 100)))
    assert HOSTILE in text
    assert "W" * 100 in text
