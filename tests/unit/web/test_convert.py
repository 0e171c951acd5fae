"""«Converti PIN» in a browser (R22, R23, R24)."""

import base64
import hashlib

import pytest

from deploy.web.sessions import Session
from tests.unit.web.browsing import CITIZEN, Broker, Browser, Page, Portal, accepted, rejected

PDF = b"%PDF-1.7\nthe form\n%%EOF\n"
SIGNED, SCAN = b"%PDF-1.7\nsigned\n%%EOF\n", b"%PDF-1.7\nscan\n%%EOF\n"
REQUEST = "0d1f9a52-6f0e-4b7e-9a53-6f0f3b8f2c11"
FORM = accepted(
    request_id=REQUEST,
    form={
        "media_type": "application/pdf",
        "sha256": hashlib.sha256(PDF).hexdigest(),
        "content": base64.b64encode(PDF).decode(),
    },
)
FILES = {
    "signed_form": ("modulo.pdf", SIGNED, "application/pdf"),
    "document_scan": ("carta.pdf", SCAN, "application/pdf"),
}
DETAILS = {
    "document__kind": "identity_card",
    "document__number": "CA12345AA",
    "document__issued_by": "Comune di Pisa",
    "document__issued_on": "15/03/2021",
    "document__expires_on": "2031-12-10",
}
DOCUMENTS = "/me/convert/documents"


async def with_form(browser: Browser, broker: Broker, way: str = "online") -> Page:
    broker.replies["dispositivo.request"] = FORM
    await browser.log_in(broker)
    page = await browser.get("/me/convert")
    return await browser.send(page, "/me/convert", submission=way)


async def test_the_form_can_be_downloaded_from_any_process_and_as_often_as_wanted(
    at_portal: Portal, browser: Browser, broker: Broker
) -> None:
    """R23."""
    page = await with_form(browser, broker)
    ((type_, body, _),) = broker.asked
    assert (type_, body) == ("dispositivo.request", {"codice_fiscale": CITIZEN, "submission": "online"})
    elsewhere = Browser(at_portal.other)
    elsewhere.client.cookies = browser.client.cookies
    for somewhere in (browser, elsewhere, elsewhere):
        got = await somewhere.send(page, "/me/convert/form.pdf")
        assert got.content == PDF
        assert got.headers["content-type"] == "application/pdf"
        assert got.headers["content-disposition"].startswith("attachment")
        assert got.headers["cache-control"] == "no-store"
    assert len(broker.asked) == 1


async def test_a_form_of_somebody_else_is_not_given_out(
    at_portal: Portal, browser: Browser, broker: Broker
) -> None:
    page = await with_form(browser, broker)
    another = at_portal.app.state.tokens.sign("form", {"of": "VRDLGI80A01H501X", "content": "JVBERi0="})
    for form in (another, "", page.forms["/me/convert/form.pdf"]["form"][:-1] + "."):
        assert (await browser.send(page, "/me/convert/form.pdf", form=form)).status == 400


async def test_a_form_that_is_not_what_its_digest_says_is_not_shown(browser: Browser, broker: Broker) -> None:
    await browser.log_in(broker)
    form = {**FORM["data"]["form"], "sha256": "0" * 64}
    broker.replies["dispositivo.request"] = accepted(request_id=REQUEST, form=form)
    page = await browser.send(await browser.get("/me/convert"), "/me/convert", submission="online")
    assert page.status == 500


@pytest.mark.parametrize(("way", "said"), [("fax", "800 803 164"), ("branch", "di persona")])
async def test_the_other_ways_are_explained(browser: Browser, broker: Broker, way: str, said: str) -> None:
    """R24."""
    page = await with_form(browser, broker, way)
    assert said in page.text
    assert DOCUMENTS not in page.forms


