"""Birthplaces: the years of places, homonyms, provinces that have ceased, ways to write a name."""

import pytest

from shared.italy.birthplaces import belfiore, disagreements, faults_of_birthplace
from shared.italy.countries import COUNTRIES
from shared.italy.places import by_code, find, provinces


def codes(province: str, place: str, year: int | None = None) -> list[str]:
    return [fault.code for fault in faults_of_birthplace(province, place, year)]


HOMONYMS = [
    ("Samone", "TN", "H754"), ("Samone", "TO", "H753"), ("Livo", "CO", "E623"), ("Livo", "TN", "E624"),
    ("Calliano", "AT", "B418"), ("Calliano", "TN", "B419"), ("Castro", "BG", "C337"),
    ("Castro", "LE", "M261"),
    ("Peglio", "CO", "G415"), ("Peglio", "PU", "G416"), ("San Teodoro", "ME", "I328"),
    ("San Teodoro", "SS", "I329"), ("Valverde", "CT", "L658"), ("Valverde", "PV", "L659"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "province", "code"), HOMONYMS)
def test_homonyms_are_told_apart_by_province(name: str, province: str, code: str) -> None:
    assert [place.code for place in find(province, name)] == [code]
    assert disagreements(code, province, name, 1980) == []


@pytest.mark.parametrize(("name", "province", "code"), HOMONYMS)
def test_the_code_of_a_homonym_disagrees_in_the_province(name: str, province: str, code: str) -> None:
    [other] = [c for n, p, c in HOMONYMS if n == name and p != province]
    assert [f.field for f in disagreements(other, province, name, 1980)] == ["birth_province"], code


@pytest.mark.parametrize(
    ("province", "place", "year", "expected"),
    [
        ("FU", "Fiume", 1935, []),
        ("FU", "Fiume", 1947, []),
        ("FU", "Fiume", 1948, ["did_not_exist"]),
        ("PL", "Pola", 1930, []),
        ("ZA", "Zara", 1946, []),
        ("CS", "Corigliano Calabro", 2018, []),
        ("CS", "Corigliano Calabro", 2019, ["did_not_exist"]),
        ("TO", "Mappano", 2018, []),
        ("TO", "Mappano", 1990, ["did_not_exist"]),
        ("EE", "Jugoslavia", 1980, []),
        ("EE", "Jugoslavia", 2010, ["did_not_exist"]),
        ("EE", "URSS", 1991, []),
        ("EE", "URSS", 1995, ["did_not_exist"]),
        ("EE", "Cecoslovacchia", 1994, ["did_not_exist"]),
        ("EE", "Repubblica Democratica Tedesca", 1991, ["did_not_exist"]),
    ],
)
def test_a_place_has_its_years(province: str, place: str, year: int, expected: list[str]) -> None:
    assert codes(province, place, year) == expected


def test_the_code_of_a_place_that_had_ceased_before_the_birth_is_refused_under_another_name() -> None:
    assert [f.code for f in disagreements("D620", "EE", "Jugoslavia", 1990)] == ["did_not_exist"]
    assert [f.code for f in disagreements("D005", "CS", "Corigliano-Rossano", 2020)] == ["did_not_exist"]
    assert [f.code for f in disagreements("Z135", "EE", "Ucraina", 2000)] == ["did_not_exist"]


@pytest.mark.parametrize(
    ("code", "province", "place", "year"),
    [
        ("D620", "FU", "Fiume", 1951),
        ("M149", "ZA", "Zara", 1955),
        ("D877", "RC", "Gallico", 1931),
        ("D005", "CS", "CORIGLIANO CALABRO", 2020),
        ("Z135", "EE", "Unione Sovietica", 1996),
        ("H892", "NA", "S.Giorgio a Crem.", 1700),
    ],
)
def test_no_date_is_held_against_the_very_place_in_the_code(
    code: str, province: str, place: str, year: int
) -> None:
    """Registries kept the old name and its code for years, and gave codes to places that were long gone."""
    assert disagreements(code, province, place, year) == []


def test_the_very_place_has_its_province_all_the_same() -> None:
    assert [f.field for f in disagreements("D877", "MI", "Gallico", 1931)] == ["birth_province"]


def test_the_code_of_no_place_at_all_is_refused() -> None:
    assert [f.code for f in disagreements("A000", "RM", "Roma", 1980)] == ["unknown_in_codice_fiscale"]


