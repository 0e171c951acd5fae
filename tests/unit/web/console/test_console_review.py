"""The queue of the contact centre, request by request (R25, R27, R28)."""

import asyncio
import io
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from PIL import Image

from deploy.web.errors import NotTakenError
from services.dispositivo.application import Form
from services.dispositivo.form import typeset
from tests.unit.web.console.browser import CITIZEN, ID, Browser, accepted, rejected

SEEN = "abc_-123"


def _request(browser: Browser, data: bytes, **changed: object) -> dict[str, Any]:
    form = dict(asyncio.run(browser.app.state.documents.keep(data, "")))
    return {
        "request_id": ID,
        "codice_fiscale": CITIZEN,
        "surname": "Rossi",
        "name": "Mario <b>",
        "birth_date": "1985-12-10",
        "via": "online",
        "received_at": "2026-11-26T13:30:00Z",
        "signed_form": form,
        "document": {
            "kind": "passport",
            "number": "YA0000001",
            "issued_by": "Questura di Pisa",
            "issued_on": "2020-01-02",
            "expires_on": "2030-01-02",
        },
        "document_scan": form,
        "document_expired": False,
        "seen": SEEN,
        **changed,
    }


def _picture() -> bytes:
    written = io.BytesIO()
    Image.new("RGB", (60, 80), "white").save(written, "PNG")
    return written.getvalue()


@pytest.fixture
def shown(desk: Browser) -> Browser:
    """The page of one request, at the contact centre."""
    desk.broker.replies["dispositivo.review_queue"] = accepted(requests=[_request(desk, _picture())])
    return desk.enter("c.centro").open("/review").send("/review").send("/review/request")


def test_the_queue_is_asked_for_on_demand_in_the_name_of_who_is_logged_in(desk: Browser) -> None:
    """Each look at personal data is on record: none is made by opening a page."""
    desk.enter("c.centro").open("/review")
    assert not desk.broker.asked
    desk.broker.replies["dispositivo.review_queue"] = accepted(
        requests=[_request(desk, _picture()), _request(desk, _picture(), surname="Bianchi", via="fax")]
    )
    desk.send("/review", {"operator": "altri", "operator.id": "altri", "office": "altrove"})
    type_, body, message_id = desk.last
    assert type_ == "dispositivo.review_queue"
    assert body == {"limit": 20, "operator": {"id": "c.centro", "office": "Contact Center"}}
    assert UUID(message_id)
    assert desk.text.index("Rossi") < desk.text.index("Bianchi")
    assert "26/11/2026, ore 14:30" in desk.text
    assert CITIZEN not in desk.text  # the list needs no codice fiscale
    assert "<b>" not in desk.html


def test_a_reload_of_the_queue_is_the_same_message(desk: Browser) -> None:
    desk.broker.replies["dispositivo.review_queue"] = accepted(requests=[])
    desk.enter("c.centro").open("/review")
    form = desk.hidden("/review")
    for _ in range(2):
        desk.ask("POST", "/review", data=form)
    assert len({message_id for *_, message_id in desk.broker.asked}) == 1


def test_a_request_is_shown_beside_its_documents(shown: Browser) -> None:
    assert shown.status == 200
    for told in (CITIZEN, "10/12/1985", "Passaporto", "YA0000001", "Questura di Pisa", "02/01/2030"):
        assert told in shown.text
    assert shown.html.count("<iframe") == 2


def _frame(browser: Browser) -> str:
    return browser.html.split('class="pin-document" src="')[1].split('"')[0]


def test_documents_are_drawn_as_pictures_in_a_frame_of_our_own(shown: Browser) -> None:
    address = _frame(shown)
    shown.open(address)
    assert shown.status == 200
    assert "frame-ancestors 'self'" in shown.headers["content-security-policy"]
    answer = shown.ask("GET", f"{address}/1.jpg")
    assert answer.headers["content-type"] == "image/jpeg"
    assert Image.open(io.BytesIO(answer.content)).format == "JPEG"
    assert answer.headers["cache-control"] == "no-store"
    assert shown.ask("GET", f"{address}/2.jpg").status_code == 404


def test_a_document_is_seen_by_the_session_that_it_was_shown_to_and_no_other(shown: Browser) -> None:
    address = _frame(shown)
    shown.open("/").send("/log-out")
    assert shown.open(address).headers["location"] == "/log-in"
    shown.enter("t.tutti")
    assert shown.open(address).status == 400
    assert shown.open(f"{address}/1.jpg").status == 400


@pytest.mark.parametrize(
    ("attachment", "told"),
    [
        ({"uri": "about:blank"}, "altro archivio"),
        ({"uri": "https://example.org/x"}, "altro archivio"),
        ({"sha256": "0" * 64, "uri": f"folder://documents/{'0' * 64}"}, "non si trova più"),
    ],
)
def test_a_document_that_is_not_there_is_said_so(
    desk: Browser, attachment: dict[str, str], told: str
) -> None:
    request = _request(desk, _picture())
    request["signed_form"] = request["signed_form"] | attachment
    desk.broker.replies["dispositivo.review_queue"] = accepted(requests=[request])
    desk.enter("c.centro").open("/review").send("/review").send("/review/request")
    assert told in desk.open(_frame(desk)).text


