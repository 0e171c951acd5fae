"""The citizen's way through the guide in a browser: what is done at each of its figures."""

from collections.abc import Mapping
from dataclasses import dataclass

from playwright.async_api import Locator, Page

from tests.kit.waiting import until

_OWN = "main form"


async def fill(page: Page, values: Mapping[str, str]) -> None:
    """Fill in fields by their names: texts, lists and radio buttons."""
    for name, text in values.items():
        field = page.locator(f'main [name="{name}"]:not([type="hidden"])')
        kind = await field.first.evaluate("e => e.tagName === 'SELECT' ? 'select' : e.type")
        if kind == "select":
            await field.select_option(text)
        elif kind == "radio":
            await page.locator(f'main [name="{name}"][value="{text}"]').check()
        elif kind == "checkbox":
            await field.check()
        else:
            await field.fill(text)


def button(page: Page, action: str = "") -> Locator:
    """Return the first button of the page's own form, or of the one that goes to a path."""
    form = f'main form[action="{action}"]' if action else _OWN
    return page.locator(f"{form} button:not([formaction]):not([aria-hidden]):visible").first


async def forward(page: Page, action: str = "") -> None:
    """Send a form, and go on once its answer is there, however long the page waits for it."""
    await button(page, action).click()
    await answered(page)


async def answered(page: Page) -> None:
    """Wait while a page waits for its reply; without JavaScript it has a button for that."""

    async def there() -> bool:
        await page.wait_for_load_state()
        waiting = page.locator('form[action="/waiting"] button')
        if await waiting.count():
            await waiting.click()
        return not await waiting.count()

    await until(there, "the answer")


@dataclass(frozen=True)
class Guide:
    """A citizen with the guide in hand.

    Attributes:
        page: of the browser.
    """

    page: Page

    async def figure_1(self) -> None:
        """Open the home page; figures 2, 3 and 9 are on it."""
        await self.page.goto("/")

    async def figure_4(self, values: Mapping[str, str]) -> None:
        """Begin a request: codice fiscale, and where the citizen lives."""
        await self.figure_1()
        await self.page.click('main a[href="/request"]')
        await fill(self.page, values)
        await forward(self.page)

    async def figure_5(self, values: Mapping[str, str]) -> None:
        """Fill in the data, up to the summary."""
        await fill(self.page, values)
        await forward(self.page)

    async def figure_6(self) -> None:
        """Confirm the summary."""
        await forward(self.page, "/request/confirm")

    async def figure_7(self) -> None:
        """From the home page to the two ways of who lost the PIN (figure 10)."""
        await self.figure_1()
        await self.page.click('main a[href="/lost"]')

    async def figure_8(self, values: Mapping[str, str]) -> None:
        """Ask for a restore."""
        await self.figure_7()
        await self.page.click('main a[href="/restore"]')
        await fill(self.page, values)
        await forward(self.page)

    async def figure_11(self, values: Mapping[str, str]) -> None:
        """Fill in the revocation; the control code is the last field."""
        await self.figure_7()
        await self.page.click('main a[href="/revoke"]')
        await fill(self.page, values)

    async def confirm(self, link: str, codice_fiscale: str) -> None:
        """Open the link of a mail, and confirm."""
        await self.page.goto(link)
        await fill(self.page, {"codice_fiscale": codice_fiscale})
        await forward(self.page)

    async def first_access(self, codice_fiscale: str, first: str, second: str) -> str:
        """Replace the sixteen characters; return the eight that the page shows once."""
        await self.page.goto("/first-access")
        await fill(self.page, {"codice_fiscale": codice_fiscale, "pin": first, "second": second})
        await forward(self.page)
        return "".join((await self.page.locator(".pin-code").first.inner_text()).split())

    async def log_in(self, codice_fiscale: str, pin: str) -> None:
        """Log in."""
        await self.page.goto("/log-in")
        await fill(self.page, {"codice_fiscale": codice_fiscale, "pin": pin})
        await forward(self.page)

    async def says(self) -> str:
        """Return what the page says."""
        return await self.page.locator("main").inner_text()

    async def heading(self) -> str:
        """Return the page's heading."""
        return await self.page.locator("h1").inner_text()