@pytest.mark.parametrize(
    ("code", "province", "place", "year"),
    [
        ("F704", "MI", "Monza", 1960),
        ("F704", "MB", "Monza", 1960),
        ("E648", "MI", "Lodi", 1970),
        ("D122", "CZ", "Crotone", 1970),
        ("D122", "KR", "Crotone", 1970),
        ("G416", "PS", "Peglio", 1970),
        ("D704", "FO", "Forlì", 1970),
        ("D704", "FC", "Forlì", 1970),
        ("G015", "OT", "Olbia", 1980),
        ("A952", "TN", "Bolzano", 1925),
        ("D005", "CS", "Corigliano-Rossano", 1970),
        ("M403", "CS", "Corigliano Calabro", 1970),
        ("H501", "RM", "Fiumicino", 1980),
        ("Z118", "FU", "Fiume", 1940),
        ("D620", "EE", "Jugoslavia", 1940),
        ("Z118", "EE", "Croazia", 1970),
        ("Z149", "EE", "Jugoslavia", 1970),
        ("Z135", "EE", "Ucraina", 1975),
        ("Z138", "EE", "Unione Sovietica", 1975),
        ("Z136", "EE", "Georgia", 1975),
        ("Z254", "EE", "Georgia", 1975),
        ("Z111", "EE", "Germania", 1970),
    ],
)
def test_nobody_is_refused_for_what_became_of_the_birthplace(
    code: str, province: str, place: str, year: int
) -> None:
    """Provinces, names and states of before, and of after, all go with a code."""
    assert disagreements(code, province, place, year) == []


@pytest.mark.parametrize("pair", [("Z149", "Serbia"), ("Z138", "Russia"), ("Z155", "Repubblica Ceca")])
def test_states_that_came_from_one_are_not_each_other(pair: tuple[str, str]) -> None:
    code, place = pair
    assert [f.field for f in disagreements(code, "EE", place, 1970)] == ["birth_place"]


@pytest.mark.parametrize(
    ("code", "province", "written"),
    [
        ("A952", "BZ", "Bolzano"),
        ("A952", "BZ", "Bozen"),
        ("A952", "BZ", "Bolzano - Bozen"),
        ("A952", "BZ", "BOLZANO/BOZEN"),
        ("A952", "BZ", "Bozen (Bolzano)"),
        ("G140", "BZ", "Sankt Ulrich"),
        ("H223", "RE", "Reggio Emilia"),
        ("H223", "RE", "REGGIO NELL’EMILIA"),
        ("H224", "RC", "Reggio Calabria"),
        ("A345", "AQ", "L' Aquila"),
        ("A345", "AQ", "Aquila"),
        ("D704", "FC", "Forli'"),
        ("H892", "NA", "S. Giorgio a Cremano"),
        ("H892", "NA", "S.Giorgio a Crem."),
        ("I138", "IM", "San Remo"),
        ("I138", "IM", "Sanremo"),
        ("A326", "AO", "Aoste"),
        ("F704", "MB", "Monza (MB)"),
        ("E320", "FE", "jolanda di savoia"),
        ("M403", "CS", "Corigliano Rossano"),
    ],
)
def test_names_are_known_however_they_are_written(code: str, province: str, written: str) -> None:
    assert code in [place.code for place in find(province, written)]
    assert disagreements(code, province, written, 2020) == []


@pytest.mark.parametrize(
    ("code", "written"),
    [
        ("Z404", "U.S.A."), ("Z404", "Stati Uniti"), ("Z404", "United States"), ("Z112", "Deutschland"),
        ("Z110", "FRANCE"), ("Z210", "Cina"), ("Z210", "Repubblica Popolare Cinese"), ("Z129", "România"),
        ("Z114", "Inghilterra"), ("Z133", "Schweiz"), ("Z148", "Macedonia"), ("Z611", "Peru'"),
        ("Z313", "Côte d’Ivoire"), ("Z153", "Bosnia ed Erzegovina"), ("Z236", "pakistan"),
        ("Z106", "Vaticano"),
    ],
)  # fmt: skip
def test_states_are_known_in_the_languages_of_those_born_there(code: str, written: str) -> None:
    assert codes("EE", written, 1980) == []
    assert disagreements(code, "EE", written, 1980) == []


@pytest.mark.parametrize(
    ("province", "place", "expected"),
    [
        ("XX", "Roma", [("birth_province", "unknown_province")]),
        ("XX", "Narnia", [("birth_province", "unknown_province"), ("birth_place", "unknown_place")]),
        ("MI", "Narnia", [("birth_place", "unknown_place")]),
        ("MI", "Roma", [("birth_place", "not_in_province")]),
        ("EE", "Roma", [("birth_place", "unknown_place")]),
        ("RM", "Francia", [("birth_place", "unknown_place")]),
        ("EE", "", [("birth_place", "unknown_place")]),
        ("RM", "", [("birth_place", "unknown_place")]),
        ("RM", "...", [("birth_place", "unknown_place")]),
        ("RM", "R.", [("birth_place", "unknown_place")]),
        ("RM", "Roma" * 50_000, [("birth_place", "unknown_place")]),
    ],
)
def test_a_birthplace_alone_is_judged_too(province: str, place: str, expected: list[tuple[str, str]]) -> None:
    assert [(f.field, f.code) for f in faults_of_birthplace(province, place)] == expected


