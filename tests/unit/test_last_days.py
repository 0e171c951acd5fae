"""What is told to a citizen as a date lives to the last instant of that day in Italy (the last rules).

And every date and time that a citizen reads is Italy's: this walks every text that has one.
"""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Literal
from uuid import UUID

import orjson
import pytest

from services.dispositivo import queue, request_profile, review
from services.issuer import access, endings, registry, requests
from services.issuer.attempts import Admission, Compared
from services.revoker import restore, revoke
from shared.contract.delivery import Post
from shared.contract.internal import Expire
from shared.contract.reply import rejected
from shared.domain.account import Account, Attachment, Attempts, DispositivoRequest, Document
from shared.domain.credential import ended_at, new_pin
from shared.domain.decision import Decision
from shared.domain.policy import PinPolicy
from shared.italy.dates import ROME, end_of, instant
from tests.unit.decisions import (
    NOW,
    POLICY,
    REPLY_KEY,
    SUBJECT,
    account,
    initial_pin,
    moment,
    read,
    sealed,
    told,
)
from tests.unit.dispositivo.flow import facing
from tests.unit.revoker.asking import asked_to_restore, asked_to_revoke, confirm_restore

Language = Literal["it", "de"]
SERVICES = Path(__file__).parents[2] / "services"
MILLISECOND = timedelta(milliseconds=1)
NIGHT = datetime(2027, 6, 20, 22, 20, tzinfo=UTC)
"""In Italy it is twenty past midnight: the 21st, while in UTC it is the 20th."""
DOCUMENT = Document(
    kind="identity_card",
    number="CA12345AA",
    issued_by="Comune di Pisa",
    issued_on=date(2021, 3, 15),
    expires_on=date(2027, 6, 20),
)
FILE = Attachment(uri="https://portal.example/f", sha256="0" * 64, media_type="application/pdf")
REQUEST_ID = "0d1f9a52-6f0e-4b7e-9a53-6f0f3b8f2c11"


def issued(at: datetime, policy: PinPolicy = POLICY, language: str = "it") -> Decision:
    return requests.request(
        account("none"), read("pin.request", language=language), moment(at, policy=policy)
    )


def comes(citizen: Account, at: datetime) -> Decision:
    """Let the message that ends the PIN come."""
    assert citizen.pin is not None
    return endings.expire(citizen, Expire(subject=SUBJECT.hex(), pin_id=UUID(citizen.pin.id)), moment(at))


def used(citizen: Account, at: datetime) -> Decision:
    """Use the right 16 characters."""
    assert citizen.pin is not None
    new = (new_pin(moment(at)).first, b"n" * 16, b"v" * 32)
    compared = Compared(Admission(citizen), "yes", citizen.pin.id, new)
    command = read("pin.activate", pin_sealed=sealed("7K3M9PQX4V8TN2WZ"), reply_key=REPLY_KEY)
    return access.activate(citizen, command, moment(at, known=compared))


@pytest.mark.parametrize(
    ("asked_at", "last", "ends"),
    [
        ("2026-11-25T08:00:00+00:00", "24/01/2027", "2027-01-24T23:00:00+00:00"),
        ("2027-05-04T21:59:59+00:00", "03/07/2027", "2027-07-03T22:00:00+00:00"),
        ("2027-05-04T22:00:00+00:00", "04/07/2027", "2027-07-04T22:00:00+00:00"),
        # The clocks change on the last day itself, and between the request and the last day.
        ("2027-01-27T12:00:00+00:00", "28/03/2027", "2027-03-28T22:00:00+00:00"),
        ("2027-09-01T12:00:00+00:00", "31/10/2027", "2027-10-31T23:00:00+00:00"),
        ("2027-09-20T22:30:00+00:00", "20/11/2027", "2027-11-20T23:00:00+00:00"),
        ("2027-03-20T22:59:00+00:00", "19/05/2027", "2027-05-19T22:00:00+00:00"),
    ],
    ids=["winter", "summer", "after midnight", "spring", "autumn", "put back", "put forward"],
)
@pytest.mark.parametrize("status", ["issued", "restoring"])
def test_an_initial_pin_lives_to_the_last_instant_of_the_day_that_was_told(
    status: Literal["issued", "restoring"], asked_at: str, last: str, ends: str
) -> None:
    """R5, R6, R15, R16: sixty days later, until midnight in Italy, at which it has ended."""
    at, end = datetime.fromisoformat(asked_at), datetime.fromisoformat(ends)
    decision = (
        issued(at) if status == "issued" else confirm_restore(*asked_to_restore(ctx=moment(at)), moment(at))
    )
    assert last in "".join(message.text for message in told(decision))
    (message,) = decision.messages
    citizen = decision.account
    assert citizen is not None
    assert (citizen.status, message.due_at) == (status, end)
    assert used(citizen, end - MILLISECOND).reply is not None
    assert used(citizen, end - MILLISECOND).account is not None
    assert used(citizen, end).reply == rejected("wrong_pin")
    expired = comes(citizen, end).account
    assert expired is not None
    assert expired.status == "expired"


