"""The request in two steps and a summary (R1 to R3)."""

import re
import time
from pathlib import Path

import pytest

from deploy.web.portal.request import body_of, values_of
from tests.unit.web.citizen import Citizen, dotted, rejected

FIRST = {"codice_fiscale": "rssmra85t10 a562s", "lives": "italy"}
DATA = {
    "surname": "Rossi",
    "name": "Mario",
    "birth_date": "10/12/1985",
    "sex": "M",
    "birth_province": "PI",
    "birth_place": "San Giuliano Terme",
    "residence__street": "Via Giuseppe Mazzini",
    "residence__number": "12/A",
    "residence__province": "PI",
    "residence__municipality": "San Giuliano Terme",
    "residence__postal_code": "56017",
    "contacts__mobile": "333 123 45 67",
    "contacts__email": "mario.rossi@example.com",
    "preferred_phone": "mobile",
    "preferred_time": "any",
}
BODY = {
    "codice_fiscale": "rssmra85t10 a562s",
    "surname": "Rossi",
    "name": "Mario",
    "birth_date": "1985-12-10",
    "sex": "M",
    "birth_province": "PI",
    "birth_place": "San Giuliano Terme",
    "residence": {
        "country": "IT",
        "street": "Via Giuseppe Mazzini",
        "number": "12/A",
        "province": "PI",
        "municipality": "San Giuliano Terme",
        "postal_code": "56017",
    },
    "contacts": {"mobile": "+393331234567", "email": "mario.rossi@example.com"},
    "preferred_phone": "mobile",
    "preferred_time": "any",
    "language": "it",
}
ABROAD = {
    "residence__lines__0": "Hauptplatz 1",
    "residence__postal_code": "6020",
    "residence__municipality": "Innsbruck",
    "residence__country": "AT",
}


@pytest.fixture
def citizen(tmp_path: Path) -> Citizen:
    return Citizen(tmp_path)


async def at_data(citizen: Citizen, **first: str) -> Citizen:
    await citizen.open("/request")
    return await citizen.send("/request/data", **FIRST | first)


async def test_a_request_is_published_when_the_summary_is_confirmed_and_not_before(
    citizen: Citizen,
) -> None:
    """R3."""
    await at_data(citizen)
    await citizen.send("/request/summary", **DATA)
    assert citizen.page.status_code == 200
    assert citizen.broker.asked == []
    assert "+393331234567" in citizen.said
    await citizen.send("/request/confirm")
    assert [(type_, body) for type_, body, _ in citizen.broker.asked] == [("pin.request", BODY)]
    assert "Richiesta registrata" in citizen.said


async def test_a_double_click_and_a_reload_have_one_effect(citizen: Citizen) -> None:
    await at_data(citizen)
    await citizen.send("/request/summary", **DATA)
    summary = citizen.page
    for _ in range(2):
        citizen.page = summary
        await citizen.send("/request/confirm")
    assert citizen.broker.asked[0] == citizen.broker.asked[1]


async def test_back_from_the_summary_nothing_that_was_typed_is_lost(citizen: Citizen) -> None:
    await at_data(citizen)
    await citizen.send("/request/summary", **DATA)
    await citizen.send("/request/data")
    assert citizen.form.items() >= dotted(DATA).items()


async def test_back_from_the_second_step_nothing_that_was_typed_is_lost_either(citizen: Citizen) -> None:
    await at_data(citizen)
    await citizen.send("/request", **DATA)
    assert citizen.form.items() >= FIRST.items()
    await citizen.send("/request/data")
    assert citizen.form.items() >= dotted(DATA).items()


async def test_the_first_step_says_what_is_wrong_with_the_codice_fiscale(citizen: Citizen) -> None:
    await citizen.open("/request")
    await citizen.send("/request/data", codice_fiscale="RSSMRA85T10A562X")
    assert citizen.page.status_code == 422
    assert citizen.faults["codice_fiscale"].startswith("L'ultimo carattere del codice fiscale")
    assert citizen.faults["lives"] == "Il dato manca."
    assert citizen.form["codice_fiscale"] == "RSSMRA85T10A562X"


async def test_every_mandatory_field_that_is_empty_is_named_at_its_place(citizen: Citizen) -> None:
    """R1, R2."""
    await at_data(citizen)
    await citizen.send("/request/summary")
    optional = {"contacts__mobile", "contacts__email"}
    mandatory = {name.replace("__", "-") for name in DATA.keys() - optional}
    assert citizen.faults.keys() == mandatory | {"contacts-mobile", "contacts-email"}
    listed = re.findall(r'class="alert-link" href="#f-([^"]*)"', citizen.html)
    assert listed == list(citizen.faults), "in the order of the page"
    assert citizen.faults["contacts-mobile"] == "Indichi almeno un numero tra telefono di casa e cellulare."
    assert citizen.faults["contacts-email"] == "Indichi almeno un indirizzo tra email e PEC."


