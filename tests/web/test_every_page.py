"""Every page, as a browser shows it: for who sees little, uses the keyboard alone, or has a narrow screen.

Each page is the one that the application served, under the address and with the headers that it had. The
ways to them are in `kit/portal_ways.py` and `kit/console_ways.py`.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page

from tests.web.kit.applications import KINDS, Application, application, served
from tests.web.kit.chromium import complaints_of, tab
from tests.web.kit.looking import axe, cut, stops, violations
from tests.web.kit.shelf import Shelf
from tests.web.kit.visitor import Seen, at
from tests.web.kit.walks import WALKS
from tests.web.kit.ways import Way

WIDTHS = (320, 375, 768, 1280)
"""From a small telephone, or a large screen at 400 %, to a desktop."""
SHOWN = [
    pytest.param((way, language), id=f"{way} - {language}")
    for way in WALKS
    if way.html
    for language in (("it", "de") if way.kind == "portal" else ("it",))
]


@dataclass(frozen=True)
class Shown:
    """A page in the browser.

    Attributes:
        way: that led to it.
        language: in which it was asked for.
        page: the browser's.
        seen: as it was served.
        complaints: faults of its scripts, and breaches of its policy.
    """

    way: Way
    language: str
    page: Page
    seen: Seen
    complaints: list[str]


@pytest.fixture(scope="module")
def applications(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Application]:
    """Both applications."""
    return {kind: application(kind, tmp_path_factory.mktemp(kind)) for kind in KINDS}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def screens(
    browser: Browser, applications: dict[str, Application]
) -> AsyncIterator[tuple[Shelf, dict[str, Page]]]:
    """Where pages are put, and a tab in each language."""
    shelf = Shelf(applications["portal"].app)
    async with (
        served(shelf) as address,
        tab(browser, address, language="it") as italian,
        tab(browser, address, language="de") as german,
    ):
        tabs = {"it": italian, "de": german}
        for page in tabs.values():
            await page.context.add_init_script(axe())
        yield shelf, tabs


@pytest_asyncio.fixture(scope="module", loop_scope="session", params=SHOWN)
async def shown(
    request: pytest.FixtureRequest,
    screens: tuple[Shelf, dict[str, Page]],
    applications: dict[str, Application],
) -> AsyncIterator[Shown]:
    """Each page in turn, in each language."""
    (way, language), (shelf, tabs) = request.param, screens
    of = applications[way.kind]
    of.workers.forget()
    async with at(of, language=language) as visitor:
        seen = await way.to(visitor, of)
        page = tabs[language]
        complaints = complaints_of(page)
        await page.goto(shelf.put(seen, visitor))
        await page.evaluate("document.fonts.ready")
        yield Shown(way, language, page, seen, complaints)


async def test_no_rule_of_accessibility_is_broken(shown: Shown) -> None:
    """WCAG 2.1, levels A and AA, as far as a program can tell."""
    assert not await violations(shown.page)


async def test_nothing_is_cut_at_any_width(shown: Shown) -> None:
    faults = [fault for width in WIDTHS for fault in await cut(shown.page, width)]
    assert not faults


async def test_the_keyboard_reaches_everything_in_order_and_shows_where_it_is(shown: Shown) -> None:
    if shown.language != "it":
        pytest.skip("the keyboard leads the same way in every language")
    found = await stops(shown.page)
    assert not found.missed
    assert not found.hidden
    assert not found.forced


async def test_the_page_says_what_it_is_and_in_which_language(shown: Shown) -> None:
    """WCAG 2.4.2, 3.1.1, 1.3.1."""
    page = shown.page
    other = {"it": "de", "de": "it"}
    wanted = other[shown.language] if shown.way.name.startswith("language:") else shown.language
    if shown.way.kind == "console":
        wanted = "it"
    assert await page.get_attribute("html", "lang") == wanted
    assert shown.seen.answer.headers["content-language"] == wanted
    title, heading = await page.title(), page.locator("h1")
    assert title.strip(" –")
    if shown.way.name.startswith("document:"):
        return  # it stands in a frame, whose page has the heading
    assert await heading.count() == 1
    assert (await heading.inner_text()).strip()


async def test_the_page_keeps_its_own_policy(shown: Shown) -> None:
    assert not shown.complaints