async def test_what_is_uploaded_is_kept_by_its_digest_and_submitted(
    at_portal: Portal, browser: Browser, broker: Broker
) -> None:
    """R24."""
    page = await with_form(browser, broker)
    broker.replies["dispositivo.submit_documents"] = accepted()
    broker.asked.clear()
    done = await browser.send(page, DOCUMENTS, FILES, **DETAILS)
    assert "Documenti ricevuti" in done.text
    ((_, body, _),) = broker.asked
    signed, scan = (hashlib.sha256(data).hexdigest() for data in (SIGNED, SCAN))
    assert body == {
        "codice_fiscale": CITIZEN,
        "request_id": REQUEST,
        "via": "online",
        "signed_form": {
            "uri": f"folder://documents/{signed}",
            "sha256": signed,
            "media_type": "application/pdf",
            "size": len(SIGNED),
        },
        "document_scan": {
            "uri": f"folder://documents/{scan}",
            "sha256": scan,
            "media_type": "application/pdf",
            "size": len(SCAN),
        },
        "document": {
            "kind": "identity_card",
            "number": "CA12345AA",
            "issued_by": "Comune di Pisa",
            "issued_on": "2021-03-15",
            "expires_on": "2031-12-10",
        },
    }
    assert {file.name: file.read_bytes() for file in at_portal.documents.iterdir()} == {
        signed: SIGNED,
        scan: SCAN,
    }


async def test_what_was_right_need_not_be_uploaded_again(
    at_portal: Portal, browser: Browser, broker: Broker
) -> None:
    page = await with_form(browser, broker)
    broker.replies["dispositivo.submit_documents"] = accepted()
    broker.asked.clear()
    wrong = {**FILES, "document_scan": ("carta.pdf", b"<script>", "application/pdf")}
    again = await browser.send(page, DOCUMENTS, wrong, **DETAILS | {"document__number": ""})
    assert again.status == 422
    assert "Già ricevuto" in again.text
    assert again.text.count("Il file non è un PDF") == 2  # in the list, and at its field
    assert 'value="Comune di Pisa"' in again.html
    told = again.html.partition('id="faults"')[2].partition("</ul>")[0]
    assert told.index("f-document_scan") < told.index("f-document-number")  # as on the page
    assert broker.asked == []
    only_scan = {"document_scan": FILES["document_scan"]}
    elsewhere = Browser(at_portal.other)
    elsewhere.client.cookies = browser.client.cookies
    done = await elsewhere.send(again, DOCUMENTS, only_scan, **DETAILS)
    assert "Documenti ricevuti" in done.text
    assert broker.asked[0][1]["signed_form"]["sha256"] == hashlib.sha256(SIGNED).hexdigest()


async def test_what_another_citizen_uploaded_cannot_be_taken(
    at_portal: Portal, browser: Browser, broker: Broker
) -> None:
    page = await with_form(browser, broker)
    attachment = {
        "uri": "folder://documents/" + "0" * 64,
        "sha256": "0" * 64,
        "media_type": "application/pdf",
    }
    kept = at_portal.app.state.tokens.sign("attachment", {"of": "VRDLGI80A01H501X", "attachment": attachment})
    only_form = {"signed_form": FILES["signed_form"]}
    again = await browser.send(page, DOCUMENTS, only_form, document_scan__kept=kept, **DETAILS)
    assert again.status == 422


async def test_a_file_that_is_too_large_is_said_at_its_field(browser: Browser, broker: Broker) -> None:
    page = await with_form(browser, broker)
    large = b"%PDF-1.7\n" + b"\0" * (5 * 1024 * 1024) + b"%%EOF"
    files = {**FILES, "signed_form": ("modulo.pdf", large, "application/pdf")}
    again = await browser.send(page, DOCUMENTS, files, **DETAILS)
    assert again.status == 422
    assert "Il file è troppo grande" in again.text


