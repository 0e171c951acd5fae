"""The guide, figure by figure, in Chromium, on a stack: pages, broker, workers, and what reaches the citizen.

The main way is walked without JavaScript.
"""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest_asyncio
from playwright.async_api import Browser, Page

from deploy.local.citizens import citizens
from deploy.local.inbox import Body
from deploy.local.stack import Stack
from tests.kit.logs import log_lines
from tests.kit.person import Person
from tests.kit.waiting import until
from tests.web.kit.chromium import tab
from tests.web.kit.guide import Guide, button, fill, forward
from tests.web.kit.looking import violations
from tests.web.kit.papers import DETAILS, jpeg, pdf, request_of
from tests.web.kit.site import Site, site_on

CARD = {"number": "80380000900012345678", "expires_on": "2029-06-30"}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def site(servers: Stack) -> AsyncIterator[Site]:
    """A stack with its pages, for all tests of this module: each has citizens of its own."""
    async with site_on(servers, "ledger_web") as running:
        await running.harness.settle_in(issued=1, active=5)
        yield running


def newcomer(number: int, kind: str) -> Body:
    """Return the request of somebody who has no PIN yet."""
    ((_, body),) = citizens(1, seed=77, first=9000 + number, kinds=(kind,))
    return body


def without_scripts(browser: Browser, site: Site) -> AbstractAsyncContextManager[Page]:
    """Return a tab at the portal, in which JavaScript is off."""
    return tab(browser, site.portal, scripts=False)


async def test_a_citizen_asks_for_a_pin_and_logs_in_without_javascript(browser: Browser, site: Site) -> None:
    """Figures 1 to 6, first access and log-in: R1 to R6, R10, R11."""
    body = newcomer(0, "plain")
    first, second = request_of(body)
    async with without_scripts(browser, site) as page:
        guide = Guide(page)
        await guide.figure_4(first)
        await guide.figure_5(second)
        assert body["surname"] in await guide.says()
        # «Indietro» leads back, with what was typed; «Avanti» to the summary again.
        await page.click('main button[formaction="/request/data"]')
        assert await page.input_value('[name="surname"]') == body["surname"]
        await forward(page)
        assert not site.captured.to(body["contacts"]["mobile"])  # R3
        await guide.figure_6()
        by_sms = await site.half(body["contacts"]["mobile"])
        assert await site.half(body["contacts"]["email"]) == by_sms  # R5
        by_post = await site.letter(body["surname"])
        pin = await guide.first_access(body["codice_fiscale"], by_sms.lower(), by_post)
        assert len(pin) == 8
        await page.reload()
        assert pin not in await page.content()
        await guide.log_in(body["codice_fiscale"], pin)
        assert page.url == f"{site.portal}/me"
        await page.click('form[action="/log-out"] button')
        await page.goto("/me")
        assert page.url.startswith(f"{site.portal}/log-in")


async def test_a_citizen_of_bolzano_asks_in_german_and_places_are_found_while_typing(
    browser: Browser, site: Site
) -> None:
    """R33; figure 9: «In deutscher Sprache»."""
    body = newcomer(1, "german")
    first, second = request_of(body)
    async with tab(browser, site.portal, language="it", width=375) as page:
        guide = Guide(page)
        await guide.figure_1()
        await page.click('form[action="/language/de"] button')
        assert await page.get_attribute("html", "lang") == "de"
        await guide.figure_4(first)
        await fill(page, {name: text for name, text in second.items() if name != "residence.municipality"})
        town = page.locator('[name="residence.municipality"]')
        await town.press_sequentially(second["residence.municipality"][:4])
        options = page.locator(f"#{await town.get_attribute('list')} option")
        await until(options.count, "places that begin so")
        await town.fill(second["residence.municipality"])
        await forward(page)
        await guide.figure_6()
        await site.half(body["contacts"]["mobile"])
        sms = next(copy.text for copy in site.captured.to(body["contacts"]["mobile"]))
        assert "PIN" in sms
        assert "Teil" in sms or "Zeichen" in sms


async def test_a_lost_pin_is_restored_by_two_contacts(browser: Browser, site: Site) -> None:
    """Figures 7, 8 and 10; R13 to R16: the mail's link opens nothing by itself."""
    person = site.harness.active[0]
    mobile, email = (person.body["contacts"][name] for name in ("mobile", "email"))
    before = len([copy for copy in site.captured.to(mobile) if copy.half])
    async with without_scripts(browser, site) as page:
        guide = Guide(page)
        await guide.figure_8(
            {"codice_fiscale": person.codice_fiscale, "contacts.mobile": mobile, "contacts.email": email}
        )
        link = await site.link(email, "restore")
        await page.goto(link)  # as a scanner of mails does
        await guide.log_in(person.codice_fiscale, person.pin)
        assert page.url == f"{site.portal}/me"
        await page.click('form[action="/log-out"] button')
        await guide.confirm(link, person.codice_fiscale)
        halves = [await site.half(mobile, which=before), await site.half(email, which=before)]
        new = await guide.first_access(person.codice_fiscale, *halves)
        await guide.log_in(person.codice_fiscale, new)
        assert page.url == f"{site.portal}/me"
        await guide.confirm(link, person.codice_fiscale)
        assert await page.locator(".alert-warning, .alert-danger").count()  # used once