def test_a_document_that_was_altered_is_not_shown(desk: Browser, tmp_path: Path) -> None:
    request = _request(desk, _picture())
    (tmp_path / "documents" / request["signed_form"]["sha256"]).write_bytes(b"another")
    desk.broker.replies["dispositivo.review_queue"] = accepted(requests=[request])
    desk.enter("c.centro").open("/review").send("/review").send("/review/request")
    assert "non è quello che è stato caricato" in desk.open(_frame(desk)).text


def test_approving_names_the_request_as_it_was_shown(shown: Browser) -> None:
    shown.broker.replies["dispositivo.approve"] = accepted(effective_at="2026-11-28T12:00:00Z", seen="later")
    shown.send("/review/approve", {"codice_fiscale": "another", "operator": "another"})
    type_, body, _ = shown.last
    assert (type_, body) == (
        "dispositivo.approve",
        {
            "codice_fiscale": CITIZEN,
            "request_id": ID,
            "seen": SEEN,
            "operator": {"id": "c.centro", "office": "Contact Center"},
        },
    )
    assert "28/11/2026, ore 13:00" in shown.text


def test_an_approval_is_withdrawn_with_the_seen_that_it_gave(shown: Browser) -> None:
    shown.broker.replies["dispositivo.approve"] = accepted(effective_at="2026-11-28T12:00:00Z", seen="later")
    shown.send("/review/approve").send("/review/cancel", {"reason": "mismatch"})
    assert shown.last[1]["seen"] == "later"
    assert "Richiesta annullata" in shown.text


def test_cancelling_carries_the_reason_and_the_note(shown: Browser) -> None:
    shown.send("/review/cancel", {"reason": "illegible", "note": "La copia è scura."})
    type_, body, _ = shown.last
    assert type_ == "dispositivo.cancel"
    assert (body["reason"], body["note"], body["seen"]) == ("illegible", "La copia è scura.", SEEN)
    assert "Documentazione illeggibile" in shown.text


def test_cancelling_without_a_reason_is_refused_at_its_field_and_keeps_the_note(shown: Browser) -> None:
    asked = len(shown.broker.asked)
    shown.send("/review/cancel", {"note": "Nota scritta"})
    assert shown.status == 422
    assert "Nota scritta" in shown.html
    assert 'href="#f-reason"' in shown.html
    assert len(shown.broker.asked) == asked


@pytest.mark.parametrize("decision", ["approve", "cancel"])
def test_what_changed_since_it_was_seen_is_explained_and_can_be_looked_at_again(
    shown: Browser, decision: str
) -> None:
    shown.broker.replies[f"dispositivo.{decision}"] = rejected("changed_since_seen")
    shown.send(f"/review/{decision}", {"reason": "incomplete"})
    assert shown.status == 409
    assert "Nel frattempo qualcosa è cambiato" in shown.text
    assert shown.hidden("/review")


@pytest.mark.parametrize("code", ["no_open_request", "documents_missing", "internal_error", "some_new_code"])
def test_a_refusal_is_said_in_words(shown: Browser, code: str) -> None:
    shown.broker.replies["dispositivo.approve"] = rejected(code)
    assert shown.send("/review/approve").status == 409
    assert "Operazione non eseguita" in shown.text


def test_who_looks_too_often_is_told(desk: Browser) -> None:
    desk.broker.replies["dispositivo.review_queue"] = rejected("too_many_lookups")
    assert "troppi cittadini" in desk.enter("c.centro").open("/review").send("/review").text


def test_a_decision_of_another_session_or_a_changed_one_is_none(shown: Browser) -> None:
    form = shown.hidden("/review/approve")
    forged = {**form, "shown": form["shown"][:-2] + "xx"}
    asked = len(shown.broker.asked)
    assert shown.ask("POST", "/review/approve", data=forged).status_code == 400
    shown.open("/").send("/log-out")
    shown.enter("t.tutti").open("/review")
    mark = shown.hidden("/review")["csrf"]
    assert shown.ask("POST", "/review/approve", data={**form, "csrf": mark}).status_code == 400
    assert len(shown.broker.asked) == asked


def test_an_approval_that_the_broker_did_not_take_is_sent_again_as_the_same_message(shown: Browser) -> None:
    shown.broker.replies["dispositivo.approve"] = NotTakenError()
    assert shown.send("/review/approve").status == 503
    first = shown.last
    shown.broker.replies["dispositivo.approve"] = None  # and then no reply comes in time
    assert shown.send("/waiting").status == 202
    shown.broker.replies["dispositivo.approve"] = accepted(effective_at="2026-11-28T12:00:00Z")
    assert "Richiesta approvata" in shown.send("/waiting").text
    assert shown.last == first


def test_a_form_in_pdf_is_drawn_page_by_page(desk: Browser) -> None:
    day = date(2026, 11, 1)
    pdf = typeset(
        Form(
            ID,
            "it",
            CITIZEN,
            "Rossi",
            "Mario",
            day,
            "Pisa",
            "PI",
            "M",
            ("Via Roma", "Pisa"),
            (),
            day,
            "online",
        )
    )
    desk.broker.replies["dispositivo.review_queue"] = accepted(requests=[_request(desk, pdf)])
    desk.enter("c.centro").open("/review").send("/review").send("/review/request")
    address = _frame(desk)
    assert "Pagina 1 di 1" in desk.open(address).html
    drawn = Image.open(io.BytesIO(desk.ask("GET", f"{address}/1.jpg").content))
    assert drawn.width == 1240