def test_a_message_that_comes_before_the_day_has_ended_comes_back_at_its_end() -> None:
    """R16: another machine's clock may be ahead."""
    citizen = issued(NOW).account
    assert citizen is not None
    end = datetime(2027, 1, 21, 23, tzinfo=UTC)
    early = comes(citizen, end - MILLISECOND)
    (again,) = early.messages
    assert early == Decision(messages=(again,))
    assert (again.due_at, orjson.loads(again.body)["pin_id"]) == (end, citizen.pin.id if citizen.pin else "")


def test_a_pin_of_an_earlier_release_lives_to_the_end_of_its_day_too() -> None:
    """It kept the hour of its issue, at which its message comes: the letter said the day."""
    kept = initial_pin(datetime(2026, 11, 25, 17, tzinfo=UTC)).but(
        expires_at=datetime(2027, 1, 24, 17, tzinfo=UTC)
    )
    citizen = account("issued", pin=kept)
    end = datetime(2027, 1, 24, 23, tzinfo=UTC)
    assert used(citizen, datetime(2027, 1, 24, 22, 59, 59, tzinfo=UTC)).account is not None
    assert [message.due_at for message in comes(citizen, kept.expires_at or end).messages] == [end]
    assert comes(citizen, end).account is not None


def test_a_validity_of_less_than_a_day_is_for_trials_and_ends_to_the_second() -> None:
    citizen = issued(NOW, PinPolicy(initial_validity=timedelta(seconds=2))).account
    assert citizen is not None
    assert citizen.pin is not None
    assert ended_at(citizen.pin) == NOW + timedelta(seconds=2)
    assert comes(citizen, NOW + timedelta(seconds=2)).account is not None


@pytest.mark.parametrize(
    ("now", "expired"),
    [
        (datetime(2027, 6, 20, 21, 59, 59, 999_000, tzinfo=UTC), False),
        (datetime(2027, 6, 20, 22, tzinfo=UTC), True),
    ],
)
def test_an_identity_document_is_good_to_the_end_of_its_last_day(now: datetime, *, expired: bool) -> None:
    """R25: what the operator is shown of it."""
    request = asked(documents=True)
    citizen = account("active", dispositivo=request, review_since=NOW)
    at = facing(now, waiting=[citizen])
    shown = queue.show(account("none"), read("dispositivo.review_queue"), at)
    assert shown.reply is not None
    (one,) = shown.reply.data["requests"]
    assert one["document_expired"] is expired


def test_the_health_card_of_the_registry_revokes_whatever_its_date() -> None:
    """R19: it is compared and never expires here, so that no hour of the day can cut it off."""
    _, token = asked_to_revoke(ctx=moment(datetime(2035, 1, 1, tzinfo=UTC)))
    assert token


def asked(*, documents: bool = False) -> DispositivoRequest:
    more: dict[str, Any] = (
        {
            "document": DOCUMENT,
            "signed_form": FILE,
            "document_scan": FILE,
            "received_at": NOW,
            "via": "online",
        }
        if documents
        else {}
    )
    return DispositivoRequest(id=REQUEST_ID, requested_at=NIGHT, submission="online", **more)


def locked(language: Language) -> Decision:
    attempts = Attempts(in_row=4, total=4)
    citizen = account("active", language=language, attempts=attempts)
    compared = Compared(Admission(citizen), "no", "x")
    return access.verify(
        citizen, read("pin.verify", pin_sealed=sealed("ZZZZ")), moment(NIGHT, known=compared)
    )


def restored(language: Language) -> Decision:
    citizen = account("active", language=language)
    return confirm_restore(*asked_to_restore(citizen, moment(NIGHT)), moment(NIGHT, seed=1))


def approved(language: Language) -> Decision:
    citizen = account("active", language=language, dispositivo=asked(documents=True), review_since=NIGHT)
    return review.approve(citizen, read("dispositivo.approve", request_id=REQUEST_ID), facing(NIGHT))


