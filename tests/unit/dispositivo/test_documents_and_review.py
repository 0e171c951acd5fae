"""Documents come in, operators look and decide (R24, R25, R27, R28)."""

from datetime import timedelta

import pytest

from services.dispositivo import documents, queue
from shared.contract.dispositivo import ReviewData
from shared.domain.account import Account
from shared.domain.decision import Decision
from tests.unit.decisions import CONTACTS, NOW, POLICY, Event, account, moment, personal, public, read, told
from tests.unit.dispositivo.flow import (
    approve,
    approved,
    ask,
    asked,
    cancel,
    changed,
    code,
    data,
    ended,
    events,
    facing,
    kinds,
    request_id,
    submit,
    submitted,
)

OTHER_REQUEST = "5b8f6a0e-3c52-4c8e-8d5e-0f7a1c2b3d4e"
EXPIRED = {
    "kind": "passport",
    "number": "YA1234567",
    "issued_by": "Questura di Pisa",
    "issued_on": "2014-01-10",
    "expires_on": "2026-11-21",
}


def look(*citizens: Account) -> Decision:
    return queue.show(Account(), read("dispositivo.review_queue"), facing(waiting=citizens))


def test_documents_put_the_request_into_the_queue() -> None:
    """R24, R25."""
    decision = submit(asked())
    assert code(decision) == "accepted"
    assert changed(decision).review_since == NOW
    assert decision.events == (Event("dispositivo.documents_received"),)


def test_later_documents_replace_earlier_ones_and_keep_their_place() -> None:
    """R24, R25."""
    later = NOW + timedelta(hours=1)
    citizen = submitted(submitted(), later, via="fax", document=EXPIRED)
    assert citizen.review_since == NOW
    request = citizen.dispositivo
    assert request is not None
    assert request.via == "fax"
    assert request.received_at == later
    assert request.document is not None
    assert request.document.number == "YA1234567"


def test_documents_of_one_batch_keep_their_order() -> None:
    """R25: in order of arrival."""
    first, second = (changed(submit(asked(), order=order)).review_since for order in (0, 1))
    assert first is not None
    assert second is not None
    assert first < second


@pytest.mark.parametrize("citizen", [account(), asked(), approved(), ended(asked())], ids=str)
def test_documents_need_their_own_open_request(citizen: Account) -> None:
    """R24: another's request, none, a decided one, or one whose PIN was revoked takes no documents."""
    own = citizen.dispositivo is not None and citizen.dispositivo.approved_at is not None
    wanted = request_id(citizen) if own else OTHER_REQUEST
    decision = submit(citizen, request_id=wanted)
    assert code(decision) == "no_open_request"
    assert decision.account is None


def test_the_operator_sees_what_is_needed_and_no_more() -> None:
    """R25."""
    (shown,) = data(look(submitted()))["requests"]
    assert set(shown) == {
        "request_id", "codice_fiscale", "surname", "name", "birth_date", "via", "received_at",
        "signed_form", "document", "document_scan", "document_expired", "seen",
    }  # fmt: skip
    assert CONTACTS.mobile is not None
    assert CONTACTS.mobile not in str(shown)


def test_the_queue_answers_as_the_contract_says() -> None:
    """R25."""
    decision = look(submitted())
    assert decision.reply is not None
    body = decision.reply.body()
    assert ReviewData.model_validate_json(body[body.index(b'{"requests') : -1]).requests


def test_every_look_is_an_entry_with_the_operator() -> None:
    """R25."""
    citizen = submitted()
    (entry,) = look(citizen).entries
    assert (entry.kind, entry.subject) == ("personal_data.seen", citizen.subject)
    assert entry.data["request_id"] == request_id(citizen)
    hidden = look(citizen).but(reply=None)
    assert not [value for value in personal(citizen) if value in public(hidden)]


def test_an_expired_document_is_flagged_not_refused() -> None:
    """R25: the operator judges it."""
    (shown,) = data(look(submitted(document=EXPIRED)))["requests"]
    assert shown["document_expired"] is True
    (shown,) = data(look(submitted(document={**EXPIRED, "expires_on": "2026-11-22"})))["requests"]
    assert shown["document_expired"] is False


def test_what_was_decided_meanwhile_is_not_shown() -> None:
    """R25: two operators."""
    citizen = approved()
    decision = look(citizen, account("none", subject=b"another citizen."))
    assert data(decision) == {"requests": []}
    assert not decision.entries


def test_a_queue_without_requests_is_empty() -> None:
    """R25."""
    assert data(look()) == {"requests": []}


def test_approving_needs_the_documents() -> None:
    """R25, R28."""
    decision = approve(asked())
    assert code(decision) == "documents_missing"
    assert decision.account is None


def test_an_approval_is_told_with_its_time_and_recorded_with_its_operator() -> None:
    """R25, R27, R29."""
    decision = approve(submitted())
    assert data(decision)["effective_at"] == "2026-11-23T13:30:00.000Z"
    assert decision.events == (Event("dispositivo.approved", {"effective_at": "2026-11-23T13:30:00.000Z"}),)
    (entry,) = decision.entries
    assert entry.kind == "dispositivo.approved"
    (mail,) = told(decision)
    assert (mail.channel, mail.to) == ("email", CONTACTS.email)
    assert "23/11/2026, ore 14:30" in mail.text
    assert changed(decision).review_since is None
    assert changed(decision).level == "online"


