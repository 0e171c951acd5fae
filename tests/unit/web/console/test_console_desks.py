"""The telephone (R21), the counter (R26), the fax (R24) and recognition (R8)."""

import io
import json
from datetime import date
from typing import Any

import pypdfium2
import pytest
from PIL import Image

from services.dispositivo.application import Form
from services.dispositivo.form import typeset
from shared.contract.dispositivo import BranchActivate, SubmitDocuments
from shared.contract.issuer import PinRequest
from shared.contract.revoker import RevokeByContactCentre
from tests.unit.web.console.browser import CITIZEN, ID, Browser, accepted, rejected

CENTRE = {"id": "c.centro", "office": "Contact Center"}
BRANCH = {"id": "s.sede", "office": "Sede di Pisa"}
PASSPORT = {
    "kind": "passport",
    "number": "YA0000001",
    "issued_by": "Questura di Pisa",
    "issued_on": "2020-01-02",
    "expires_on": "2030-01-02",
}
TYPED = {f"document.{name}": value for name, value in PASSPORT.items()}


def test_a_revocation_by_phone_is_checked_asked_once_more_and_sent(desk: Browser) -> None:
    desk.enter("c.centro").open("/phone")
    desk.send("/phone", {"codice_fiscale": " rssmra85t10a562s ", "reason": "Nessuna tessera sanitaria"})
    assert not desk.broker.asked
    assert CITIZEN in desk.text
    desk.send("/phone/revoke", {"codice_fiscale": "another"})
    type_, body, _ = desk.last
    assert type_ == "revoke.by_contact_centre"
    assert body == {"codice_fiscale": CITIZEN, "reason": "Nessuna tessera sanitaria", "operator": CENTRE}
    RevokeByContactCentre.model_validate(body)
    assert "PIN revocato" in desk.text


@pytest.mark.parametrize(("codice_fiscale", "reason"), [("RSSMRA85T10A562X", "x"), (CITIZEN, ""), ("", "x")])
def test_a_revocation_that_is_not_complete_is_refused_at_its_field(
    desk: Browser, codice_fiscale: str, reason: str
) -> None:
    desk.enter("c.centro").open("/phone").send("/phone", {"codice_fiscale": codice_fiscale, "reason": reason})
    assert desk.status == 422
    assert 'id="faults"' in desk.html
    assert not desk.broker.asked


def test_a_citizen_without_a_pin_has_none_to_be_revoked(desk: Browser) -> None:
    desk.broker.replies["revoke.by_contact_centre"] = rejected("no_live_pin")
    desk.enter("c.centro").open("/phone").send("/phone", {"codice_fiscale": CITIZEN, "reason": "x"})
    assert "non ha un PIN da revocare" in desk.send("/phone/revoke").text


def _person(**changed: object) -> dict[str, Any]:
    return {
        "surname": "Rossi",
        "name": "Mario",
        "birth_date": "1985-12-10",
        "sex": "M",
        "birth_province": "PI",
        "birth_place": "San Giuliano Terme",
        "residence": {
            "country": "IT",
            "street": "Via Giuseppe Mazzini",
            "number": "12/A",
            "municipality": "San Giuliano Terme",
            "province": "PI",
            "postal_code": "56017",
        },
        "contacts": {"home_phone": None, "mobile": "+393331234567", "email": "m@example.com", "pec": None},
        "document": PASSPORT,
        "seen": "seen-1",
        **changed,
    }


def _looked_up(desk: Browser, **changed: object) -> Browser:
    desk.broker.replies["branch.lookup"] = accepted(**_person(**changed))
    return desk.enter("s.sede").open("/branch").send("/branch", {"codice_fiscale": CITIZEN.lower()})


def test_a_citizen_is_looked_up_in_the_name_of_who_is_logged_in(desk: Browser) -> None:
    _looked_up(desk)
    assert desk.last[:2] == ("branch.lookup", {"codice_fiscale": CITIZEN, "operator": BRANCH})
    for told in ("Rossi Mario", "10/12/1985", "Via Giuseppe Mazzini 12/A", "56017 San Giuliano Terme (PI)"):
        assert told in desk.text
    assert 'value="YA0000001"' in desk.html


def test_a_residence_abroad_is_shown_by_its_lines(desk: Browser) -> None:
    abroad = {
        "country": "DE",
        "lines": ["Hauptstr. 1", "Hinterhaus"],
        "municipality": "Ulm",
        "postal_code": "89073",
    }
    assert "Hauptstr. 1, Hinterhaus" in _looked_up(desk, residence=abroad).text


