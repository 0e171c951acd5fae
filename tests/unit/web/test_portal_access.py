"""First access and log-in in a browser (R10, R11, R16)."""

import base64
import json
import logging

import pytest
from nacl.public import PrivateKey, SealedBox

from tests.unit.web.browsing import (
    CITIZEN,
    FIRST,
    KEPT,
    SECOND,
    Broker,
    Browser,
    Page,
    Portal,
    accepted,
    activated,
    rejected,
)

SEALED_FOR = {"v", "pin", "codice_fiscale", "message_id"}


def opened(issuer: PrivateKey, sealed: str) -> dict[str, object]:
    inside = json.loads(SealedBox(issuer).decrypt(base64.b64decode(sealed)))
    assert isinstance(inside, dict)
    return inside


async def first_access(browser: Browser, pin: str = FIRST, second: str = SECOND) -> Page:
    form = await browser.get("/first-access")
    return await browser.send(form, "/first-access", codice_fiscale=CITIZEN, pin=pin, second=second)


async def log_in(browser: Browser, path: str = "/log-in", pin: str = KEPT) -> Page:
    return await browser.send(await browser.get(path), "/log-in", codice_fiscale=CITIZEN, pin=pin)


async def test_the_sixteen_characters_become_eight_that_are_shown(
    at_portal: Portal, browser: Browser, broker: Broker
) -> None:
    """R10."""
    broker.replies["pin.activate"] = activated
    shown = await first_access(browser, FIRST.lower(), "x4to-w8zb ")
    assert shown.status == 200
    assert KEPT in shown.text
    ((type_, body, message_id),) = broker.asked
    assert (type_, body["codice_fiscale"]) == ("pin.activate", CITIZEN)
    assert opened(at_portal.issuer, body["pin_sealed"]) == {
        "v": 2,
        "pin": FIRST + SECOND,
        "codice_fiscale": CITIZEN,
        "message_id": message_id,
        "reply_key": body["reply_key"],
    }


async def test_both_halves_may_be_pasted_into_the_first_field(browser: Browser, broker: Broker) -> None:
    broker.replies["pin.activate"] = activated
    assert KEPT in (await first_access(browser, FIRST + SECOND, "")).text


async def test_the_new_pin_is_shown_once(browser: Browser, broker: Broker) -> None:
    """Whoever sends the form again, as a browser does that goes back, is shown no PIN."""
    broker.replies["pin.activate"] = activated
    form = await browser.get("/first-access")
    fields = {"codice_fiscale": CITIZEN, "pin": FIRST, "second": SECOND}
    assert KEPT in (await browser.send(form, "/first-access", **fields)).text
    again = await browser.send(form, "/first-access", **fields)
    assert again.status == 403
    assert KEPT not in again.html


async def test_the_new_pin_is_in_no_cookie_no_address_no_form_and_no_line_of_the_log(
    browser: Browser, broker: Broker, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    broker.replies["pin.activate"] = activated
    with caplog.at_level(logging.DEBUG):
        shown = await first_access(browser)
    assert shown.headers["cache-control"] == "no-store"
    assert shown.html.count(KEPT) == 1
    assert KEPT not in json.dumps(shown.forms)
    assert not any(KEPT in value for value in (*shown.headers.values(), *browser.client.cookies.values()))
    logged = caplog.text + "".join(capsys.readouterr())
    assert "page.served" in logged
    for secret in (KEPT, FIRST, SECOND, CITIZEN):
        assert secret not in logged


async def test_any_process_shows_the_reply_that_another_has_waited_for(
    at_portal: Portal, browser: Browser, broker: Broker
) -> None:
    """The reply key is derived: what one process asked, another can open."""
    broker.replies["pin.activate"] = activated
    broker.silent = True
    waits = await first_access(browser)
    assert waits.status == 202
    assert not any(secret in waits.html for secret in (FIRST, SECOND))
    broker.silent = False
    elsewhere = Browser(at_portal.other)
    elsewhere.client.cookies = browser.client.cookies
    assert KEPT in (await elsewhere.send(waits, "/waiting")).text
    first, second = broker.asked
    assert first == second


async def test_nobody_else_finishes_what_waits(at_portal: Portal, browser: Browser, broker: Broker) -> None:
    broker.replies["pin.activate"] = activated
    broker.silent = True
    waits = await first_access(browser)
    broker.silent = False
    stranger = Browser(at_portal.app)
    own = await stranger.get("/log-in")
    csrf = own.forms["/log-in"]["csrf"]
    assert (await stranger.send(waits, "/waiting", csrf=csrf)).status == 400


@pytest.mark.parametrize(
    ("first", "second"),
    [("", ""), (FIRST, ""), (FIRST, SECOND + "7"), (FIRST, "X4T0W8Z!"), ("UUUUUUUU", SECOND)],
)
async def test_what_is_no_pin_costs_no_attempt(
    browser: Browser, broker: Broker, first: str, second: str
) -> None:
    page = await first_access(browser, first, second)
    assert page.status == 422
    assert 'aria-invalid="true"' in page.html
    assert broker.asked == []


async def test_a_wrong_pin_is_said_and_nothing_of_it_comes_back(browser: Browser, broker: Broker) -> None:
    broker.replies |= {"pin.activate": rejected("wrong_pin"), "pin.verify": rejected("wrong_pin")}
    for page in (await first_access(browser), await log_in(browser)):
        assert page.status == 422
        assert "Codice fiscale e PIN non corrispondono" in page.text
        assert f'value="{CITIZEN}"' in page.html
        assert not any(secret in page.html for secret in (FIRST, SECOND, KEPT))


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "tra un minuto"), (60, "tra un minuto"), (61, "tra 2 minuti"), (1800, "tra 30 minuti")],
)
async def test_a_locked_pin_says_for_how_many_minutes(
    browser: Browser, broker: Broker, seconds: int, said: str
) -> None:
    broker.replies["pin.verify"] = rejected("locked", retry_after=seconds)
    page = await log_in(browser)
    assert page.status == 429
    assert said in page.text


