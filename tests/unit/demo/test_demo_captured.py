"""What the fake providers took is read as the citizen reads it."""

import json
from datetime import UTC, date, datetime
from email.message import EmailMessage
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from deploy.local.captured import Captured, PageCopy
from deploy.local.letters import own_lines
from services.notifier.channels.letter import Letter, typeset
from services.notifier.channels.spool import hand_over

HOME = ("Anna Muster", "Laubengasse 3/A", "39100 BOLZANO BZ")
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def letter(id_: UUID, half: str, language: str = "it") -> Letter:
    return Letter(
        id=str(id_),
        language="de" if language == "de" else "it",
        address=HOME,
        name="Anna Muster",
        half=half,
        expires_on=date(2027, 1, 21),
        written_on=date(2026, 11, 22),
    )


def sms_line(id_: UUID, text: str) -> str:
    return json.dumps({"to": "+393331234567", "text": text, "client_ref": str(id_)})


@pytest.fixture
def state(tmp_path: Path) -> Path:
    for part in ("captured/mail", "spool/post"):
        (tmp_path / part).mkdir(parents=True)
    return tmp_path


def test_each_page_is_read_for_what_is_its_own() -> None:
    first, second = own_lines(typeset([letter(uuid4(), "AB12CD34"), letter(uuid4(), "0ZZZZZZZ", "de")]))
    assert set(HOME) | {"A B 1 2 C D 3 4"} <= set(first)
    assert "0 Z Z Z Z Z Z Z" in second


def test_a_letter_is_found_by_its_id_and_shows_its_half(state: Path) -> None:
    ids, captured = [uuid4(), uuid4()], Captured(state, from_now=True)
    document = typeset([letter(ids[0], "AB12CD34"), letter(ids[1], "9HJKMNPQ")])
    hand_over(state / "spool/post", document, [str(id_) for id_ in ids], NOON)
    piece = captured.first_copy(str(ids[1]))
    assert (piece.half, piece.page) == ("9HJKMNPQ", 2)


def test_a_mail_is_found_by_its_message_id_and_shows_its_link(state: Path) -> None:
    captured, id_ = Captured(state, from_now=True), uuid4()
    mail = EmailMessage()
    mail["Message-ID"], mail["To"], mail["Subject"] = f"<{id_.hex}@pin>", "a@example.it", "Conferma"
    mail.set_content("Apra https://pin.example.it/restore/confirm?token=00ff17 entro domani.\n")
    (state / "captured/mail/email-1-1.eml").write_bytes(mail.as_bytes())
    piece = captured.first_copy(str(id_))
    assert (piece.token, piece.half, piece.to, piece.subject) == ("00ff17", None, "a@example.it", "Conferma")


def test_an_sms_that_is_still_being_written_is_read_at_the_next_look(state: Path) -> None:
    captured, ids = Captured(state, from_now=True), [uuid4(), uuid4()]
    lines = [sms_line(id_, f"PIN: {number}AAAAAAA.") for number, id_ in enumerate(ids)]
    sms = state / "captured/sms.jsonl"
    sms.write_text(lines[0] + "\n" + lines[1][:20])
    assert captured.first_copy(str(ids[0])).half == "0AAAAAAA"
    with pytest.raises(LookupError):
        captured.first_copy(str(ids[1]))
    sms.write_text(lines[0] + "\n" + lines[1] + "\n")
    assert captured.first_copy(str(ids[1])).half == "1AAAAAAA"


def test_what_an_earlier_run_left_is_not_read_again(state: Path) -> None:
    id_ = uuid4()
    (state / "captured/sms.jsonl").write_text(sms_line(id_, "PIN: 0AAAAAAA.") + "\n")
    with pytest.raises(LookupError):
        Captured(state, from_now=True).first_copy(str(id_))


@pytest.mark.parametrize("channel", ["sms", "mail", "post"])
@pytest.mark.parametrize("text", ["Chiami 06 164 164", "BUONGIORNO", "ABCDEFGH", "12345678901"])
def test_nothing_but_a_half_is_taken_for_one(channel: str, text: str) -> None:
    assert PageCopy(uuid4(), channel, "", text, text).half is None