def test_an_activation_carries_the_document_as_corrected_and_says_what_was(desk: Browser) -> None:
    _looked_up(desk)
    corrected = TYPED | {"document.number": "YB0000002"}
    desk.send("/branch/activate", {**corrected, "recognised": "yes", "seen": "forged", "operator": "forged"})
    type_, body, _ = desk.last
    assert type_ == "branch.activate"
    assert body["document"] == PASSPORT | {"number": "YB0000002"}
    assert (body["seen"], body["operator"], body["codice_fiscale"]) == ("seen-1", BRANCH, CITIZEN)
    BranchActivate.model_validate_json(json.dumps(body))
    assert "Dati corretti" in desk.text
    assert "Rilasciato da" not in desk.text


def test_an_activation_without_the_declaration_or_with_a_fault_keeps_what_was_typed(desk: Browser) -> None:
    _looked_up(desk)
    asked = len(desk.broker.asked)
    desk.send(
        "/branch/activate", {**TYPED, "document.number": "YB0000002", "document.expires_on": "2019-01-01"}
    )
    assert desk.status == 422
    assert 'value="YB0000002"' in desk.html
    assert 'id="f-document-expires_on-fault"' in desk.html
    assert 'id="f-recognised-fault"' in desk.html
    assert len(desk.broker.asked) == asked


def test_a_citizen_who_changed_since_the_look_is_looked_up_again(desk: Browser) -> None:
    _looked_up(desk)
    desk.broker.replies["branch.activate"] = rejected("changed_since_seen")
    desk.send("/branch/activate", {**TYPED, "recognised": "yes"})
    assert "Nel frattempo qualcosa è cambiato" in desk.text


@pytest.mark.parametrize("code", ["no_active_pin", "too_many_lookups"])
def test_a_lookup_that_shows_nobody_says_why(desk: Browser, code: str) -> None:
    desk.broker.replies["branch.lookup"] = rejected(code)
    desk.enter("s.sede").open("/branch").send("/branch", {"codice_fiscale": CITIZEN})
    assert desk.status == 409
    assert "è stata rifiutata (" not in desk.text


def _faxed() -> bytes:
    """Return a form as a fax machine scans it: 204 by 98 points an inch, black and white."""
    day = date(2026, 11, 1)
    pdf = typeset(
        Form(
            ID, "it", CITIZEN, "Rossi", "Mario", day, "Pisa", "PI", "M", ("Via Roma", "Pisa"), (), day, "fax"
        )
    )
    page = pypdfium2.PdfDocument(pdf)[0].render(scale=300 / 72).to_pil().convert("L")
    written = io.BytesIO()
    page.resize((1728, 1146)).convert("1").resize((1728, 2292)).save(written, "PNG")
    return written.getvalue()


def _file(name: str, data: bytes, type_: str = "image/png") -> dict[str, tuple[str, bytes, str]]:
    return {name: ("fax.png", data, type_)}


def test_the_number_of_the_request_is_read_from_the_fax_and_it_gets_into_the_queue(
    desk: Browser,
) -> None:
    desk.enter("c.centro").open("/fax").send("/fax", files=_file("signed_form", _faxed()))
    assert f'value="{ID}"' in desk.html
    assert "è stato letto dal codice" in desk.text
    assert desk.html.count("<iframe") == 1
    desk.send("/fax/submit", {"request_id": ID, "codice_fiscale": CITIZEN, **TYPED})
    type_, body, _ = desk.last
    assert type_ == "dispositivo.submit_documents"
    assert (body["via"], body["request_id"], body["document"], body["operator"]) == (
        "fax",
        ID,
        PASSPORT,
        CENTRE,
    )
    assert body["signed_form"] == body["document_scan"]
    SubmitDocuments.model_validate_json(json.dumps(body))
    assert "Fax registrato" in desk.text


def _blank(colour: str = "white") -> bytes:
    written = io.BytesIO()
    Image.new("RGB", (60, 80), colour).save(written, "PNG")
    return written.getvalue()


def test_a_code_that_cannot_be_read_is_typed_and_a_document_may_come_apart(desk: Browser) -> None:
    files = _file("signed_form", _blank()) | _file("document_scan", _blank("grey"))
    desk.enter("c.centro").open("/fax").send("/fax", files=files)
    assert "non è leggibile" in desk.text
    assert desk.html.count("<iframe") == 2
    desk.send("/fax/submit", {"request_id": ID, "codice_fiscale": CITIZEN, **TYPED})
    assert desk.last[1]["signed_form"] != desk.last[1]["document_scan"]


