"""What can be printed, and what becomes of the rest."""

import unicodedata

import pytest

from services.notifier.channels.letter.typeset import _press
from shared.documents.characters import alphabet, printable


def test_every_character_that_counts_as_printable_is_in_the_type() -> None:
    face = _press()._template.faces["IBMPlexSans-Regular"]
    assert [unicodedata.name(character) for character in alphabet() if character not in face.codes] == []


@pytest.mark.parametrize("language", ["it", "de"])
def test_the_bold_type_has_what_dates_and_codes_need(language: str) -> None:
    face = _press()._template.faces["IBMPlexSans-SemiBold"]
    assert set("0123456789/. ABCDEFGHIJKLMNOPQRSTUVWXYZ") <= face.codes.keys(), language


@pytest.mark.parametrize(
    ("written", "printed"),
    [
        ("  a \t\n b ", "a b"),
        ("ﬁ", "fi"),
        ("Ａ", "A"),
        ("e\u0301", "é"),
        ("x\u0323", "x"),
        ("\u200b\u2028", ""),
        ("漢", "?"),
    ],
)
def test_what_the_type_lacks_becomes_its_nearest(written: str, printed: str) -> None:
    assert printable(written) == printed