async def test_what_is_far_too_large_is_not_read(browser: Browser, broker: Broker) -> None:
    page = await with_form(browser, broker)
    files = {"signed_form": ("modulo.pdf", b"\0" * (45 * 1024 * 1024), "application/pdf")}
    assert (await browser.send(page, DOCUMENTS, files, **DETAILS)).status == 413
    choice = await browser.get("/me/convert")
    assert (await browser.send(choice, "/me/convert", submission="x" * 2_000_000)).status == 413


async def test_a_document_that_ends_before_it_begins_is_said_at_its_field(
    browser: Browser, broker: Broker
) -> None:
    page = await with_form(browser, broker)
    again = await browser.send(page, DOCUMENTS, FILES, **DETAILS | {"document__expires_on": "2020-01-01"})
    assert again.status == 422
    assert 'id="f-document-expires_on-fault"' in again.html


async def test_a_name_that_the_workers_refuse_is_said_at_the_file(browser: Browser, broker: Broker) -> None:
    page = await with_form(browser, broker)
    broker.replies["dispositivo.submit_documents"] = rejected(
        "invalid", ("signed_form.uri", "uri_not_allowed")
    )
    again = await browser.send(page, DOCUMENTS, FILES, **DETAILS)
    assert again.status == 422
    assert 'id="f-signed_form-fault"' in again.html
    assert "Già ricevuto" in again.text


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("no_open_request", "non è più aperta"),
        ("message_id_reused", "era già stato inviato"),
        ("internal_error", "per un errore nostro"),
    ],
)
async def test_a_refusal_is_explained(browser: Browser, broker: Broker, code: str, said: str) -> None:
    page = await with_form(browser, broker)
    broker.replies["dispositivo.submit_documents"] = rejected(code)
    done = await browser.send(page, DOCUMENTS, FILES, **DETAILS)
    assert done.status == 409
    assert said in done.text


async def test_a_pin_that_is_dispositivo_already_changes_what_the_session_knows(
    at_portal: Portal, browser: Browser, broker: Broker
) -> None:
    await browser.log_in(broker)
    broker.replies["dispositivo.request"] = rejected("already_dispositivo")
    page = await browser.send(await browser.get("/me/convert"), "/me/convert", submission="fax")
    assert "già dispositivo" in page.text
    session = Session(**at_portal.app.state.tokens.read("session", browser.client.cookies["pin-portal"], 60))
    assert (session.codice_fiscale, session.level) == (CITIZEN, "dispositivo")
    assert "/me/convert" not in (await browser.get("/me/convert")).forms


async def test_the_session_of_a_pin_that_has_ended_ends(browser: Browser, broker: Broker) -> None:
    await browser.log_in(broker)
    broker.replies["dispositivo.request"] = rejected("no_active_pin")
    page = await browser.send(await browser.get("/me/convert"), "/me/convert", submission="fax")
    assert "non è più attivo" in page.text
    assert (await browser.get("/me")).location == "/log-in"


async def test_a_double_click_has_one_effect(browser: Browser, broker: Broker) -> None:
    page = await with_form(browser, broker)
    broker.replies["dispositivo.submit_documents"] = accepted()
    broker.asked.clear()
    for _ in range(2):
        done = await browser.send(page, DOCUMENTS, FILES, **DETAILS)
        assert "Documenti ricevuti" in done.text
    first, second = broker.asked
    assert first == second


async def test_without_a_store_nothing_is_uploaded(
    at_portal: Portal, browser: Browser, broker: Broker
) -> None:
    page = await with_form(browser, broker)
    at_portal.app.state.documents = None
    assert 'value="online"' not in (await browser.get("/me/convert")).html
    assert (await browser.send(page, DOCUMENTS, FILES, **DETAILS)).status == 404


@pytest.mark.parametrize("path", [DOCUMENTS, "/me/convert/form.pdf", "/me/convert/other"])
async def test_who_reloads_what_was_posted_begins_again(browser: Browser, path: str) -> None:
    page = await browser.get(path)
    assert (page.status, page.location) == (303, "/me/convert")
