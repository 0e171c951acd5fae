"""A confirmed request becomes a PIN: given this account, when this message, then exactly this decision."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import orjson
import pytest

from services.issuer.requests import request
from shared.contract.delivery import Post
from shared.contract.examples import COMMAND_EXAMPLES
from shared.contract.reply import accepted
from shared.crypto.secret import Secret
from shared.domain.account import Account, Istanza, Status
from shared.domain.decision import Decision, LedgerEntry
from shared.domain.pin import ALPHABET
from tests.unit.decisions import NOW, PEPPER, SUBJECT, Event, account, moment, personal, public, read, told

CONTACTS = COMMAND_EXAMPLES["pin.request"]["contacts"]
RECOGNITION = {
    "kind": "de_visu",
    "operator": {"id": "op-17", "office": "Pisa"},
    "document": {
        "kind": "identity_card",
        "number": "CA00000AA",
        "issued_by": "Comune di Pisa",
        "issued_on": "2020-01-01",
        "expires_on": "2030-01-01",
    },
}


def asked(citizen: Account | None = None, **fields: object) -> Decision:
    return request(citizen or account("none"), read("pin.request", **fields), moment())


def halves(decision: Decision) -> dict[str, str]:
    """Return what each channel carries, found as a reader would find it: the word with a digit."""
    return {
        message.channel: next(
            word
            for word in message.text.replace(".", " ").split()
            if len(word) == 8 and set(word) <= set(ALPHABET) and any(c.isdigit() for c in word)
        )
        for message in told(decision)
    }


def test_the_initial_pin_has_sixteen_characters_of_which_only_a_verifier_is_kept() -> None:
    """R4."""
    decision = asked()
    parts = halves(decision)
    citizen = decision.account
    assert citizen is not None
    assert citizen.pin is not None
    assert PEPPER.opens(citizen.pin.salt, citizen.pin.verifier, Secret(parts["sms"] + parts["post"]))
    kept = citizen.model_dump_json() + public(decision)
    assert parts["sms"] not in kept
    assert parts["post"] not in kept


def test_the_first_half_goes_out_twice_with_the_same_characters() -> None:
    """R5: the mobile, and the PEC since there is one."""
    parts = halves(
        asked(contacts={"mobile": "+393331234567", "email": "m@example.it", "pec": "m@pec.example.it"})
    )
    assert parts["sms"] == parts["pec"]
    assert set(parts) == {"sms", "pec", "post"}


@pytest.mark.parametrize(
    ("contacts", "channels"),
    [
        ({"mobile": "+393331234567", "email": "m@example.it"}, {"sms", "email", "post"}),
        ({"mobile": "+393331234567", "pec": "m@pec.example.it"}, {"sms", "pec", "post"}),
        ({"home_phone": "+390501234567", "email": "m@example.it"}, {"email", "post"}),
        ({"home_phone": "+390501234567", "pec": "m@pec.example.it"}, {"pec", "post"}),
    ],
)
def test_a_half_goes_to_the_mobile_and_to_one_mailbox(contacts: dict[str, str], channels: set[str]) -> None:
    """R5."""
    phone = "mobile" if "mobile" in contacts else "home"
    assert set(halves(asked(contacts=contacts, preferred_phone=phone))) == channels


def test_the_second_half_goes_by_post_alone_and_differs_from_the_first() -> None:
    """R6: never is a half sent to an address that gets the other."""
    parts = halves(asked())
    second = parts.pop("post")
    assert second not in parts.values()


def test_the_letter_goes_to_the_residence() -> None:
    """R6."""
    letter = next(message for message in told(asked()) if message.channel == "post")
    residence = COMMAND_EXAMPLES["pin.request"]["residence"]
    assert residence["postal_code"] in letter.to
    assert residence["municipality"].upper() in letter.to.upper()


@pytest.mark.parametrize("status", ["none", "revoked", "expired"])
def test_who_has_no_live_pin_is_issued_one(status: Status) -> None:
    """R7."""
    citizen = asked(account(status)).account
    assert citizen is not None
    assert (citizen.status, citizen.level) == ("issued", "online")


@pytest.mark.parametrize("status", ["issued", "active", "restoring"])
def test_a_second_request_while_a_pin_lives_issues_nothing_and_tells_the_citizen(status: Status) -> None:
    """R7: notified at the registered contacts, not at those of the request."""
    before = account(status)
    decision = asked(before, contacts={"mobile": "+393409999999", "email": "thief@example.it"})
    assert decision.account == before.but(told_pin_exists_at=NOW)
    assert {message.to for message in told(decision)} == {before.contacts.mobile, before.contacts.pec}
    assert decision.events == (Event("pin.request_rejected", {"code": "pin_exists"}),)
    assert decision.entries == (LedgerEntry("pin.request_rejected", {"code": "pin_exists"}),)


def test_the_citizen_is_told_of_second_requests_once_a_day() -> None:
    """R7."""
    recently = account("active", told_pin_exists_at=NOW - timedelta(hours=23, minutes=59))
    long_ago = account("active", told_pin_exists_at=NOW - timedelta(hours=24))
    assert (asked(recently).deliveries, asked(recently).account) == ((), None)
    assert asked(long_ago).deliveries


@pytest.mark.parametrize("status", ["none", "issued", "active", "restoring", "revoked", "expired"])
def test_the_reply_tells_nothing(status: Status) -> None:
    """R7: whoever the citizen is."""
    assert asked(account(status)).reply == accepted()


@pytest.mark.parametrize("kind", ["de_visu", "signed_request"])
def test_a_recognised_citizen_gets_a_pin_that_is_dispositivo_from_the_start(kind: str) -> None:
    """R8."""
    decision = asked(recognition={**RECOGNITION, "kind": kind})
    citizen = decision.account
    assert citizen is not None
    assert citizen.recognition is not None
    assert (citizen.level, citizen.recognition.kind, citizen.recognition.operator) == (
        "dispositivo",
        kind,
        "op-17",
    )
    assert decision.events[0].data["level"] == "dispositivo"


def test_a_recognised_citizen_s_suspended_istanze_are_released() -> None:
    """R8, R32."""
    waiting = Istanza(id="i-1", protocol="2026.0000000001", service="NASpI", submitted_at=NOW)
    decision = asked(account("revoked", suspended=(waiting,)), recognition=RECOGNITION)
    assert decision.account is not None
    assert decision.account.suspended == ()
    assert Event("istanza.released", {"istanza_id": "i-1", "protocol": "2026.0000000001"}) in decision.events


def test_the_pin_expires_by_a_message_that_names_it_and_comes_due() -> None:
    """The initial PIN lives to the end of the sixtieth day, in Italy, unless it is used."""
    decision = asked()
    (message,) = decision.messages
    assert decision.account is not None
    assert decision.account.pin is not None
    assert message.due_at == datetime(2027, 1, 21, 23, tzinfo=UTC)
    assert orjson.loads(message.body) == {"subject": SUBJECT.hex(), "pin_id": decision.account.pin.id}


def test_german_speakers_are_written_to_in_german() -> None:
    """R33."""
    texts = {message.channel: message.text for message in told(asked(language="de"))}
    assert "PIN" in texts["sms"]
    assert "Sehr geehrte" in texts["email"] + texts.get("pec", "")


def test_nothing_personal_is_public() -> None:
    """Entries, events, messages and the reply name nobody."""
    decision = asked()
    assert decision.account is not None
    said = public(decision)
    assert [value for value in personal(decision.account) if value in said] == []


def test_attempts_and_links_begin_anew_with_a_new_pin() -> None:
    before = account("revoked")
    citizen = asked(before.but(attempts=before.attempts.but(total=20, blocked=True))).account
    assert citizen is not None
    assert (citizen.attempts.total, citizen.attempts.blocked) == (0, False)


def test_every_pin_is_another() -> None:
    pins = [halves(request(account("none"), read("pin.request"), moment(seed=n))) for n in range(30)]
    assert all(one != other for one, other in pairwise(sorted(p["sms"] + p["post"] for p in pins)))


def test_letter_and_mail_leave_out_the_name_that_a_citizen_does_not_have() -> None:
    decision = asked(surname="-", name="Devi", codice_fiscale="12345678903")
    by_channel = {message.channel: message for message in told(decision)}
    assert by_channel["email"].text.startswith("Gentile Devi,\n")
    assert by_channel["post"].to.startswith("Devi\n")
    assert [d.content.name for d in decision.deliveries if isinstance(d.content, Post)] == ["Devi"]


def test_a_greeting_ends_where_no_name_does() -> None:
    """Whoever writes a message in the place of a name gets little of it sent."""
    written = "Devi vinci subito un premio da ritirare chiamando il numero che trovi"
    decision = asked(surname="Kaur", name=written, codice_fiscale="12345678903")
    [mail] = [message.text for message in told(decision) if message.channel == "email"]
    [letter] = [d.content for d in decision.deliveries if isinstance(d.content, Post)]
    greeted = "Devi vinci subito un premio da ritirare chiamando il numero"
    assert mail.startswith(f"Gentile {greeted},\n")
    assert letter.name == greeted
