"""Asking for the profile: given this account, when this message, then exactly this decision (R22, R23)."""

import base64
import hashlib

import pytest

from services.dispositivo.request_profile import _filled, _lines
from shared.contract.dispositivo import RequestedData
from shared.domain.account import Residence, Status
from tests.unit.decisions import CONTACTS, Event, account, personal, public, told
from tests.unit.dispositivo.flow import approved, ask, asked, changed, code, data, kinds, request_id


def test_the_answer_is_the_prefilled_form() -> None:
    """R22, R23."""
    decision = ask(account())
    form = data(decision)["form"]
    pdf = base64.b64decode(form["content"])
    assert pdf.startswith(b"%PDF-1.7")
    assert form["sha256"] == hashlib.sha256(pdf).hexdigest()
    assert data(decision)["request_id"] == request_id(changed(decision))
    assert decision.reply is not None
    assert RequestedData.model_validate_json(
        decision.reply.body()[decision.reply.body().index(b'{"request') : -1]
    )


def test_the_request_is_on_record_and_told_by_mail() -> None:
    """R22, R27."""
    decision = ask(account())
    assert kinds(decision) == ["dispositivo.requested"]
    assert decision.events == (Event("dispositivo.requested"),)
    (mail,) = told(decision)
    assert (mail.channel, mail.to) == ("email", CONTACTS.email)


def test_a_pec_takes_the_place_of_a_missing_email() -> None:
    """R27."""
    (mail,) = told(ask(account(contacts=CONTACTS.but(email=None))))
    assert (mail.channel, mail.to) == ("pec", CONTACTS.pec)


def test_what_everybody_may_read_says_nothing_of_the_citizen() -> None:
    """R22: the form alone, in the sealed reply, has personal data."""
    decision = ask(account())
    assert not [value for value in personal(account()) if value in public(decision.but(reply=None))]


def test_the_form_leaves_out_the_name_that_a_citizen_does_not_have() -> None:
    """R23."""
    citizen = account()
    assert citizen.holder is not None
    of_one_name = citizen.but(holder=citizen.holder.but(surname="Kaur", name="-"))
    open_request = changed(ask(of_one_name)).dispositivo
    assert open_request is not None
    form = _filled(of_one_name, open_request)
    assert (form.surname, form.name) == ("Kaur", "")


@pytest.mark.parametrize("status", ["none", "issued", "restoring", "revoked", "expired"])
def test_without_an_active_pin_there_is_no_request(status: Status) -> None:
    """R22: the citizen is logged in, which only an active PIN allows."""
    decision = ask(account(status))
    assert code(decision) == "no_active_pin"
    assert decision.account is None


def test_who_is_dispositivo_already_is_told_so() -> None:
    """R22."""
    assert code(ask(account(level="dispositivo"))) == "already_dispositivo"


def test_asking_again_gives_the_same_request_and_form() -> None:
    """R22, R23: the form may have been lost; what was signed stays good."""
    first = ask(account())
    second = ask(changed(first))
    assert second.reply == first.reply
    assert second == second.but(account=None, entries=(), events=(), deliveries=())


def test_asking_again_may_choose_another_way_to_hand_it_in() -> None:
    """R24."""
    citizen = asked()
    decision = ask(citizen, submission="fax")
    assert data(decision)["request_id"] == request_id(citizen)
    assert kinds(decision) == ["dispositivo.submission_changed"]
    assert not decision.events


def test_asking_again_after_the_approval_changes_nothing_of_it() -> None:
    """R29."""
    citizen = approved()
    assert ask(citizen).account is None


@pytest.mark.parametrize("language", ["it", "de"])
@pytest.mark.parametrize("submission", ["online", "fax", "branch"])
def test_the_form_is_there_for_every_way_and_language(language: str, submission: str) -> None:
    """R24, R33."""
    assert code(ask(account(language=language), submission=submission)) == "accepted"  # type: ignore[arg-type]


def test_a_home_abroad_stands_with_its_lines_and_country() -> None:
    """R1, R23."""
    home = Residence(country="AT", municipality="Wien", postal_code="1010", lines=("Ring 1", "Tür 2"))
    assert _lines(home) == ("Ring 1", "Tür 2", "1010 Wien", "AUSTRIA")
