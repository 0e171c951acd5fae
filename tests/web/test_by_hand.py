"""What a person does at a page beside clicking: the keyboard alone, two clicks, waiting, and going back."""

from collections.abc import AsyncIterator
from contextlib import suppress

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page
from playwright.async_api import Error as PlaywrightError

from tests.kit.waiting import until
from tests.web.kit.applications import Application, served
from tests.web.kit.chromium import tab
from tests.web.kit.fake_workers import NEVER, NOT_TAKEN
from tests.web.kit.guide import Guide, button, fill
from tests.web.kit.papers import CITIZEN, FIRST_STEP, PIN, SECOND_STEP

_MOST_TABS = 60


@pytest_asyncio.fixture(loop_scope="session")
async def address(portal: Application) -> AsyncIterator[str]:
    """The portal, served by HTTP."""
    async with served(portal.app) as where:
        yield where


async def reach(page: Page, selector: str) -> None:
    """Press Tab until something has the focus."""
    for _ in range(_MOST_TABS):
        await page.keyboard.press("Tab")
        if await page.evaluate("s => document.activeElement.matches(s)", selector):
            return
    raise AssertionError(f"Tab never reaches {selector}")


async def type_in(page: Page, name: str, text: str) -> None:
    """Fill in the next field of a name, as its kind is filled in with keys."""
    await reach(page, f'[name="{name}"]')
    kind = await page.evaluate("document.activeElement.type")
    if kind == "radio":
        await page.keyboard.press("Space")
        for _ in range(5):
            if await page.evaluate("document.activeElement.value") == text:
                return
            await page.keyboard.press("ArrowDown")
        raise AssertionError(f"the arrows never reach {text}")
    if kind == "select-one":
        shown = await page.evaluate(
            "v => [...document.activeElement.options].find(o => o.value === v).text", text
        )
        await page.keyboard.type(shown)
        assert await page.evaluate("document.activeElement.value") == text
    else:
        await page.keyboard.type(text)


async def test_a_pin_is_asked_for_with_the_keyboard_alone(
    browser: Browser, portal: Application, address: str
) -> None:
    async with tab(browser, address) as page:
        await page.goto("/")
        await reach(page, 'main a[href="/request"]')
        await page.keyboard.press("Enter")
        await page.wait_for_url("**/request")
        for name, text in FIRST_STEP.items():
            await type_in(page, name, text)
        await page.keyboard.press("Enter")
        await page.wait_for_url("**/request/data")
        for name in await page.evaluate(
            "[...new Set([...document.querySelectorAll('main [name]:not([type=hidden])')].map(e => e.name))]"
        ):
            if name in SECOND_STEP:
                await type_in(page, name, SECOND_STEP[name])
        await page.keyboard.press("Enter")
        await page.wait_for_url("**/request/summary")
        await reach(page, 'main form[action="/request/confirm"] button:not([formaction])')
        await page.keyboard.press("Enter")
        await page.wait_for_url("**/request/confirm")
        await until(lambda: portal.workers.asked, "the request")
    (asked,) = portal.workers.effects
    assert asked.type == "pin.request"
    assert asked.body["birth_place"] == SECOND_STEP["birth_place"]


async def test_the_first_tab_leads_past_the_frame(browser: Browser, address: str) -> None:
    """WCAG 2.4.1."""
    async with tab(browser, address) as page:
        await page.goto("/request")
        await page.keyboard.press("Tab")
        link = page.locator(":focus")
        assert await link.get_attribute("href") == "#main"
        box = await link.bounding_box()
        assert box
        assert box["width"] > 10
        await page.keyboard.press("Enter")
        await page.keyboard.press("Tab")
        assert await page.evaluate("document.activeElement.closest('main') !== null")