SIXTY_DAYS, A_DAY, A_LOCK = "20/08/2027", "22/06/2027, ore 00:20", "21/06/2027, ore 00:35"
NEW_MAILBOX = {"email": "new@example.it"}
THREE_DAYS = "24/06/2027, ore 00:20"
DATED: dict[tuple[str, str], tuple[Callable[[Language], Decision], str]] = {
    ("issuer", "first_half"): (lambda language: issued(NIGHT, language=language), SIXTY_DAYS),
    ("issuer", "pin_locked"): (locked, A_LOCK),
    ("issuer", "contacts_cooling"): (
        lambda language: registry.contacts_update(
            account("active", language=language), read("contacts.update", contacts=NEW_MAILBOX), moment(NIGHT)
        ),
        THREE_DAYS,
    ),
    ("revoker", "restore_half"): (restored, SIXTY_DAYS),
    ("revoker", "restore_link"): (
        lambda language: restore.request(
            account("active", language=language), read("restore.request"), moment(NIGHT)
        ),
        A_DAY,
    ),
    ("revoker", "revoke_link"): (
        lambda language: revoke.request(
            account("active", language=language), read("revoke.request"), moment(NIGHT)
        ),
        A_DAY,
    ),
    ("dispositivo", "approved"): (approved, A_DAY),
}
"""Every text with a date or an hour in it: what sends it at `NIGHT`, and what it has to say."""


def with_dates() -> Iterator[tuple[str, str]]:
    """Yield worker and name of every template that has a placeholder for a date or an instant."""
    for path in SERVICES.glob("*/templates/it/*.txt"):
        if re.search(r"\{(until|valid_until|effective_at|expires_on)\}", path.read_text(encoding="utf-8")):
            yield path.parents[2].name, path.name.partition(".")[0]


def test_every_text_with_a_date_is_walked_here() -> None:
    assert set(with_dates()) == DATED.keys()


def in_german(written: str) -> str:
    return re.sub(r", ore (.*)", r", \1 Uhr", written.replace("/", "."))


@pytest.mark.parametrize("language", ["it", "de"])
@pytest.mark.parametrize("text", DATED, ids="-".join)
def test_every_date_that_a_citizen_reads_is_italy_s(text: tuple[str, str], language: Language) -> None:
    """R33: just after midnight in June, when UTC has the day before."""
    decide, written = DATED[text]
    expected = written if language == "it" else in_german(written)
    texts = [message.text for message in told(decide(language))]
    found = [re.findall(r"\d\d[./]\d\d[./]\d{4}(?:, (?:ore )?\d\d:\d\d(?: Uhr)?)?", text) for text in texts]
    assert [one for one in found if one] == [[expected]] * len([one for one in found if one])
    assert any(found)


def test_the_letter_bears_italy_s_date() -> None:
    """R6: one written at twenty past midnight bore the day before."""
    (letter,) = [d.content for d in issued(NIGHT).deliveries if isinstance(d.content, Post)]
    assert (letter.written_on, letter.expires_on) == (date(2027, 6, 21), date(2027, 8, 20))


def test_the_form_bears_italy_s_date() -> None:
    """R23."""
    assert request_profile._filled(account("active"), asked()).requested_on == date(2027, 6, 21)


def test_what_other_systems_read_stays_an_instant() -> None:
    """Events keep RFC 3339 in UTC: the instant at which the PIN has ended."""
    (event,) = issued(NOW).events
    assert event.data["expires_at"] == datetime(2027, 1, 21, 23, tzinfo=UTC)


def test_what_is_told_as_an_instant_ends_at_that_instant() -> None:
    """R14, R20: a link of 24 hours lives 24 hours, also in the night when the clocks are put back."""
    at = datetime(2027, 10, 30, 12, tzinfo=UTC)
    citizen, token = asked_to_restore(ctx=moment(at))
    assert citizen.restore is not None
    assert citizen.restore.expires_at == at + timedelta(hours=24)
    assert instant(citizen.restore.expires_at, "it") == "31/10/2027, ore 13:00"
    assert confirm_restore(citizen, token, moment(at + timedelta(hours=24))).reply == rejected("link_invalid")


def test_midnight_is_italy_s_on_every_day_of_a_year() -> None:
    """The end of a day is the first instant of the next."""
    for number in range(366):
        last = date(2027, 1, 1) + timedelta(days=number)
        end = end_of(last).astimezone(ROME)
        assert (end.date(), end.hour, end.minute) == (last + timedelta(days=1), 0, 0)