def test_of_two_operators_one_decision_holds() -> None:
    """R25: the other is rejected."""
    assert code(approve(approved())) == "no_open_request"
    citizen = submitted()
    cancelled = changed(cancel(citizen))
    assert code(approve(cancelled, request_id=request_id(citizen))) == "no_open_request"
    assert code(approve(submitted(), request_id=OTHER_REQUEST)) == "no_open_request"


@pytest.mark.parametrize(
    ("reason", "words"),
    [("incomplete", "incompleta"), ("illegible", "non è leggibile"), ("mismatch", "non corrispondono")],
)
def test_a_cancelled_request_is_told_with_its_reason(reason: str, words: str) -> None:
    """R28."""
    decision = cancel(submitted(), reason=reason)
    assert code(decision) == "accepted"
    assert decision.events == (Event("dispositivo.cancelled", {"reason": reason}),)
    (mail,) = told(decision)
    assert words in mail.text
    assert changed(decision).dispositivo is None
    assert changed(decision).review_since is None


def test_the_operators_note_stays_in_the_sealed_state() -> None:
    """R28: it is free text about a person."""
    decision = cancel(submitted(), note="Signed by Anna Bianchi.")
    assert "Bianchi" not in public(decision)
    cancelled = changed(decision).cancelled
    assert cancelled is not None
    assert cancelled.note == "Signed by Anna Bianchi."


def test_who_was_cancelled_may_ask_again() -> None:
    """R28."""
    citizen = submitted()
    decision = ask(changed(cancel(citizen)), NOW + timedelta(minutes=1))
    assert code(decision) == "accepted"
    assert data(decision)["request_id"] != request_id(citizen)


@pytest.mark.parametrize(
    "citizen", [asked(), submitted(), approved()], ids=["asked", "submitted", "approved"]
)
def test_a_request_can_be_cancelled_until_it_takes_effect(citizen: Account) -> None:
    """R28, R29."""
    decision = cancel(citizen)
    assert kinds(decision) == ["dispositivo.cancelled"]
    assert events(decision) == ["dispositivo.cancelled"]


def test_another_request_is_not_cancelled() -> None:
    """R28."""
    assert code(cancel(submitted(), request_id=OTHER_REQUEST)) == "no_open_request"


BAD = {"uri": "javascript:fetch('//evil.example')", "sha256": "0" * 64, "media_type": "application/pdf"}
INSIDE = {**BAD, "uri": "https://169.254.169.254/latest/meta-data/"}


@pytest.mark.parametrize("file", [BAD, INSIDE], ids=["script", "link-local"])
@pytest.mark.parametrize("field", ["signed_form", "document_scan"])
def test_an_attachment_that_would_harm_a_console_is_refused_with_its_field(
    field: str, file: dict[str, str]
) -> None:
    """R24: the rest of the request stays as it was."""
    decision = submit(asked(), NOW, 0, **{field: file})
    assert decision.reply is not None
    assert (decision.reply.code, decision.account, decision.entries) == ("invalid", None, ())
    assert [(fault.field, fault.code) for fault in decision.reply.errors] == [
        (f"{field}.uri", "uri_not_allowed")
    ]
    assert file["uri"] not in public(decision)


def test_the_address_is_judged_before_the_request_is_known() -> None:
    """R24: every fault is told, whoever asks."""
    decision = submit(account("none"), request_id=OTHER_REQUEST, signed_form=BAD, document_scan=INSIDE)
    assert decision.reply is not None
    assert [fault.field for fault in decision.reply.errors] == ["signed_form.uri", "document_scan.uri"]


def test_an_address_that_was_allowed_once_leads_nowhere() -> None:
    """R24, R25: documents that a release before took in, or that a narrower setting no longer allows."""
    citizen = submitted()
    request = citizen.dispositivo
    assert request is not None
    assert request.signed_form is not None
    old = citizen.but(dispositivo=request.but(signed_form=request.signed_form.but(uri=BAD["uri"])))
    (shown,) = data(look(old))["requests"]
    assert shown["signed_form"]["uri"] == "about:blank"
    assert shown["document_scan"]["uri"] == "https://portal.example/documents/document.pdf"


def test_a_fax_names_who_took_it_in_if_a_setting_says_so() -> None:
    """R24, R25."""
    strict = POLICY.model_copy(update={"require_operator": True})
    operator = {"id": "op-0042", "office": "Contact Center"}
    citizen = asked()
    known = {"request_id": request_id(citizen), "via": "fax"}
    for fields, codes in (
        (known, [("operator", "required")]),
        ({**known, "operator": operator}, []),
        ({**known, "via": "online"}, []),
    ):
        command = read("dispositivo.submit_documents", **fields)
        reply = documents.submit(citizen, command, moment(policy=strict, known=0)).reply
        assert reply is not None
        assert [(fault.field, fault.code) for fault in reply.errors] == codes
