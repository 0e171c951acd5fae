"""Names: real people are not refused, and each gives the letters of its codice fiscale."""

import pytest

from shared.italy.names import (
    are_of_name,
    are_of_surname,
    fault_of_name,
    full_name,
    greeted,
    letters_of_name,
    letters_of_surname,
    missing,
)

SURNAMES = [
    ("Rossi", "RSS"), ("Fo", "FOX"), ("Re", "REX"), ("O", "OXX"), ("Ng", "NGX"), ("Wu", "WUX"),
    ("Aiello", "LLA"),
    ("D'Angelo", "DNG"), ("D’Amico", "DMC"), ("D`Alessandro", "DLS"), ("Dall'Ò", "DLL"),
    ("Degl'Innocenti", "DGL"),
    ("De' Medici", "DMD"), ("Nicolo'", "NCL"), ("Cantù", "CNT"), ("De Luca", "DLC"), ("della Valle", "DLL"),
    ("Lo Presti", "LPR"), ("von Elzenbaum", "VNL"), ("van den Berg", "VND"), ("da Silva e Souza", "DSL"),
    ("Rossi Bianchi", "RSS"), ("Rossi-Bianchi", "RSS"), ("García Márquez", "GRC"), ("Müller", "MLL"),
    ("Öö", "OOX"), ("Öö", "OEO"), ("Weiß", "WSS"), ("Weiß", "WSE"), ("Größl", "GRS"), ("Øie", "OIE"),
    ("Øie", "OEI"), ("Æbelø", "BLA"), ("Ærø", "RAE"), ("Ærø", "REO"), ("Łoś", "LSO"), ("Đorđević", "DRD"),
    ("Đorđević", "DJR"), ("Þórsson", "THR"), ("Åkesson", "KSS"), ("Şahin", "SHN"), ("İnönü", "NNI"),
    ("Işık", "SKI"), ("Nguyễn", "NGY"), ("Țîrlea", "TRL"), ("Ţîrlea", "TRL"), ("Hrnjić", "HRN"),
    ("Ba", "BAX"),
    ("N'Diaye", "NDY"), ("Петрова", "PTR"), ("Шевченко", "SHV"), ("Юй", "YUI"), ("Παπαδόπουλος", "PPD"),
    ("Χατζής", "CHT"), ("Χατζής", "HTZ"), ("El-Khoury", "LKH"), ("Mc Donald", "MCD"),
    ("Castells i Vila·lta", "CST"), ("St. John", "STJ"), ("ʻAlohi", "LHA"), ("X", "XXX"),
]  # fmt: skip
NAMES = [
    ("Mario", "MRA"), ("Gianluca", "GLC"), ("Gian Luca", "GLC"), ("Anna", "NNA"), ("Ada", "DAA"),
    ("Ugo", "GUO"),
    ("Io", "IOX"), ("Ng", "NGX"), ("Maria Teresa", "MTR"), ("Maria Teresa", "MRA"), ("Maria, Teresa", "MRA"),
    ("Niccolò", "NCL"), ("José Ángel", "JNG"), ("Jürgen", "JGN"), ("Zoë", "ZOE"), ("Björn", "BRN"),
    ("Олександр", "LSN"), ("Γιώργος", "GGS"), ("Ömer", "MRO"), ("Mª José", "MJS"),
    ("Ana-Maria", "NMR"), ("Xu", "XUX"), ("A", "AXX"),
]  # fmt: skip


@pytest.mark.parametrize(("surname", "letters"), SURNAMES)
def test_surnames_are_accepted_and_give_their_letters(surname: str, letters: str) -> None:
    assert fault_of_name("surname", surname) is None
    assert letters in letters_of_surname(surname)


@pytest.mark.parametrize(("name", "letters"), NAMES)
def test_names_are_accepted_and_give_their_letters(name: str, letters: str) -> None:
    assert fault_of_name("name", name) is None
    assert letters in letters_of_name(name)


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("", "empty"), (" ", "empty"), ("'", "empty"), ("--", "empty"), ("Mar1o", "digit"),
        ("Mario²", "digit"),
        ("Mario\n", "control_character"), ("Mar\x00io", "control_character"),
        ("Mar\u200bio", "control_character"),
        ("Mar\u202eio", "control_character"), ("M" * 101, "too_long"), ("Mario!", "invalid_character"),
        ("Mario <b>", "invalid_character"), ("Mario 😀", "invalid_character"), ("王", "unsupported_script"),
        ("محمد", "unsupported_script"),
    ],
)  # fmt: skip
def test_what_is_no_name_is_refused(value: str, code: str) -> None:
    fault = fault_of_name("name", value)
    assert fault is not None
    assert (fault.field, fault.code) == ("name", code)


def test_a_hundred_characters_are_not_too_many() -> None:
    assert fault_of_name("name", "M" * 100) is None


def test_a_name_with_very_many_spellings_is_answered_all_the_same() -> None:
    assert len(letters_of_surname("ÄÖÜ" * 33)) <= 64