def test_birth_abroad_and_birth_at_home_disagree() -> None:
    assert [f.field for f in disagreements("H501", "EE", "Francia", 1980)] == [
        "birth_province",
        "birth_place",
    ]
    assert [f.field for f in disagreements("Z110", "RM", "Roma", 1980)] == ["birth_province", "birth_place"]


def test_the_register_is_whole() -> None:
    """Present municipalities, those of the past, all states, and the provinces that have ceased."""
    municipalities = [place for place in by_code().values() if not place.code.startswith("Z")]
    assert len(municipalities) > 9_800
    assert 7_890 <= sum(place.last == 9999 for place in municipalities) <= 7_910
    assert len(by_code()) - len(municipalities) > 250
    assert {"FU", "PL", "ZA", "PS", "FO", "OT", "CI", "VS", "OG", "SU", "MB"} <= provinces()


def test_every_heir_is_a_place() -> None:
    assert all(heir in by_code() for place in by_code().values() for heir in place.heirs)


def test_every_place_is_found_by_each_of_its_names_in_each_of_its_provinces() -> None:
    sample = list(by_code().values())[::37]
    assert all(p in find(province, name) for p in sample for name in p.names for province in p.provinces)


def test_the_code_of_a_birth_is_that_of_its_year() -> None:
    assert belfiore("CS", "Corigliano Calabro", 1970) == "D005"
    assert belfiore("CS", "Corigliano-Rossano", 2020) == "M403"
    assert belfiore("CS", "Corigliano-Rossano", 1970) is None
    assert belfiore("EE", "Georgia", 1980) == "Z254"


# The one country that is not abroad, and the one that is nobody's.
NO_BIRTH_STATES = {"IT", "AQ"}


@pytest.mark.parametrize("country", sorted(COUNTRIES.keys() - NO_BIRTH_STATES))
def test_every_country_that_letters_name_is_known_as_a_birth_state(country: str) -> None:
    """Whoever copies the name from a letter of ours is understood."""
    found = find("EE", COUNTRIES[country])
    assert found
    assert all(disagreements(place.code, "EE", COUNTRIES[country], 1980) == [] for place in found)


@pytest.mark.parametrize(
    ("code", "names"),
    [
        ("Z307", ("Capo Verde", "Cabo Verde", "Repubblica di Capo Verde")),
        ("Z108", ("Isole Faroe", "Isole Fær Øer", "Färöer")),
        ("Z518", ("Portorico", "Porto Rico", "Puerto Rico")),
        ("Z735", ("Micronesia", "Stati Federati di Micronesia")),
        ("Z601", ("Bolivia", "Stato Plurinazionale di Bolivia")),
        ("Z115", ("Grecia", "Repubblica ellenica", "Griechenland")),
        ("Z514", ("Messico", "Stati Uniti Messicani")),
        ("Z120", ("Lussemburgo", "Granducato di Lussemburgo", "Luxemburg")),
        ("Z131", ("Regno di Spagna",)),
        ("Z123", ("Principato di Monaco",)),
        ("Z209", ("Repubblica democratica socialista dello Sri Lanka",)),
        ("Z220", ("Regno hascemita di Giordania",)),
        ("Z613", ("Repubblica Orientale dell'Uruguay",)),
        ("Z155", ("Repubblica slovacca", "Slovakia")),
        ("Z213", ("Repubblica di Corea", "Corea del Sud")),
        ("Z214", ("Repubblica popolare democratica di Corea", "Corea del Nord")),
        ("Z311", ("Repubblica del Congo",)),
        ("Z312", ("Repubblica democratica del Congo",)),
        ("Z133", ("Confederazione Svizzera", "Svizzera/Schweiz/Suisse")),
        ("Z349", ("Regno di Eswatini", "Swaziland")),
        ("Z118", ("Repubblica Socialista Federale di Jugoslavia", "Jugoslavia", "Croazia")),
    ],
)
def test_a_state_goes_by_its_short_and_its_long_form(code: str, names: tuple[str, ...]) -> None:
    assert [name for name in names if disagreements(code, "EE", name, 1980)] == []


@pytest.mark.parametrize(
    ("code", "other"),
    [
        ("Z214", "Corea del Sud"),
        ("Z311", "Repubblica democratica del Congo"),
        ("Z526", "Repubblica Dominicana"),
        ("Z319", "Guinea-Bissau"),
        ("Z726", "Samoa Americane"),
        ("Z334", "Nigeria"),
        ("Z217", "Repubblica Popolare Cinese"),
    ],
)
def test_states_of_like_names_are_told_apart(code: str, other: str) -> None:
    assert [f.field for f in disagreements(code, "EE", other, 1980)] == ["birth_place"]
