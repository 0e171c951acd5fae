"""Places while they are typed, from the project's own data."""

from pathlib import Path

import pytest

from deploy.web.places import MOST, Suggestion, municipalities, postal_codes, states
from tests.unit.web.citizen import Citizen


def names(found: list[Suggestion]) -> list[str]:
    return [one.name for one in found]


def test_a_municipality_is_found_by_its_beginning_in_either_language() -> None:
    assert "Bolzano" in names(municipalities("bolz"))
    assert "Bozen" in names(municipalities("BOZ"))
    assert "Bolzano" in names(municipalities("bo", "BZ"))
    assert "Bozen" in names(municipalities("bo", "BZ", "de"))
    assert "Forlì" in names(municipalities("forli", "FC"))


def test_the_province_narrows_the_search() -> None:
    assert names(municipalities("san giul", "PI")) == ["San Giuliano Terme"]


def test_where_one_was_born_may_be_gone_and_where_one_lives_may_not() -> None:
    assert Suggestion("Abetone", "PT", 2016) in municipalities("abetone")
    assert "Abetone" not in names(municipalities("abetone", present=True))


def test_a_state_is_found_in_any_language_and_those_of_the_past_too() -> None:
    assert names(states("Österr")) == ["Österreich"]
    assert Suggestion("Cecoslovacchia", "", 1993) in states("cecoslov")


def test_there_are_never_more_than_can_be_read_and_none_for_a_single_letter() -> None:
    assert len(municipalities("san")) == MOST
    assert municipalities("s") == []
    assert municipalities("q" * 10_000) == []


def test_the_postal_codes_of_a_municipality() -> None:
    assert postal_codes("PI", "San Giuliano Terme") == ("56017",)
    assert postal_codes("PI", "Nowhere") == ()


@pytest.mark.parametrize(
    ("query", "option"),
    [
        ("municipalities?of=birth&birth_province=PI&birth_place=san+giu", '"San Giuliano Terme">PI<'),
        ("municipalities?of=birth&birth_province=EE&birth_place=cecos", '"Cecoslovacchia">fino al 1993<'),
        ("municipalities?of=residence&residence.province=&residence.municipality=boz", '"Bozen">BZ<'),
        ("municipalities?of=birth&birth_province=&birth_place=abeton", '"Abetone">PT, fino al 2016<'),
        ("states?name=alb", '"Albania">Albania<'),
        ("postal-codes?residence.province=PI&residence.municipality=San+Giuliano+Terme", '"56017"'),
    ],
)
async def test_a_page_gets_options(tmp_path: Path, query: str, option: str) -> None:
    citizen = await Citizen(tmp_path).open(f"/places/{query}")
    assert f"<option value={option}" in citizen.html


@pytest.mark.parametrize(
    "query", ["municipalities", "municipalities?of=x", "states", "postal-codes", "states?name=%3Cb"]
)
async def test_what_names_no_place_gets_none(tmp_path: Path, query: str) -> None:
    citizen = await Citizen(tmp_path).open(f"/places/{query}")
    assert (citizen.page.status_code, citizen.html.strip()) == (200, "")