async def test_an_initial_pin_is_revoked_with_the_health_card(browser: Browser, site: Site) -> None:
    """Figure 11; R18 to R20."""
    person = site.harness.issued[0]
    await site.harness.ask(
        "registry.update",
        {"codice_fiscale": person.codice_fiscale, "health_card": CARD},
        by=site.harness.registry,
    )
    address = "qualcuno@example.it"
    typed = {"health_card.number": CARD["number"], "health_card.expires_on": "30/06/2029", "email": address}
    async with without_scripts(browser, site) as page:
        guide = Guide(page)
        await guide.figure_11({"codice_fiscale": person.codice_fiscale, **typed})
        picture = page.locator('img[src^="/control-code/"]')
        assert await picture.evaluate("e => e.naturalWidth") > 100
        first = await picture.get_attribute("src")
        await page.locator('[formaction="/revoke/control-code"]:not([aria-hidden])').click()
        assert await picture.get_attribute("src") != first
        assert await page.input_value('[name="email"]') == address
        (cookie,) = [one for one in await page.context.cookies() if one["name"] == "pin-portal"]
        shown = await page.input_value('[name="control_code_shown"]')
        await fill(page, {"control_code": site.code_in_picture(shown, cookie["value"])})
        await forward(page)
        await guide.confirm(await site.link(address, "revoke"), person.codice_fiscale)
        await page.goto("/first-access")
        halves = {"pin": person.initial[:8], "second": person.initial[8:]}
        await fill(page, {"codice_fiscale": person.codice_fiscale, **halves})
        await forward(page)
        assert await page.locator("#faults").count()


async def log_in_at_desk(page: Page, site: Site, role: str) -> None:
    """Log in at the console as a person of a role."""
    name, password = site.log_in_of(role)
    await page.goto("/log-in")
    await fill(page, {"id": name, "password": password})
    await forward(page)
    assert page.url == f"{site.console}/"


async def log_in(page: Page, person: Person) -> None:
    """Log in at the portal."""
    await Guide(page).log_in(person.codice_fiscale, person.pin)


async def test_a_pin_becomes_dispositivo_by_upload_and_the_istanza_goes_on(
    browser: Browser, site: Site, tmp_path: Path
) -> None:
    """R22 to R25, R27, R29 to R32: the citizen's pages and the contact centre's, from the form to the end."""
    person = site.harness.active[1]
    (tmp_path / "modulo.pdf").write_bytes(pdf())
    (tmp_path / "carta.jpg").write_bytes(jpeg())
    async with tab(browser, site.portal) as page:
        await log_in(page, person)
        await page.goto("/me/istanza")
        await fill(page, {"service": "Assegno di maternità"})
        await forward(page)
        assert await page.locator("main .alert").count()  # R31: the notice
        await page.goto("/me/convert")
        await fill(page, {"submission": "online"})
        await forward(page)
        async with page.expect_download() as downloading:
            await button(page, "/me/convert/form.pdf").click()
        form = await downloading.value
        assert (await form.path()).read_bytes().startswith(b"%PDF")
        await page.set_input_files('[name="signed_form"]', tmp_path / "modulo.pdf")
        await page.set_input_files('[name="document_scan"]', tmp_path / "carta.jpg")
        await fill(page, DETAILS)
        await forward(page, "/me/convert/documents")
        assert await page.locator("main .alert-success").count(), await Guide(page).says()
    async with tab(browser, site.console) as page:
        await log_in_at_desk(page, site, "contact_centre")
        await page.goto("/review")
        await forward(page, "/review")
        row = page.locator("tr", has_text=person.body["surname"])
        await row.locator("button").first.click()
        await page.wait_for_load_state("networkidle")
        assert person.codice_fiscale in await Guide(page).says()
        frame = page.frame_locator("iframe").first
        assert await frame.locator("img").first.evaluate("e => e.naturalWidth") > 100
        await forward(page, "/review/approve")
        assert await page.locator(".alert-success").count()
    await site.harness.portal.event("dispositivo.activated", _last_published(site, "dispositivo.approve"))
    async with tab(browser, site.portal) as page:
        await log_in(page, person)
        await page.goto("/me/istanza")
        await fill(page, {"service": "Assegno di maternità"})
        await forward(page)
        assert "sospes" not in (await Guide(page).says()).lower()


