"""What real citizens bring, as whole requests: each kind, and beside it what must stay refused."""

from datetime import date

import pytest

from shared.contract.message import read
from shared.errors import InvalidMessageError
from shared.italy.codice_fiscale import check_character, check_digit
from tests.unit.contract.building import Change, changed, put

PROVISIONAL = "0123456789" + check_digit("0123456789")
WOMAN_OF_ROME = "85C52H501"
BORN = date(1985, 3, 12)


def codice_fiscale(letters: str, rest: str = WOMAN_OF_ROME) -> str:
    return letters + rest + check_character(letters + rest)


def of(
    surname: str, name: str, code: str, place: tuple[str, str] = ("RM", "Roma"), born: date = BORN
) -> list[Change]:
    """Return the changes that make the good example the request of another woman."""
    province, municipality = place
    return [
        put("codice_fiscale", code),
        put("surname", surname),
        put("name", name),
        put("birth_date", born.isoformat()),
        put("sex", "F"),
        put("birth_province", province),
        put("birth_place", municipality),
    ]


def refused(*changes: Change) -> dict[str, str]:
    """Return field and code of each fault, nothing where the request is accepted."""
    try:
        read("pin.request", changed("pin.request", *changes))
    except InvalidMessageError as invalid:
        return {fault.field: fault.code for fault in invalid.faults}
    return {}


@pytest.mark.parametrize(
    ("surname", "letters"),
    [("Alì", "LAI"), ("Alì", "LAX"), ("Ñez", "NZE"), ("Ñez", "ZEX"), ("Göçer", "GCR"), ("Göçer", "GRE")],
)
def test_an_old_code_leaves_letters_with_a_diacritic_out(surname: str, letters: str) -> None:
    assert refused(*of(surname, "Ada", codice_fiscale(letters + "DAA"))) == {}


@pytest.mark.parametrize("letters", ["LIX", "CLX", "ALI"])
def test_no_code_leaves_a_plain_letter_out(letters: str) -> None:
    told = refused(*of("Calì", "Ada", codice_fiscale(letters + "DAA")))
    assert told == {"surname": "disagrees_with_codice_fiscale"}


def test_who_has_one_name_only_has_a_hyphen_for_the_other() -> None:
    assert refused(*of("Kaur", "-", codice_fiscale("KRAXXX"))) == {}
    assert refused(*of("-", "Devi", codice_fiscale("XXXDVE"))) == {}
    assert refused(*of("Kaur", "-", PROVISIONAL)) == {}


def test_a_hyphen_stands_for_no_name_that_the_code_has() -> None:
    told = refused(*of("Kaur", "-", codice_fiscale("KRADVE")))
    assert told == {"name": "disagrees_with_codice_fiscale"}


@pytest.mark.parametrize("code", [codice_fiscale("XXXXXX"), PROVISIONAL])
def test_nobody_has_neither_name_nor_surname(code: str) -> None:
    assert refused(*of("-", "-", code)) == {"surname": "empty", "name": "empty"}


@pytest.mark.parametrize(
    ("belfiore", "place", "year"),
    [("D877", ("RC", "Gallico"), 1938), ("M149", ("ZA", "Zara"), 1949), ("D620", ("FU", "Fiume"), 1952)],
)
def test_no_date_speaks_against_the_place_that_the_code_has(
    belfiore: str, place: tuple[str, str], year: int
) -> None:
    code = codice_fiscale("BRNDAA", f"{year % 100}C52{belfiore}")
    assert refused(*of("Bruni", "Ada", code, place, date(year, 3, 12))) == {}


@pytest.mark.parametrize(
    ("belfiore", "province", "place"),
    [
        ("H845", "GO", "Števerjan/San Floriano del Collio"),
        ("G140", "BZ", "Ortisei - St. Ulrich - Urtijëi"),
        ("L424", "TS", "Trst"),
        ("A326", "AO", "Aoste-Aosta"),
        ("Z307", "EE", "Cabo Verde"),
        ("Z108", "EE", "Isole Faroe"),
        ("Z240", "EE", "Repubblica araba siriana"),
        ("Z126", "EE", "Regno dei Paesi Bassi"),
    ],
)
def test_a_birthplace_goes_by_every_official_name(belfiore: str, province: str, place: str) -> None:
    code = codice_fiscale("BRNDAA", f"85C52{belfiore}")
    assert refused(*of("Bruni", "Ada", code, (province, place))) == {}


def test_a_residence_goes_by_every_official_name() -> None:
    home = {"country": "IT", "street": "Via Rezia", "number": "1", "province": "BZ", "postal_code": "39046"}
    for municipality in ("Urtijëi", "Ortisei/St. Ulrich", "St. Ulrich in Gröden - Urtijëi"):
        assert refused(put("residence", {**home, "municipality": municipality})) == {}


@pytest.mark.parametrize("bait", ["Ada ritira su www.premi.example", "premi.it", "http premi", "t.me"])
@pytest.mark.parametrize("field", ["surname", "name"])
def test_no_name_is_a_bait_even_where_no_code_contradicts_it(field: str, bait: str) -> None:
    """A provisional code says nothing of the person, and the letter would go out all the same."""
    changes = [*of("Bruni", "Ada", PROVISIONAL), put(field, bait)]
    assert refused(*changes) == {field: "web_address"}


@pytest.mark.parametrize("sign", ["@", "。", "．", "/", ":", "2"])
def test_nor_has_it_the_signs_of_an_address(sign: str) -> None:
    assert refused(*of(f"premi{sign}example", "Ada", PROVISIONAL)).keys() == {"surname"}


@pytest.mark.parametrize("name", ["A. Lucia", "A.Lucia", "Ada C.", "St. Ada", "S.Ada"])
def test_points_of_abbreviations_stay(name: str) -> None:
    assert refused(*of("Bruni", name, PROVISIONAL)) == {}


@pytest.mark.parametrize(
    "number",
    ["+39899876543", "+39848987654", "+39800987654", "+39199987654", "+449098765432", "+80098765432"],
)
def test_the_number_of_a_service_is_nobodys(number: str) -> None:
    """R2."""
    assert refused(put("contacts.home_phone", number)) == {"contacts.home_phone": "service_number"}
    assert refused(put("contacts.mobile", number)) == {"contacts.mobile": "no_sms"}
