"""What holds for every template and text as it is written: it needs no page to be shown."""

import re
import tomllib
from collections.abc import Iterator
from html.parser import HTMLParser
from string import Formatter

import pytest

from deploy.web.pages import HERE, LANGUAGES, Texts, _flat

TEMPLATES = sorted((HERE / "templates").rglob("*.html"))
_TEXT = re.compile(r"""\bt\(\s*"([\w.]+)"\s*[,)]""")
_JINJA = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}", re.DOTALL)


class _Words(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_data(self, data: str) -> None:
        """Take what a person would read."""
        if re.search(r"[A-Za-zÀ-ÿ]{2}", data):
            self.found.append(data.strip())


def in_each(pattern: str) -> Iterator[str]:
    """Yield where a pattern occurs in the templates."""
    for path in TEMPLATES:
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if found := re.search(pattern, line, re.IGNORECASE):
                yield f"{path.relative_to(HERE)}:{number}: {found.group()}"


@pytest.mark.parametrize(
    "pattern",
    [
        r"<script(?![^>]*\bsrc=)",
        r"<style\b",
        r"\sstyle\s*=",
        r"\son[a-z]+\s*=\s*[\"']",
        r"javascript:",
        r"(src|href|action)=[\"'](https?:)?//",
        r"\|\s*safe\b",
        r"autoescape\s+false",
        r"hx-on|hx-vals\s*=\s*[\"']js:|hx-eval",
    ],
)
def test_no_template_has_a_script_a_style_or_an_address_of_elsewhere(pattern: str) -> None:
    assert not list(in_each(pattern))


def test_every_form_that_is_posted_carries_the_session_s_mark() -> None:
    for path in TEMPLATES:
        text = path.read_text(encoding="utf-8")
        for form in re.findall(r"<form\b.*?</form>", text, re.DOTALL | re.IGNORECASE):
            if re.search(r"method=[\"']post", form, re.IGNORECASE):
                assert "csrf_field()" in form, f"{path.relative_to(HERE)}: {form[:120]}"


def test_every_text_that_a_template_names_is_there() -> None:
    texts = Texts()
    for path in TEMPLATES:
        for key in _TEXT.findall(path.read_text(encoding="utf-8")):
            assert texts.has(key), f"{path.relative_to(HERE)} says {key}"


def test_no_template_says_anything_of_its_own() -> None:
    """R33: a word in a template would be of one language."""
    for path in TEMPLATES:
        words = _Words()
        words.feed(_JINJA.sub("", path.read_text(encoding="utf-8")))
        assert not words.found, f"{path.relative_to(HERE)}: {words.found}"


def placeholders(text: str) -> set[str]:
    """Return the names that a text has places for."""
    return {name for _, name, _, _ in Formatter().parse(text) if name}


def keys_of(area: str, language: str) -> dict[str, str]:
    """Return the texts of one area in a language; none where it has no file."""
    path = HERE / "texts" / f"{area}.{language}.toml"
    if not path.exists():
        return {}
    texts = _flat(tomllib.loads(path.read_text(encoding="utf-8")))
    return {key: text for key, text in texts if not key.startswith("frame.console.")}


AREAS = sorted({file.name.partition(".")[0] for file in (HERE / "texts").glob("*.toml")})


@pytest.mark.parametrize("area", [area for area in AREAS if area != "console"])
def test_both_languages_say_the_same_things(area: str) -> None:
    """R33. What operators read is Italian alone."""
    italian, german = (keys_of(area, language) for language in LANGUAGES)
    assert italian.keys() == german.keys()
    for key, text in italian.items():
        assert text, key
        assert german[key], key
        assert placeholders(text) == placeholders(german[key]), key


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_key_stands_in_two_files(language: str) -> None:
    """The later file would silence the other."""
    keys = [key for area in AREAS for key in keys_of(area, language)]
    assert len(keys) == len(set(keys)), sorted({key for key in keys if keys.count(key) > 1})