def _last_published(site: Site, type_: str) -> str:
    lines = [line for path in site.logs() for line in log_lines(path) if line.get("type") == type_]
    return str(lines[-1]["correlation_id"])


async def test_a_fax_is_known_by_its_code_and_cancelled_with_a_reason(
    browser: Browser, site: Site, tmp_path: Path
) -> None:
    """R24, R25, R28: nobody copies a number, and the citizen is told why."""
    person = site.harness.active[4]
    async with tab(browser, site.portal) as page:
        await log_in(page, person)
        await page.goto("/me/convert")
        await fill(page, {"submission": "fax"})
        await forward(page)
        async with page.expect_download() as downloading:
            await button(page, "/me/convert/form.pdf").click()
        await (await downloading.value).save_as(tmp_path / "fax.pdf")
    mails = len(site.captured.to(person.body["contacts"]["email"]))
    async with tab(browser, site.console) as page:
        await log_in_at_desk(page, site, "contact_centre")
        await page.goto("/fax")
        await page.set_input_files('[name="signed_form"]', tmp_path / "fax.pdf")
        await forward(page, "/fax")
        assert await page.input_value('[name="request_id"]')
        await fill(page, {"codice_fiscale": person.codice_fiscale, **DETAILS})
        await forward(page, "/fax/submit")
        await page.goto("/review")
        await forward(page, "/review")
        await page.locator("tr", has_text=person.body["surname"]).locator("button").first.click()
        await page.wait_for_load_state()
        await fill(page, {"reason": "illegible", "note": "La seconda pagina non si legge."})
        await forward(page, "/review/cancel")
        assert await page.locator(".alert-success").count(), await Guide(page).says()
    await until(lambda: len(site.captured.to(person.body["contacts"]["email"])) > mails, "the reason by mail")


async def test_a_branch_makes_a_pin_dispositivo_after_a_look_at_the_person(
    browser: Browser, site: Site
) -> None:
    """R26."""
    person = site.harness.active[2]
    async with tab(browser, site.console) as page:
        await log_in_at_desk(page, site, "branch")
        await page.goto("/branch")
        await fill(page, {"codice_fiscale": person.codice_fiscale})
        await forward(page)
        assert person.body["surname"] in await Guide(page).says()
        document = {"kind": "passport", "number": "YA1234567", "issued_by": "Questura di Pisa"}
        dates = {"issued_on": "2023-03-15", "expires_on": "2033-03-14"}
        await fill(page, {f"document.{name}": text for name, text in (document | dates).items()})
        await page.check('[name="recognised"]')
        await forward(page, "/branch/activate")
        assert await page.locator(".alert-success").count(), await Guide(page).says()


async def test_the_contact_centre_revokes_by_telephone(browser: Browser, site: Site) -> None:
    """R21."""
    person = site.harness.active[3]
    async with tab(browser, site.console) as page:
        await log_in_at_desk(page, site, "contact_centre")
        await page.goto("/phone")
        await fill(page, {"codice_fiscale": person.codice_fiscale, "reason": "Nessuna tessera sanitaria."})
        await forward(page)
        await forward(page, "/phone/revoke")
        assert await page.locator(".alert-success").count(), await Guide(page).says()


async def test_a_supervisor_sees_lanes_and_dead_letters_and_nobody_s_data(
    browser: Browser, site: Site
) -> None:
    async with tab(browser, site.console) as page:
        await log_in_at_desk(page, site, "supervisor")
        for path in ("/supervision", "/supervision/dead", "/supervision/timeline"):
            await page.goto(path)
            assert not await violations(page)
        await page.goto("/supervision")
        assert "issuer.requests" in await Guide(page).says()
        await page.goto("/review")
        assert await page.locator("h1").count()
        assert await page.locator('main form[action="/review"]').count() == 0


async def test_the_mailbox_shows_what_came(browser: Browser, site: Site) -> None:
    async with tab(browser, site.mailbox) as page:
        await page.goto("/")
        assert not await violations(page)
        assert await page.locator("main a").count() > 3


async def test_the_logs_of_the_pages_say_nothing_of_anybody(site: Site) -> None:
    """The last test of this module: after all that citizens and operators did above."""
    people = [*site.harness.issued, *site.harness.active]
    told = {
        text
        for person in people
        for text in (
            person.codice_fiscale,
            person.body["surname"],
            *person.body["contacts"].values(),
            person.pin,
            person.initial[:8],
            person.initial[8:],
        )
        if text
    }
    told |= {copy.half for copy in site.captured.all() if copy.half}
    told |= {copy.token for copy in site.captured.all() if copy.token}
    told |= {site.log_in_of(role)[1] for role in ("contact_centre", "branch", "supervisor")}
    assert len(told) > 20
    for path in site.logs():
        text = path.read_text(encoding="utf-8")
        assert not [words for words in told if words in text], path.name
        assert not [line for line in log_lines(path) if line.get("event") == "page.failed"], path.name
