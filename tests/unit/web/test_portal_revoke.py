"""Revoking with the health card and the control code (R19)."""

import io
import tomllib
import wave
from pathlib import Path

import pytest
from PIL import Image

from deploy.web import portal, sounds
from deploy.web.pages import LANGUAGES
from deploy.web.portal.control_code import ALPHABET, ControlCodes
from tests.unit.web.citizen import Citizen, rejected, settings

CARD = {
    "codice_fiscale": "RSSMRA85T10A562S",
    "health_card__number": "8038 0000 1234 5678 9012",
    "health_card__expires_on": "31/12/2030",
    "email": "mario.rossi@example.com",
}
BODY = {
    "codice_fiscale": "RSSMRA85T10A562S",
    "health_card": {"number": "80380000123456789012", "expires_on": "2030-12-31"},
    "email": "mario.rossi@example.com",
}


@pytest.fixture
def citizen(tmp_path: Path) -> Citizen:
    return Citizen(tmp_path)


def codes(citizen: Citizen) -> ControlCodes:
    made: ControlCodes = citizen.app.state.control_codes
    return made


def shown(citizen: Citizen) -> str:
    """What a person reads in the picture of the page."""
    code = codes(citizen).read(citizen.form["control_code_shown"], citizen.session)
    assert code
    return code.text


async def send(citizen: Citizen, answer: str, **changed: str) -> None:
    await citizen.send("/revoke", **CARD | changed, control_code=answer)


async def test_with_the_right_code_the_revocation_is_asked_for(citizen: Citizen) -> None:
    """R19."""
    await citizen.open("/revoke")
    await send(citizen, f" {shown(citizen).lower()} ")
    assert [(type_, body) for type_, body, _ in citizen.broker.asked] == [("revoke.request", BODY)]
    assert "Se i dati inseriti corrispondono" in citizen.said


async def test_a_wrong_answer_publishes_nothing_and_brings_a_new_code(citizen: Citizen) -> None:
    await citizen.open("/revoke")
    before, right = citizen.form["control_code_shown"], shown(citizen)
    await send(citizen, "ZZZZZZZ")
    assert citizen.faults == {
        "control_code": "Il codice non corrispondeva. Eccone uno nuovo: lo ricopi di nuovo."
    }
    assert citizen.form["control_code"] == ""
    assert citizen.form["health_card.number"] == CARD["health_card__number"]
    assert citizen.form["control_code_shown"] != before
    # The first one was checked: it is of no use any more.
    await citizen.send("/revoke", **CARD, control_code=right, control_code_shown=before)
    assert citizen.faults["control_code"] == "Il codice era già stato usato. Eccone uno nuovo."
    assert citizen.broker.asked == []


async def test_a_double_click_has_one_effect(citizen: Citizen) -> None:
    await citizen.open("/revoke")
    page, right = citizen.page, shown(citizen)
    for _ in range(2):
        citizen.page = page
        await send(citizen, right)
    assert citizen.broker.asked[0] == citizen.broker.asked[1]
    assert "Se i dati inseriti corrispondono" in citizen.said


async def test_a_code_is_good_for_one_form_alone(citizen: Citizen) -> None:
    await citizen.open("/revoke")
    page, right = citizen.page, shown(citizen)
    await send(citizen, right)
    citizen.page = page
    await send(citizen, right, codice_fiscale="BNCLRA80A41H501D")
    assert citizen.faults["control_code"] == "Il codice era già stato usato. Eccone uno nuovo."
    assert len(citizen.broker.asked) == 1


async def test_across_replicas_one_code_leads_to_one_message_id(tmp_path: Path) -> None:
    one = Citizen(tmp_path)
    await one.open("/revoke")
    page, right = one.page, shown(one)
    await send(one, right)
    another = portal.application(settings(tmp_path))
    another.state.commands = one.broker
    elsewhere = one.at(another)
    elsewhere.page = page
    await send(elsewhere, right, email="another@example.com")
    (_, first, first_id), (_, second, second_id) = one.broker.asked
    assert first != second
    assert first_id == second_id, "so that a worker refuses the second: message_id_reused"


async def test_a_code_that_another_process_used_is_used(citizen: Citizen) -> None:
    citizen.broker.reply = rejected("message_id_reused")
    await citizen.open("/revoke")
    await send(citizen, shown(citizen))
    assert citizen.faults == {"control_code": "Il codice era già stato usato. Eccone uno nuovo."}
    assert citizen.form["health_card.expires_on"] == "31/12/2030"


async def test_other_faults_leave_the_code_to_be_answered(citizen: Citizen) -> None:
    await citizen.open("/revoke")
    before, right = citizen.form["control_code_shown"], shown(citizen)
    await send(citizen, right, health_card__number="123", email="")
    assert citizen.faults.keys() == {"health_card-number", "email"}
    assert citizen.form["control_code_shown"] == before
    assert citizen.form["control_code"] == right
    await citizen.send("/revoke", **CARD)
    assert len(citizen.broker.asked) == 1


