"""What pages say: in both languages, and for every fault of the contract (R33)."""

import ast
import re
import string
import tomllib
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from deploy.local.processes import CHECKOUT
from deploy.web.pages import HERE, LANGUAGES, Texts, _flat
from shared.contract import findings
from shared.italy.countries import COUNTRIES
from shared.italy.places import provinces

FOLDER = HERE / "texts"
ITALIAN_ALONE = {"console", "mailbox"}
"""The areas that citizens do not see."""
AREAS = sorted({path.name.split(".")[0] for path in FOLDER.glob("*.toml")})
_CODE = re.compile(r"[a-z][a-z0-9_]+")


def texts(area: str, language: str) -> dict[str, str]:
    file = FOLDER / f"{area}.{language}.toml"
    return dict(_flat(tomllib.loads(file.read_text(encoding="utf-8")))) if file.exists() else {}


def placeholders(text: str) -> set[str | None]:
    return {name for _, name, _, _ in string.Formatter().parse(text)} - {None}


@pytest.mark.parametrize("area", AREAS)
def test_both_languages_have_the_same_texts_with_the_same_values(area: str) -> None:
    italian, german = texts(area, "it"), texts(area, "de")
    if area in ITALIAN_ALONE and not german:
        return
    assert italian.keys() == german.keys()
    assert [key for key in italian if placeholders(italian[key]) != placeholders(german[key])] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_text_stands_in_two_files(language: str) -> None:
    keys = [key for area in AREAS for key in texts(area, language)]
    assert len(keys) == len(set(keys))


def codes_in(file: Path) -> Iterator[str]:
    """Yield each word that stands before the sentence that explains it: so the contract writes its faults."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        said = node.args if isinstance(node, ast.Call) else node.elts if isinstance(node, ast.Tuple) else []
        for word, sentence in pairwise(said):
            match word, sentence:
                case ast.Constant(value=str(code)), ast.JoinedStr() | ast.Name(id="lacking"):
                    pass
                case ast.Constant(value=str(code)), ast.Constant(value=str(detail)) if " " in detail:
                    pass
                case _:
                    continue
            if _CODE.fullmatch(code):
                yield code


def test_every_fault_of_the_contract_is_said_in_both_languages() -> None:
    """R33."""
    files = [*(CHECKOUT / "shared/contract").glob("*.py"), *(CHECKOUT / "shared/italy").glob("*.py")]
    codes = {code for file in files for code in codes_in(file)} - {"valid"}
    codes |= {code for code, _ in (*findings._WORDS.values(), findings._UNFORESEEN)}
    assert len(codes) > 50, "the search finds them no longer"
    pages = Texts()
    for language in LANGUAGES:
        assert {code for code in codes if f"fault.{code}" not in pages.keys(language)} == set()


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_state_and_province_has_its_name(language: str) -> None:
    keys = Texts().keys(language)
    assert {code for code in COUNTRIES if code != "IT" and f"country.{code}" not in keys} == set()
    assert {code for code in provinces() if f"province.{code}" not in keys} == set()


def test_every_text_that_a_template_names_is_there() -> None:
    keys = Texts().keys("it")
    named = {
        (path.name, key)
        for path in (HERE / "templates").rglob("*.html")
        for key in re.findall(r"""\bt\("([a-z0-9_.]+)"[,)]""", path.read_text(encoding="utf-8"))
    }
    assert {(file, key) for file, key in named if key not in keys} == set()