async def test_faults_are_listed_first_with_links_to_their_fields(citizen: Citizen) -> None:
    await at_data(citizen)
    await citizen.send("/request/summary", **DATA | {"residence__postal_code": "00100", "surname": "Bianchi"})
    assert '<a class="alert-link" href="#f-residence-postal_code">CAP</a>' in citizen.html
    assert citizen.faults == {
        "residence-postal_code": "Il CAP non è di questo comune.",
        "surname": "Il dato non corrisponde al codice fiscale.",
    }
    assert citizen.form["surname"] == "Bianchi"


async def test_the_same_faults_are_said_in_german(citizen: Citizen) -> None:
    """R33."""
    await citizen.open("/request", **{"accept-language": "de-IT,de;q=0.9"})
    assert citizen.page.headers["content-language"] == "de"
    await citizen.send("/language/de")
    await at_data(citizen)
    await citizen.send("/request/summary", **DATA | {"birth_date": "31.2.1985"})
    assert citizen.faults == {
        "birth_date": "Das Datum gibt es nicht, oder es ist nicht als TT.MM.JJJJ geschrieben."
    }
    await citizen.send("/request/summary", birth_date="10.12.1985")
    await citizen.send("/request/confirm")
    assert citizen.broker.asked[0][1] == BODY | {"language": "de"}


async def test_who_lives_abroad_gives_lines_and_a_state(citizen: Citizen) -> None:
    """R1."""
    await at_data(citizen, lives="abroad")
    here = {name: value for name, value in DATA.items() if not name.startswith("residence")}
    await citizen.send("/request/summary", **here | ABROAD)
    assert "Austria" in citizen.said
    await citizen.send("/request/confirm")
    assert citizen.broker.asked[0][1]["residence"] == {
        "country": "AT",
        "lines": ["Hauptplatz 1"],
        "municipality": "Innsbruck",
        "postal_code": "6020",
    }


async def test_states_and_provinces_are_in_the_order_of_their_names(citizen: Citizen) -> None:
    await citizen.open("/request")
    await citizen.send("/language/de")
    await at_data(citizen, lives="abroad")
    listed = re.findall(r'<option value="([A-Z]{2})">([^<]*)<', citizen.html)
    names = [name for _, name in listed]
    assert names.index("Oman") < names.index("Österreich") < names.index("Pakistan")
    assert ("BZ", "Bozen (BZ)") in listed
    assert listed[0] == ("EE", "Ausland (EE)")


async def test_an_empty_residence_abroad_is_named_field_by_field(citizen: Citizen) -> None:
    await at_data(citizen, lives="abroad")
    await citizen.send("/request/summary")
    abroad = {name for name in citizen.faults if name.startswith("residence")}
    assert abroad == {name.replace("__", "-") for name in ABROAD} - {"residence-postal_code"}
    assert {citizen.faults[name] for name in abroad} == {"Il dato manca."}


async def test_what_a_worker_refuses_is_shown_at_its_field(citizen: Citizen) -> None:
    await at_data(citizen)
    await citizen.send("/request/summary", **DATA)
    citizen.broker.reply = rejected("invalid", ("contacts.mobile", "not_in_use"))
    await citizen.send("/request/confirm")
    assert citizen.faults == {"contacts-mobile": "Questo numero di telefono non esiste."}
    assert citizen.form["birth_date"] == "10/12/1985"


async def test_who_waits_asks_again_for_the_same_request(citizen: Citizen) -> None:
    await at_data(citizen)
    await citizen.send("/request/summary", **DATA)
    citizen.broker.reply = None
    await citizen.send("/request/confirm")
    assert citizen.page.status_code == 202
    citizen.broker.is_there = False
    await citizen.send("/waiting")
    assert citizen.page.status_code == 503
    citizen.broker.is_there, citizen.broker.reply = True, {"outcome": "accepted", "code": "accepted"}
    await citizen.send("/waiting")
    assert "Richiesta registrata" in citizen.said
    assert citizen.broker.asked[0] == citizen.broker.asked[1]


@pytest.mark.parametrize("step", ["data", "summary", "confirm"])
async def test_the_address_of_a_later_step_leads_to_the_first(citizen: Citizen, step: str) -> None:
    await citizen.open(f"/request/{step}")
    assert citizen.page.url.path == "/request"


async def test_who_takes_half_an_hour_over_a_form_loses_nothing(
    citizen: Citizen, monkeypatch: pytest.MonkeyPatch
) -> None:
    await at_data(citizen)
    later = time.time() + 1800
    monkeypatch.setattr("itsdangerous.timed.time.time", lambda: later)
    await citizen.send("/request/summary", **DATA)
    assert citizen.page.status_code == 200


async def test_what_is_typed_is_never_read_as_html(citizen: Citizen) -> None:
    await at_data(citizen)
    hostile = '"><script>alert(1)</script>'
    await citizen.send("/request/summary", **dict.fromkeys(DATA, hostile))
    assert "<script>alert" not in citizen.html
    assert citizen.form["surname"] == hostile


def test_a_body_tells_what_was_typed() -> None:
    values = values_of(BODY, "it")
    assert values["lives"] == "italy"
    assert body_of(values, "it") == BODY