async def test_what_is_wrong_is_read_first_and_leads_to_its_field(browser: Browser, address: str) -> None:
    """WCAG 3.3.1: the list of faults has the focus; each fault is at its field, too, and names it."""
    async with tab(browser, address) as page:
        await page.goto("/request")
        await fill(page, {"codice_fiscale": "RSSMRA85T10A562X", "lives": "italy"})
        await button(page).click()
        await page.wait_for_url("**/request/data")
        assert await page.evaluate("document.activeElement.id") == "faults"
        await page.keyboard.press("Tab")
        await page.keyboard.press("Enter")
        assert await page.evaluate("document.activeElement.name || location.hash") in {
            "codice_fiscale",
            "#f-codice_fiscale",
        }
        field = page.locator('[name="codice_fiscale"]')
        assert await field.get_attribute("aria-invalid") == "true"
        described = (await field.get_attribute("aria-describedby") or "").split()
        assert any(one.endswith("-fault") for one in described)
        assert await field.input_value() == "RSSMRA85T10A562X"


async def to_summary(page: Page) -> None:
    """Fill in a request, up to its summary."""
    guide = Guide(page)
    await guide.figure_4(FIRST_STEP)
    await guide.figure_5(SECOND_STEP)


@pytest.mark.parametrize("scripts", ["with scripts", "without"])
async def test_two_clicks_have_one_effect(
    browser: Browser, portal: Application, address: str, scripts: str
) -> None:
    async with tab(browser, address, scripts=scripts == "with scripts") as page:
        await to_summary(page)
        await button(page, "/request/confirm").dblclick(no_wait_after=True)
        await page.wait_for_url("**/request/confirm")
        await until(lambda: portal.workers.asked, "the request")
        await page.reload()
    assert len(portal.workers.effects) == 1


async def test_a_page_that_waits_shows_the_answer_by_itself(
    browser: Browser, portal: Application, address: str
) -> None:
    portal.workers.answers["pin.request"] = NEVER
    async with tab(browser, address) as page:
        await to_summary(page)
        await button(page, "/request/confirm").click()
        assert await page.locator('form[action="/waiting"]').count()
        await until(lambda: len(portal.workers.asked) > 2, "the page to ask again")
        del portal.workers.answers["pin.request"]
        await page.wait_for_selector('form[action="/waiting"]', state="detached")
        assert await page.locator("h1").count() == 1
    assert len(portal.workers.effects) == 1


async def test_who_waited_for_the_log_in_is_led_to_their_page(
    browser: Browser, portal: Application, address: str
) -> None:
    portal.workers.answers["pin.verify"] = NEVER
    async with tab(browser, address) as page:
        await page.goto("/log-in")
        await fill(page, {"codice_fiscale": CITIZEN, "pin": PIN})
        await button(page).click()
        await page.wait_for_selector('form[action="/waiting"]')
        del portal.workers.answers["pin.verify"]
        await page.wait_for_url("**/me")


async def test_what_was_not_taken_is_sent_again_by_a_button(
    browser: Browser, portal: Application, address: str
) -> None:
    portal.workers.answers["pin.request"] = NOT_TAKEN
    async with tab(browser, address, scripts=False) as page:
        await to_summary(page)
        await button(page, "/request/confirm").click()
        assert await page.locator('form[action="/waiting"]').count()
        del portal.workers.answers["pin.request"]
        await button(page, "/waiting").click()
        assert not await page.locator('form[action="/waiting"]').count()
    assert len(portal.workers.effects) == 1


async def test_the_new_pin_is_shown_once_and_can_be_printed(
    browser: Browser, portal: Application, address: str
) -> None:
    """R10: going back, or loading the page again, shows it to nobody."""
    async with tab(browser, address) as page:
        pin = await Guide(page).first_access(CITIZEN, "7K2M9QXT", "4H8N3RWZ")
        assert len(pin) == 8
        await page.emulate_media(media="print")
        assert await page.locator(".pin-code").first.is_visible()
        assert not await page.locator("header").first.is_visible()
        await page.emulate_media(media="screen")
        await page.goto("/")
        with suppress(
            PlaywrightError
        ):  # the browser asks whether to send the form again, or has nothing to show
            await page.go_back()
        assert pin not in await page.locator("html").inner_text()
    assert len(portal.workers.effects) == 1


async def test_what_was_typed_of_a_pin_never_comes_back(
    browser: Browser, portal: Application, address: str
) -> None:
    portal.workers.answers["pin.verify"] = "wrong_pin"
    async with tab(browser, address, scripts=False) as page:
        await Guide(page).log_in(CITIZEN, PIN)
        assert PIN not in await page.content()
        assert await page.input_value('[name="codice_fiscale"]') == CITIZEN
