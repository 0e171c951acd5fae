"""Names of municipalities: in every official language, together or alone, and with whole letters."""

import re
from itertools import permutations

import pytest

from shared.italy.birthplaces import disagreements
from shared.italy.data.build import sound
from shared.italy.places import DATA, LONGEST_NAME, by_code, find, named
from shared.italy.residence import faults_in_italy

IN_LANGUAGES = [
    ("GO", "H845", ("San Floriano del Collio", "Števerjan")),
    ("GO", "E098", ("Gorizia", "Gorica", "Görz")),
    ("TS", "L424", ("Trieste", "Trst")),
    ("TS", "D383", ("Duino Aurisina", "Devin Nabrežina")),
    ("UD", "C758", ("Cividale del Friuli", "Čedad")),
    ("BZ", "H189", ("Rasun-Anterselva", "Rasen-Antholz")),
    ("BZ", "G140", ("Ortisei", "St. Ulrich", "Urtijëi")),
    ("BZ", "E938", ("Marebbe", "Enneberg", "Mareo")),
    ("BZ", "I591", ("Selva di Val Gardena", "Wolkenstein in Gröden", "Sëlva")),
    ("TN", "M390", ("San Giovanni di Fassa", "Sèn Jan di Fassa")),
    ("AO", "A326", ("Aosta", "Aoste")),
]


@pytest.mark.parametrize(("province", "code", "names"), IN_LANGUAGES)
def test_a_place_goes_by_its_names_in_every_official_language(
    province: str, code: str, names: tuple[str, ...]
) -> None:
    together = [
        joint.join(some)
        for count in range(2, len(names) + 1)
        for some in permutations(names, count)
        for joint in ("-", "/", " - ", " / ", " – ")
    ]
    for name in (*names, *together):
        assert code in [place.code for place in find(province, name)], name
        assert disagreements(code, province, name, 1980) == []


def test_a_residence_may_name_it_so_too() -> None:
    for name in ("Urtijëi", "Ortisei/St. Ulrich/Urtijëi", "St. Ulrich - Ortisei"):
        assert faults_in_italy("Via Rezia", "1", name, "BZ", "39046") == []


@pytest.mark.parametrize(
    "name", ["Roma-Milano", "Trieste/Gorica", "Roma/", "-Roma-Roma-Roma-Roma-Roma-Roma-Roma"]
)
def test_names_of_different_places_are_none_together(name: str) -> None:
    assert [
        place for province in ("RM", "MI", "TS", "GO") for place in find(province, name)
    ] == [] or name == "Roma/"


def test_a_web_address_in_brackets_is_no_part_of_a_name() -> None:
    assert named("Monza (MB)")
    assert named("Monza (ora prov. MB)")
    assert named("Monza (premi su www.premi.example)") == named("Monza (http://premi)") == ()


@pytest.mark.parametrize("joints", ["-" * 60, "/-" * 60, "Roma-" * 24, "a-b/" * 30])
def test_a_name_of_nothing_but_joints_is_answered(joints: str) -> None:
    assert named(joints[:LONGEST_NAME]) == ()


def test_no_name_of_the_register_has_broken_letters() -> None:
    """The build refuses them; and so does this, for what is committed."""
    municipalities = [place for place in by_code().values() if not place.code.startswith("Z")]
    assert all(sound(name) for place in municipalities for name in place.names)
    for file in ("states.tsv", "countries.tsv", "languages.tsv"):
        text = (DATA / file).read_text(encoding="utf-8")
        assert not re.search("[ÃÂÅÄ](?![A-Za-zÀ-ÿ])|[\ufffd?\xa0]", text), file
        assert all(line.isprintable() for line in text.replace("\t", " ").split("\n")), file


@pytest.mark.parametrize(
    "broken",
    [
        "San Floriano Del Collio-Å Teverjan",
        "Savogna-So?i",
        "ForlÃ¬",
        "Nabre�ina",
        "SoÄi",
        "Cant\xc3\xb9",
        "Devin\x9e",
    ],
)
def test_the_build_refuses_broken_letters(broken: str) -> None:
    with pytest.raises(ValueError, match="broken letters"):
        sound(broken)


@pytest.mark.parametrize(
    "whole", ["", "Forlì", "L'Aquila", "Gressoney-La-Trinité", "S. Giorgio", "Unterwöß", "Čedad"]
)
def test_the_build_takes_the_letters_of_all_official_languages(whole: str) -> None:
    assert sound(whole) == whole