def test_letters_and_marks_apart_are_the_letters_with_their_marks() -> None:
    assert letters_of_surname("Mu\u0308ller") == letters_of_surname("Müller")
    assert fault_of_name("surname", "Mu\u0308ller") is None


@pytest.mark.parametrize(
    ("surname", "letters"),
    [
        ("Cantù", ("CNT",)), ("Alì", ("LAI", "LAX")), ("Ibañez", ("BNZ", "BNN", "BZI")),
        ("Şen", ("SNE", "NEX")),
        ("Łoś", ("LSO", "OXX")), ("Weiß", ("WSS", "WSE")), ("Μίλος", ("MLS",)), ("Öé", ("OEX", "OEE")),
    ],
)  # fmt: skip
def test_the_spelling_of_old_codes_comes_last_and_leaves_marked_letters_out(
    surname: str, letters: tuple[str, ...]
) -> None:
    """ß carries no mark; Greek and Cyrillic letters, and a name of nothing but marked ones, stay whole."""
    assert letters_of_surname(surname) == letters


def test_old_codes_never_leave_a_plain_letter_out() -> None:
    assert letters_of_surname("Alu") == ("LAU",)
    assert "LUX" not in letters_of_surname("Alù")


def test_the_old_spelling_of_given_names_comes_after_that_of_each_of_them() -> None:
    assert letters_of_name("Noè Niño") == ("NNN", "NOE", "NNO", "NOX")


def test_marks_that_no_character_holds_are_left_out_with_their_letter() -> None:
    assert letters_of_surname("Ax\u030cel")[-1] == "LAE"


@pytest.mark.parametrize(
    "name",
    [
        "G. Battista", "G.Battista", "M.TERESA", "Gio.Batta", "St.John", "S.D'Ambrosio", "J.R.R.", "Ma.Luz",
        "Carla C.", "Anna,Lucia", "Anna,Jo", "Gal·la", "Vila·lta", "Rossi .", "Dott. Bruno",
    ],
)  # fmt: skip
def test_points_end_words_and_short_ones_without_a_space(name: str) -> None:
    assert fault_of_name("name", name) is None


@pytest.mark.parametrize(
    "name",
    [
        "Bruno ritira su www.premi.example", "premi.example", "vinci.it", "t.me", "BIT.LY", "x.com", "bit,ly",
        "premi,com", "bit·ly", "poste-online.tokyo", "d'oro.it", "a.b.premi.it", "Bruno http premi",
        "WWW premi it", "M.Teresa.it", "Hwww", "Bruno.Verdi",
    ],
)  # fmt: skip
def test_a_name_is_no_bait(name: str) -> None:
    """It goes out under the institute's letterhead, and phones make a link of what looks like one."""
    fault = fault_of_name("name", name)
    assert fault is not None
    assert fault.code == "web_address"


@pytest.mark.parametrize(
    "name",
    ["https://premi.example", "bruno@premi.example", "premi。example", "premi．example", "premi｡example",
     "premi․example", "premi‧example", "premiꞏexample", "premi.example/2", "ԝԝԝ.premi.it"],
)  # fmt: skip
def test_nor_is_one_with_the_signs_of_an_address(name: str) -> None:
    assert fault_of_name("name", name) is not None


@pytest.mark.parametrize("hyphen", ["-", "‐", "‑", "–"])
def test_a_hyphen_stands_for_the_name_that_a_person_does_not_have(hyphen: str) -> None:
    assert fault_of_name("name", hyphen) is None
    assert missing(hyphen)
    assert letters_of_name(hyphen) == letters_of_surname(hyphen) == ("XXX",)


@pytest.mark.parametrize(
    ("name", "surname", "whole"),
    [("Anna", "Bruni", "Anna Bruni"), ("-", "Kaur", "Kaur"), ("Kaur", "-", "Kaur"), ("-", "-", "")],
)
def test_a_full_name_leaves_out_what_a_person_does_not_have(name: str, surname: str, whole: str) -> None:
    assert full_name(name, surname) == greeted(name, surname) == whole


def test_a_greeting_is_cut_at_the_end_of_a_word() -> None:
    long = "Maria Immacolata Concetta"
    assert greeted(long, "Della Rovere-Oberkofler von Elzenbaum") == f"{long} Della Rovere-Oberkofler von"
    assert greeted("A" * 30, "B" * 29) == f"{'A' * 30} {'B' * 29}"
    assert greeted("A" * 90, "B") == "A" * 60


@pytest.mark.parametrize("name", ["Müller", "Alù Noè", "Weiß", "Rossi", "Maria, Teresa", "-", "Μίλος"])
def test_what_is_asked_for_is_what_is_listed(name: str) -> None:
    """The question stops at the first spelling that fits; the list has them all."""
    for letters in letters_of_surname(name):
        assert are_of_surname(letters, name)
    for letters in letters_of_name(name):
        assert are_of_name(letters, name)
    assert not are_of_surname("QQQ", name)
    assert not are_of_name("QQQ", name)
