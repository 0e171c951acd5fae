"""Mails for all: what axe-core checks of a page, as far as it matters to a mail.

Axe itself, run in a browser over every mail of `services/*/templates`, found nothing; these are the rules of
it that a change of the frame could break.
"""

import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notifier.channels.mail import Composer
from shared.contract.delivery import Language, Mail
from shared.crypto.secret import Secret
from tests.unit.notifier.test_mail import CREATED, ID, composed, parts


class Page(HTMLParser):
    """What a screen reader makes of a page: its elements, what each holds, its style."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, str] = {}
        self._open: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element and what it says of itself."""
        self.found.append((tag, dict(attrs)))
        self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Close it, and what was left open in it."""
        while self._open.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        """Note a text with all the elements that hold it."""
        for tag in self._open:
            self.texts[tag] = self.texts.get(tag, "") + data

    def tags(self) -> list[str]:
        """Return the names of all elements, in order."""
        return [tag for tag, _ in self.found]


def luminance(colour: str) -> float:
    """Relative luminance (WCAG 2.1) of `#rgb` or `#rrggbb`."""
    digits = colour.lstrip("#")
    full = digits if len(digits) == 6 else "".join(digit * 2 for digit in digits)
    red, green, blue = (int(full[at : at + 2], 16) / 255 for at in (0, 2, 4))
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (red, green, blue)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    darker, lighter = sorted(map(luminance, (one, other)))
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("language", ["it", "de"])
def test_a_mail_can_be_read_aloud(language: Language) -> None:
    """What axe asks of a page: its language, a title, one first heading, all of it within landmarks."""
    page = Page(parts(composed(language=language))[1])
    tags = page.tags()
    assert dict(page.found)["html"] == {"lang": language}
    assert page.texts["title"] == page.texts["h1"] == "Il suo PIN: prima metà"
    assert [tags.count(tag) for tag in ("title", "h1", "header", "main")] == [1, 1, 1, 1]
    assert not {"table", "img", "iframe", "font"} & set(tags)
    assert page.texts["body"].split() == (page.texts["header"] + page.texts["main"]).split()


def test_a_link_in_a_mail_says_where_it_leads() -> None:
    ours = "https://portale.example.it/restore/confirm?token=a%3D1&b=2"
    mail = Mail("rossi@example.it", "PIN", Secret(f"Vada su {ours}"), "it", Secret(ours))
    page = Page(parts(Composer("pin@example.it").compose(ID, CREATED, mail)[1])[1])
    [link] = [attributes for tag, attributes in page.found if tag == "a"]
    assert page.texts["a"] == link["href"] == ours


def test_every_colour_of_a_mail_stands_out_from_what_is_behind_it() -> None:
    """WCAG 2.1, 1.4.3: 4.5 to 1."""
    style = dict(
        re.findall(
            r"^([\w., ]+) \{(.*?)\}", Page(parts(composed())[1]).texts["style"], re.MULTILINE | re.DOTALL
        )
    )
    colours = {rule: re.findall(r"(?<!-)color: (#\w+)", body) for rule, body in style.items()}
    behind = {rule: re.findall(r"background: (#\w+)", body) for rule, body in style.items()}
    [paper] = behind["header, main"]
    [ink], [link], [name], [bar] = colours["body"], colours["a"], colours["header"], behind["header"]
    pairs = [(ink, paper), (link, paper), (name, bar)]
    assert [pair for pair in pairs if contrast(*pair) < 4.5] == []


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_no_subject_can_bring_its_own_html(subject: str) -> None:
    page = Page(parts(composed(subject=subject))[1])
    assert page.tags().count("h1") == 1
    assert set(page.tags()) <= {"html", "head", "meta", "title", "style", "body", "header", "main", "h1"} | {
        *("p", "br", "a")
    }
