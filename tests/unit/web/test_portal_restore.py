"""Restoring, and the links of mails (R13 to R15, R20)."""

import base64
import json
from pathlib import Path

import pytest
from nacl.public import PrivateKey, SealedBox

from tests.unit.web.citizen import Citizen, rejected

CITIZEN = "RSSMRA85T10A562S"
TOKEN = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def citizen(tmp_path: Path) -> Citizen:
    return Citizen(tmp_path)


async def test_a_restore_names_two_registered_contacts(citizen: Citizen) -> None:
    """R13."""
    await citizen.open("/restore")
    await citizen.send(
        "/restore",
        codice_fiscale=CITIZEN,
        contacts__mobile="0039 333 1234567",
        contacts__pec="mario@pec.example",
    )
    contacts = {"mobile": "+393331234567", "pec": "mario@pec.example"}
    type_, body, _ = citizen.broker.asked[0]
    assert (type_, body) == ("restore.request", {"codice_fiscale": CITIZEN, "contacts": contacts})
    # Whether they match is not said (R14).
    assert "Se i dati inseriti corrispondono" in citizen.said


async def test_one_contact_is_too_few(citizen: Citizen) -> None:
    """R13."""
    await citizen.open("/restore")
    await citizen.send("/restore", codice_fiscale=CITIZEN, contacts__email="mario.rossi@example.com")
    assert citizen.faults == {"contacts-mobile": "Indichi almeno due recapiti tra cellulare, email e PEC."}
    assert citizen.form["contacts.email"] == "mario.rossi@example.com"
    assert citizen.broker.asked == []


async def test_a_refused_restore_shows_what_was_typed(citizen: Citizen) -> None:
    citizen.broker.reply = rejected("invalid", ("contacts.email", "invalid_address"))
    await citizen.open("/restore")
    await citizen.send(
        "/restore", codice_fiscale=CITIZEN, contacts__mobile="3331234567", contacts__email="a@b.it"
    )
    assert citizen.faults == {"contacts-email": "L'indirizzo non è valido."}


@pytest.mark.parametrize("flow", ["restore", "revoke"])
async def test_opening_a_link_changes_nothing_and_confirming_it_does(citizen: Citizen, flow: str) -> None:
    """A program that looks for harm in mails opens every link."""
    await citizen.open(f"/{flow}/confirm?token={TOKEN}")
    assert citizen.broker.asked == []
    assert citizen.page.headers["referrer-policy"] == "no-referrer"
    await citizen.send(f"/{flow}/confirm", codice_fiscale=CITIZEN.lower())
    type_, body, _ = citizen.broker.asked[0]
    assert (type_, set(body)) == (f"{flow}.confirm", {"codice_fiscale", "token_sealed"})


async def test_the_token_is_sealed_to_the_revoker_and_bound_to_its_command(tmp_path: Path) -> None:
    citizen, key = Citizen(tmp_path), PrivateKey.generate()
    (tmp_path / "revoker.pub").write_text(base64.b64encode(bytes(key.public_key)).decode())
    await citizen.open(f"/restore/confirm?token={TOKEN}")
    await citizen.send("/restore/confirm", codice_fiscale=CITIZEN)
    _, body, message_id = citizen.broker.asked[0]
    opened = json.loads(SealedBox(key).decrypt(base64.b64decode(body["token_sealed"])))
    assert opened == {"v": 2, "token": TOKEN, "codice_fiscale": CITIZEN, "message_id": message_id}


async def test_a_wrong_codice_fiscale_keeps_the_link_in_the_form(citizen: Citizen) -> None:
    await citizen.open(f"/revoke/confirm?token={TOKEN}")
    await citizen.send("/revoke/confirm", codice_fiscale="RSSMRA85T10")
    assert citizen.faults.keys() == {"codice_fiscale"}
    await citizen.send("/revoke/confirm", codice_fiscale=CITIZEN)
    assert "Il PIN è stato annullato" in citizen.said


@pytest.mark.parametrize("flow", ["restore", "revoke"])
async def test_a_link_that_was_used_says_so_and_offers_another(citizen: Citizen, flow: str) -> None:
    citizen.broker.reply = rejected("link_invalid")
    await citizen.open(f"/{flow}/confirm?token={TOKEN}")
    await citizen.send(f"/{flow}/confirm", codice_fiscale=CITIZEN)
    assert "Il collegamento non è valido" in citizen.said
    assert f'href="/{flow}"' in citizen.html


@pytest.mark.parametrize("token", ["", "?token=", "?token=%22%3E%3Cscript%3E", "?token=" + 200 * "a"])
async def test_a_link_that_was_cut_or_made_up_is_no_link(citizen: Citizen, token: str) -> None:
    await citizen.open(f"/restore/confirm{token}")
    assert citizen.page.status_code == 400
    assert "Il collegamento non è valido" in citizen.said


async def test_a_confirmation_that_fails_inside_says_whom_to_call(citizen: Citizen) -> None:
    citizen.broker.reply = rejected("internal_error")
    await citizen.open(f"/restore/confirm?token={TOKEN}")
    await citizen.send("/restore/confirm", codice_fiscale=CITIZEN)
    assert "Chiami il Contact Center" in citizen.said
