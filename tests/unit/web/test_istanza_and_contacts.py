"""Istanze and contacts in a browser (R12, R30, R31)."""

import pytest

from tests.unit.web.browsing import CITIZEN, Broker, Browser, Page, accepted, rejected

PROTOCOL = "2026.0000000123"
NOTICE = "L'istanza è stata acquisita e protocollata, ma è sospesa."


async def istanza(browser: Browser, service: str = "Assegno di maternità") -> Page:
    return await browser.send(await browser.get("/me/istanza"), "/me/istanza", service=service)


async def contacts(browser: Browser, **given: str) -> Page:
    fields = {f"contacts__{name}": text for name, text in given.items()}
    return await browser.send(await browser.get("/me/contacts"), "/me/contacts", **fields)


async def test_a_suspended_istanza_comes_with_its_notice_and_the_invitation(
    browser: Browser, broker: Broker
) -> None:
    """R31, R22."""
    await browser.log_in(broker)
    broker.replies["istanza.submit"] = accepted(protocol=PROTOCOL, status="suspended", notice=NOTICE)
    page = await istanza(browser)
    ((_, body, message_id),) = broker.asked
    assert body == {
        "codice_fiscale": CITIZEN,
        "istanza_id": message_id,
        "service": "Assegno di maternità",
    }
    for said in (PROTOCOL, "sospesa", "L&#39;istanza è stata acquisita"):
        assert said in page.html
    assert 'href="/me/convert"' in page.html


async def test_an_istanza_in_progress_needs_nothing_more(browser: Browser, broker: Broker) -> None:
    """R30."""
    await browser.log_in(broker, "dispositivo")
    broker.replies["istanza.submit"] = accepted(protocol=PROTOCOL, status="in_progress")
    page = await istanza(browser)
    assert PROTOCOL in page.text
    assert "in lavorazione" in page.text
    assert 'href="/me/convert"' not in page.html


async def test_an_istanza_without_a_service_is_not_sent(browser: Browser, broker: Broker) -> None:
    await browser.log_in(broker)
    page = await istanza(browser, "  ")
    assert page.status == 422
    assert broker.asked == []


async def test_too_many_suspended_istanze_are_explained(browser: Browser, broker: Broker) -> None:
    await browser.log_in(broker)
    broker.replies["istanza.submit"] = rejected("too_many_suspended")
    assert "nessuna è andata persa" in (await istanza(browser)).text


async def test_only_the_contacts_that_were_filled_in_are_sent(browser: Browser, broker: Broker) -> None:
    """R12."""
    await browser.log_in(broker)
    broker.replies["contacts.update"] = accepted()
    page = await contacts(browser, mobile="333 123 4567", pec="mario.rossi@pec.example.com", email=" ")
    ((_, body, _),) = broker.asked
    assert body["contacts"] == {"mobile": "+393331234567", "pec": "mario.rossi@pec.example.com"}
    assert "Recapiti aggiornati" in page.text


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({}, "mobile"),
        ({"mobile": "050 123456"}, "mobile"),
        ({"email": "nobody"}, "email"),
        ({"home_phone": "12"}, "home_phone"),
    ],
)
async def test_a_wrong_contact_is_said_at_its_field(
    browser: Browser, broker: Broker, given: dict[str, str], field: str
) -> None:
    await browser.log_in(broker)
    page = await contacts(browser, **given)
    assert page.status == 422
    assert f'id="f-contacts-{field}-fault"' in page.html
    assert f'href="#f-contacts-{field}"' in page.html
    assert broker.asked == []


@pytest.mark.parametrize("language", ["it", "de"])
async def test_every_page_speaks_the_language_of_the_citizen(
    browser: Browser, broker: Broker, language: str
) -> None:
    """R33."""
    browser.client.headers["accept-language"] = language
    await browser.log_in(broker)
    for path, titles in {
        "/me": ("Area personale", "Persönlicher Bereich"),
        "/me/convert": ("Converti PIN", "PIN umwandeln"),
        "/me/istanza": ("Invia un", "Antrag senden"),
        "/me/contacts": ("I suoi recapiti", "Ihre Kontakte"),
        "/first-access": ("Primo accesso", "Erster Zugang"),
    }.items():
        page = await browser.get(path)
        assert titles[language == "de"] in page.text
        assert f'<html lang="{language}">' in page.html