async def test_a_code_that_is_not_answered_is_named(citizen: Citizen) -> None:
    await citizen.open("/revoke")
    await send(citizen, "")
    assert citizen.faults == {"control_code": "Il dato manca."}


async def test_a_new_code_on_demand_keeps_what_was_typed(citizen: Citizen) -> None:
    """R19."""
    await citizen.open("/revoke")
    before = citizen.form["control_code_shown"]
    await citizen.send("/revoke/control-code", **CARD, control_code="half")
    assert citizen.page.status_code == 200
    assert citizen.form["control_code_shown"] != before
    assert citizen.form["email"] == CARD["email"]
    assert citizen.form["control_code"] == ""
    await citizen.open("/revoke/control-code")
    assert citizen.page.url.path == "/revoke"


async def test_the_code_is_shown_and_heard(citizen: Citizen) -> None:
    await citizen.open("/revoke")
    picture = await citizen.fetch(citizen.address_of(r"/control-code/[^\"]*\.png"))
    assert Image.open(io.BytesIO(picture.content)).size == (300, 100)
    address = citizen.address_of(r"/control-code/[^\"]*\.wav")
    heard = await citizen.fetch(address)
    with wave.open(io.BytesIO(heard.content)) as sound:
        assert 5 < sound.getnframes() / sound.getframerate() < 20
    part = await citizen.fetch(address, range="bytes=10-19")
    assert (part.status_code, part.content) == (206, heard.content[10:20])
    assert part.headers["content-range"] == f"bytes 10-19/{len(heard.content)}"
    assert (await citizen.fetch(address, range="bytes=99999999-")).status_code == 416


async def test_nobody_else_sees_or_answers_a_code(citizen: Citizen, tmp_path: Path) -> None:
    await citizen.open("/revoke")
    address, token, right = (
        citizen.address_of(r"/control-code/[^\"]*\.png"),
        "control_code_shown",
        shown(citizen),
    )
    another = Citizen(tmp_path, citizen.app)
    await another.open("/revoke")
    assert (await another.fetch(address)).status_code == 404
    await another.send("/revoke", **CARD, control_code=right, **{token: citizen.form[token]})
    assert another.faults["control_code"] == "Il codice era scaduto. Eccone uno nuovo."


def test_a_thousand_wrong_answers_lead_to_nothing() -> None:
    made, codes = ControlCodes(b"secret"), [ControlCodes(b"secret").new("a session") for _ in range(20)]
    outcomes = [made.check(token, "a session", f"{at:07}", {}) for at in range(50) for token in codes]
    assert outcomes.count("wrong") == 20, "each code is checked once"
    assert outcomes.count("used") == 980


def test_the_token_tells_nothing_of_the_code() -> None:
    made = ControlCodes(b"secret")
    token = made.new("a session")
    code = made.read(token, "a session")
    assert code
    assert len(code.text) == 7
    assert set(code.text) <= set(ALPHABET)
    assert code.text not in repr(code)
    assert ControlCodes(b"another secret").read(token, "a session") is None
    assert made.read(token[:-2] + "AA", "a session") is None
    assert made.read("no token", "a session") is None


def test_a_code_expires_after_ten_minutes(monkeypatch: pytest.MonkeyPatch) -> None:
    made = ControlCodes(b"secret")
    token = made.new("a session")
    code = made.read(token, "a session")
    assert code
    monkeypatch.setattr("deploy.web.portal.control_code.time.time", lambda: code.until + 1)
    assert made.check(token, "a session", code.text, {}) == "expired"


def test_checked_codes_are_forgotten_when_they_have_expired(monkeypatch: pytest.MonkeyPatch) -> None:
    made = ControlCodes(b"secret")
    token = made.new("a session")
    code = made.read(token, "a session")
    assert code
    assert made.check(token, "a session", "wrong", {}) == "wrong"
    monkeypatch.setattr("deploy.web.portal.control_code.time.time", lambda: code.until + 1)
    assert made.check(made.new("a session"), "a session", "wrong", {}) == "wrong"
    assert len(made._checked) == 1


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_character_is_said_in_both_languages(language: str) -> None:
    words = tomllib.loads((sounds.HERE / "words.toml").read_text(encoding="utf-8"))[language]
    files = {path.stem for path in (sounds.HERE / language).glob("*.wav")}
    assert set(words) == files == set(ALPHABET)
    lengths = {character: len(sounds.recording(language, character)) / sounds.RATE for character in ALPHABET}
    assert {character: length for character, length in lengths.items() if not 0.2 < length < 3} == {}