def test_a_fax_of_no_open_request_keeps_its_scans_and_details(desk: Browser) -> None:
    desk.broker.replies["dispositivo.submit_documents"] = rejected("no_open_request")
    desk.enter("c.centro").open("/fax").send("/fax", files=_file("signed_form", _blank()))
    desk.send("/fax/submit", {"request_id": ID, "codice_fiscale": CITIZEN, **TYPED})
    assert "Nessuna richiesta aperta ha questo numero" in desk.text
    assert 'value="YA0000001"' in desk.html
    desk.broker.replies.clear()
    assert (
        "Fax registrato"
        in desk.send("/fax/submit", {"request_id": ID, "codice_fiscale": CITIZEN, **TYPED}).text
    )


@pytest.mark.parametrize(
    ("data", "type_"), [(b"", "image/png"), (b"<script>", "image/png"), (b"<svg/>", "image/svg+xml")]
)
def test_a_file_that_is_no_scan_is_refused(desk: Browser, data: bytes, type_: str) -> None:
    desk.enter("c.centro").open("/fax").send("/fax", files=_file("signed_form", data, type_))
    assert desk.status == 422
    assert 'id="f-signed_form-fault"' in desk.html


REQUEST = {
    "codice_fiscale": CITIZEN,
    "surname": "Rossi",
    "name": "Mario",
    "birth_date": "1985-12-10",
    "sex": "M",
    "birth_province": "pi",
    "birth_place": "San Giuliano Terme",
    "lives": "italy",
    "residence.street": "Via Giuseppe Mazzini",
    "residence.number": "12/A",
    "residence.municipality": "San Giuliano Terme",
    "residence.province": "pi",
    "residence.postal_code": "56017",
    "residence.country": "DE",  # left from a change of mind
    "contacts.mobile": "+393331234567",
    "contacts.email": "mario.rossi@example.com",
    "preferred_phone": "mobile",
    "preferred_time": "any",
    "language": "it",
    **{f"recognition.document.{name}": value for name, value in PASSPORT.items()},
    "recognised": "yes",
}


@pytest.mark.parametrize(
    ("name", "kind", "operator"), [("s.sede", "de_visu", BRANCH), ("c.centro", "signed_request", CENTRE)]
)
def test_each_desk_vouches_for_a_citizen_in_its_own_way(
    desk: Browser, name: str, kind: str, operator: dict[str, str]
) -> None:
    """R8: in person at a branch, by a signed request at the contact centre."""
    desk.enter(name).open("/recognition").send("/recognition", {**REQUEST, "recognition.kind": kind})
    type_, body, _ = desk.last
    assert type_ == "pin.request"
    assert body["recognition"] == {"kind": kind, "operator": operator, "document": PASSPORT}
    assert body["residence"]["country"] == "IT"
    assert "lives" not in body
    assert not list(PinRequest.model_validate_json(json.dumps(body)).disagreements_within())
    assert "Richiesta registrata" in desk.text


def test_a_desk_cannot_vouch_in_the_way_of_the_other(desk: Browser) -> None:
    desk.enter("c.centro").open("/recognition")
    assert desk.send("/recognition", {**REQUEST, "recognition.kind": "de_visu"}).status == 403
    assert not desk.broker.asked


def test_a_citizen_abroad_is_written_to_by_lines(desk: Browser) -> None:
    abroad = {
        "lives": "abroad",
        "residence.country": "de",
        "residence.line_1": "Hauptstr. 1",
        "residence.municipality": "Ulm",
        "residence.postal_code": "89073",
    }
    desk.enter("s.sede").open("/recognition").send("/recognition", {**REQUEST, **abroad})
    assert desk.last[1]["residence"] == {
        "country": "DE",
        "lines": ["Hauptstr. 1"],
        "municipality": "Ulm",
        "postal_code": "89073",
    }


def test_every_fault_of_a_request_is_at_its_field(desk: Browser) -> None:
    wrong = REQUEST | {
        "surname": "Bianchi",
        "contacts.email": "",
        "residence.postal_code": "00100",
        "recognised": "",
    }
    desk.enter("s.sede").open("/recognition").send("/recognition", wrong)
    assert desk.status == 422
    for field in ("surname", "contacts", "residence-postal_code", "recognised"):
        assert f'href="#f-{field}"' in desk.html, field
    assert 'value="Bianchi"' in desk.html
    assert not desk.broker.asked