async def test_who_logs_in_with_the_initial_pin_is_led_to_the_first_access(
    browser: Browser, broker: Broker
) -> None:
    broker.replies["pin.verify"] = rejected("first_access_needed")
    page = await log_in(browser, pin=FIRST + SECOND)
    assert page.status == 409
    assert 'href="/first-access"' in page.html


async def test_a_log_in_begins_another_session_of_codice_fiscale_and_level(
    at_portal: Portal, browser: Browser, broker: Broker
) -> None:
    """R11."""
    broker.replies["pin.verify"] = accepted(level="dispositivo")
    before = await browser.get("/log-in")
    page = await browser.send(before, "/log-in", codice_fiscale=" rssmra85t10a562s ", pin=KEPT)
    assert (page.status, page.location) == (303, "/me")
    ((_, body, _),) = broker.asked
    assert opened(at_portal.issuer, body["pin_sealed"]).keys() == SEALED_FOR
    tokens = at_portal.app.state.tokens
    session = tokens.read("session", browser.client.cookies["pin-portal"], 60)
    assert {name: value for name, value in session.items() if value and name not in {"id", "since"}} == {
        "codice_fiscale": CITIZEN,
        "level": "dispositivo",
    }
    assert CITIZEN in (await browser.get("/me")).text
    # A form of the session before is of no use any more: whoever fixed that session gains nothing.
    assert (await browser.send(before, "/log-in", codice_fiscale=CITIZEN, pin=KEPT)).status == 403


async def test_a_log_in_leads_where_the_citizen_wanted_to_go_and_nowhere_else(
    browser: Browser, broker: Broker
) -> None:
    broker.replies["pin.verify"] = accepted(level="online")
    asked = await browser.get("/me/convert")
    assert (asked.status, asked.location) == (303, "/log-in?to=convert")
    assert (await log_in(browser, asked.location)).location == "/me/convert"


@pytest.mark.parametrize("goal", ["https://example.org/", "//example.org", "/me/istanza", "home", "log_out"])
async def test_an_address_from_outside_is_no_goal(browser: Browser, broker: Broker, goal: str) -> None:
    broker.replies["pin.verify"] = accepted(level="online")
    form = await browser.get(f"/log-in?to={goal}")
    assert form.forms["/log-in"]["to"] == ""
    page = await browser.send(form, "/log-in", codice_fiscale=CITIZEN, pin=KEPT, to=goal)
    assert page.location == "/me"


async def test_who_logs_out_is_nobody(browser: Browser, broker: Broker) -> None:
    me = await browser.log_in(broker)
    page = await browser.send(me, "/log-out")
    assert (page.status, page.location) == (303, "/")
    assert (await browser.get("/me")).location == "/log-in"


@pytest.mark.parametrize("path", ["/me", "/me/convert", "/me/istanza", "/me/contacts"])
async def test_a_page_of_the_citizen_is_for_who_is_logged_in(browser: Browser, path: str) -> None:
    page = await browser.get(path)
    assert page.status == 303
    assert page.location.startswith("/log-in")


async def test_a_page_that_asks_by_itself_is_told_where_to_go(browser: Browser, broker: Broker) -> None:
    """A script that followed a redirection by itself would leave the address of the form."""
    broker.replies["pin.verify"] = accepted(level="online")
    broker.silent = True
    waits = await log_in(browser)
    broker.silent = False
    browser.client.headers["hx-request"] = "true"
    page = await browser.send(waits, "/waiting")
    assert (page.status, page.headers["hx-redirect"]) == (204, "/me")
    assert CITIZEN in (await browser.get("/me")).text
