"""The generator of citizens: valid ones of every kind, never the same codice fiscale twice."""

from datetime import date
from math import gcd
from typing import Any

import pytest

from deploy.local import citizens as made
from deploy.local.citizens import DE_VISU, KINDS, PLAIN, citizens
from shared.errors import Fault
from shared.italy import codice_fiscale as cf
from shared.italy.birthplaces import faults_of_birthplace
from shared.italy.mailboxes import fault_of_mailbox
from shared.italy.names import fault_of_name
from shared.italy.phones import fault_of_mobile, fault_of_phone
from shared.italy.residence import faults_abroad, faults_in_italy

OF_CONTACT = {
    "mobile": fault_of_mobile,
    "home_phone": fault_of_phone,
    "email": fault_of_mailbox,
    "pec": fault_of_mailbox,
}


def faults_of(body: dict[str, Any]) -> list[Fault]:
    """The whole domain validation of a `pin.request`."""
    code = cf.canonical(body["codice_fiscale"])
    assert code is not None
    assert code == body["codice_fiscale"]
    born = date.fromisoformat(body["birth_date"])
    single = [fault_of_name("surname", body["surname"]), fault_of_name("name", body["name"])]
    single += [OF_CONTACT[kind](f"contacts.{kind}", value) for kind, value in body["contacts"].items()]
    return [
        *filter(None, single),
        *faults_of_birthplace(body["birth_province"], body["birth_place"], born.year),
        *cf.disagreements(
            code,
            surname=body["surname"],
            name=body["name"],
            birth_date=born,
            sex=body["sex"],
            birth_province=body["birth_province"],
            birth_place=body["birth_place"],
        ),
        *faults_of_home(body["residence"]),
    ]


def faults_of_home(home: dict[str, Any]) -> list[Fault]:
    if home["country"] != "IT":
        return faults_abroad(**home)
    return faults_in_italy(**{field: value for field, value in home.items() if field != "country"})


@pytest.mark.parametrize("kind", KINDS)
def test_citizens_of_every_kind_are_valid(kind: str) -> None:
    """R1, R2."""
    for _, body in citizens(400, kinds=(kind,)):
        assert faults_of(body) == []
        assert {"home_phone", "mobile"} & body["contacts"].keys()
        assert {"email", "pec"} & body["contacts"].keys()


def test_all_kinds_but_de_visu_come_in_turn() -> None:
    kinds = [kind for kind, _ in citizens(len(KINDS) - 1)]
    assert kinds == [kind for kind in KINDS if kind != DE_VISU]


def test_kinds_are_what_they_say() -> None:
    of = {kind: body for kind, body in citizens(len(KINDS), kinds=tuple(KINDS))}  # noqa: C416 - pairs to a mapping
    assert of[PLAIN]["contacts"].keys() == {"mobile", "email"}
    assert "mobile" not in of["landline"]["contacts"]
    assert "pec" in of["pec"]["contacts"]
    assert of["abroad"]["residence"]["country"] != "IT"
    assert of["emigrant"]["birth_province"] == "EE"
    assert not of["omocodia"]["codice_fiscale"][14].isdigit()
    assert of["german"]["language"] == "de"
    assert len(of["provisional"]["codice_fiscale"]) == 11
    assert of[DE_VISU]["recognition"]["kind"] == "de_visu"


def test_the_same_seed_gives_the_same_citizens_and_another_gives_others() -> None:
    assert list(citizens(50, 3)) == list(citizens(50, 3))
    assert list(citizens(50, 3)) != list(citizens(50, 4))


def test_no_two_have_the_same_codice_fiscale_or_contact() -> None:
    made_ones = [body for _, body in citizens(20_000, kinds=tuple(KINDS))]
    assert len({body["codice_fiscale"] for body in made_ones}) == len(made_ones)
    addresses = [value for body in made_ones for value in body["contacts"].values()]
    assert len(set(addresses)) == len(addresses)


@pytest.mark.parametrize("places", [made._ITALY, made._TYROL, made._STATES])
def test_millions_come_before_a_birth_comes_again(places: list[Any]) -> None:
    """The step and the number of births have no divisor in common, so that each birth comes once."""
    total = made.DAYS * 2 * len(places)
    assert total > 4_000_000
    assert gcd(made.STEP, total) == 1
