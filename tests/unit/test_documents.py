"""The documents exist, their links work, and they contain every rule that the code cites."""

import re
from pathlib import Path

import pytest

from deploy.local.processes import CHECKOUT
from tests.kit.checkout import tracked

CITING = ("services", "shared", "deploy", "tests", "docs", "README.md", "CONTRIBUTING.md")
"""Where rules are cited. The changelog tells of the past."""
RULES = CHECKOUT / "docs/rules.md"
GLOSSARY = CHECKOUT / "docs/glossary.md"
LINK = re.compile(r"\]\(([^()\s]+)\)")
ROW = re.compile(r"^\| R(\d+) \|(.*)\|([^|]*)\|([^|]*)\|$", re.MULTILINE)
ROWS = {
    int(number): (rule, source, held_by)
    for number, rule, source, held_by in ROW.findall(RULES.read_text(encoding="utf-8"))
}


def text_of(path: str) -> str:
    """Return a file's text; what is no text, such as a font, has none."""
    try:
        return (CHECKOUT / path).read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return ""


def cited_in(path: str) -> set[int]:
    return {int(number) for number in re.findall(r"\bR(\d+)\b", text_of(path))}


def pages() -> list[str]:
    return [path for path in tracked() if path.endswith(".md")]


def anchors(page: Path) -> set[str]:
    """Return the names of a page's headings, as the usual viewers make them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def dead_links(page: str) -> list[str]:
    here = CHECKOUT / page
    dead = []
    for link in LINK.findall(here.read_text(encoding="utf-8")):
        path, _, anchor = link.partition("#")
        if "://" in link or link.startswith("mailto:"):
            continue
        target = (here.parent / path).resolve() if path else here
        if not target.exists() or (anchor and anchor not in anchors(target)):
            dead.append(link)
    return dead


def test_the_rules_are_numbered_without_a_gap() -> None:
    assert list(ROWS) == list(range(1, len(ROWS) + 1))


def test_every_rule_that_is_cited_anywhere_is_on_the_page() -> None:
    unknown = {path: lost for path in tracked(*CITING) if (lost := cited_in(path) - ROWS.keys())}
    assert unknown == {}


@pytest.mark.parametrize("number", ROWS)
def test_a_rule_has_its_source_and_code_that_cites_it(number: int) -> None:
    _, source, held_by = ROWS[number]
    assert re.search(r"\b(guide|circular)\b", source)
    files = [str((RULES.parent / link).resolve().relative_to(CHECKOUT)) for link in LINK.findall(held_by)]
    assert files
    assert [file for file in files if number not in cited_in(file)] == []


def test_every_rule_has_a_test_that_cites_it() -> None:
    """Portals keep R3: what they publish was confirmed. The test of the example says so."""
    proved = {number for path in tracked("tests") for number in cited_in(path)}
    assert ROWS.keys() - proved == set()


def test_what_we_decided_ourselves_names_the_code_that_holds_it() -> None:
    section = RULES.read_text(encoding="utf-8").partition("## Where the sources")[2].partition("\n## ")[0]
    decided = section.partition("\n- ")[2].split("\n- ")
    assert decided
    assert [text for text in decided if not LINK.search(text)] == []


@pytest.mark.parametrize("page", pages())
def test_every_link_within_the_project_leads_somewhere(page: str) -> None:
    assert dead_links(page) == []


def test_the_glossary_is_in_order_and_says_where_each_thing_lives() -> None:
    rows = re.findall(r"^\| ([^|]+) \| (.+) \|$", GLOSSARY.read_text(encoding="utf-8"), re.MULTILINE)[1:]
    words = [word.casefold() for word, _ in rows]
    assert words == sorted(set(words))
    assert [word for word, meaning in rows if not LINK.search(meaning)] == []


def test_every_test_that_the_guide_to_changes_names_is_there() -> None:
    named = set(re.findall(r"`(test_\w+)`", text_of("CONTRIBUTING.md")))
    defined = {name for path in tracked("tests") for name in re.findall(r"def (test_\w+)\(", text_of(path))}
    assert named
    assert named - defined == set()


def test_every_test_that_a_promise_of_security_names_is_there() -> None:
    named = re.findall(
        r"`(tests/[\w/]+\.py)(?:::(\w+))?`", (CHECKOUT / "docs/security.md").read_text(encoding="utf-8")
    )
    assert len(named) > len("20 promises")
    texts = {path: (CHECKOUT / path).read_text(encoding="utf-8") for path, _ in named}
    assert [(path, test) for path, test in named if test and f"def {test}(" not in texts[path]] == []
