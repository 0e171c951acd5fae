"""What comes to the address for bounces: what it is taken for, what it may end, and what is kept of it."""

import time
from email import message_from_string
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notifier.mailbox import verdict
from services.notifier.mailbox.bounce import bounce_classifier
from services.notifier.mailbox.evidence import Understood
from services.notifier.settings import NotifierSettings
from tests.unit.notifier import odd_bounces as odd
from tests.unit.notifier.odd_bounces import BOUNCES, DELAYED, FAILED, HALF, ID, OTHER, TOKEN, WHOLE, dsn

SETTINGS = NotifierSettings.load(
    {"PIN_MAIL_FROM": "PIN online <pin@example.it>", "PIN_MAIL_BOUNCES": BOUNCES}
)
understand = bounce_classifier(SETTINGS)


def said(understood: Understood) -> tuple[UUID | None, str, str]:
    """Return delivery, status and evidence of the one report."""
    [report] = understood.reports
    assert (report.channel, report.reference, understood.unknown) == ("email", "", False)
    assert report.forgeable
    assert report.evidence == understood.reason
    return report.delivery_id, report.status, report.evidence


def filed(mail: bytes) -> str:
    """Return what is filed of a mail; assert that there is nothing of our text in it."""
    kept = understand(mail).kept
    text = (mail if kept is None else kept).decode()
    parts = (part.get_payload(decode=True) for part in message_from_string(text).walk())
    shown = text + "".join(part.decode(errors="replace") for part in parts if isinstance(part, bytes))
    for ours in (HALF, HALF.lower(), f"{HALF[:4]}-{HALF[4:]}", TOKEN, "Gentile Anna"):
        assert ours not in shown
    return text


@pytest.mark.parametrize(
    ("mail", "status", "evidence"),
    [
        (dsn(FAILED), "failed", "dsn_5.1.1"),
        (dsn("Action: failed\nStatus: 4.4.7"), "failed", "dsn_4.4.7"),
        (dsn("Action: Failed (really)\nStatus: 5.2.2 (mailbox full)"), "failed", "dsn_5.2.2"),
        (dsn("Action: error\nStatus: 5.1.1"), "failed", "dsn_5.1.1"),
        (dsn("Action: failed"), "failed", "dsn_5.0.0"),
        (dsn("Status: 5.7.1"), "failed", "dsn_5.7.1"),
        (dsn("Action: failed\nStatus: 5.0.0\nDiagnostic-Code: smtp; 550 5.1.1 no"), "failed", "dsn_5.1.1"),
        (dsn("Action: failed\nStatus: 5.0.0\nDiagnostic-Code: smtp; 450 4.2.0 x"), "failed", "dsn_5.0.0"),
        (dsn("Action: failed\nStatus: 5.1.1\nDiagnostic-Code: smtp; 550 5.7.1 x"), "failed", "dsn_5.1.1"),
        (dsn(FAILED, "Action: failed\nStatus: 5.7.1"), "failed", "dsn_5.1.1"),
        (dsn(DELAYED), "delayed", "dsn_4.4.1"),
        (dsn(FAILED, DELAYED), "delayed", "dsn_4.4.1"),
        (dsn("Status: 4.2.2"), "delayed", "dsn_4.2.2"),
    ],
)
def test_a_notification_says_by_its_action_whether_a_mail_failed_or_is_late(
    mail: bytes, status: str, evidence: str
) -> None:
    """RFC 3464: a server that gives up after days of 4.4.7 says that it failed."""
    assert said(understand(mail)) == (ID, status, evidence)
    assert understand(mail).reports[0].occurred_at == "2026-03-02T11:30:00.000Z"


@pytest.mark.parametrize(
    "mail",
    [
        dsn("Action: delivered\nStatus: 2.0.0"),
        dsn("Action: relayed\nStatus: 2.0.0"),
        dsn("Action: expanded\nStatus: 2.0.0"),
        dsn(FAILED, "Action: delivered\nStatus: 2.0.0"),  # one of two mailboxes has it
    ],
)
def test_that_a_mail_arrived_is_not_believed_and_a_copy_that_did_keeps_it_from_failing(mail: bytes) -> None:
    understood = understand(mail)
    assert understood.reports == ()
    assert understood.reason in {"dsn_delivered", "dsn_relayed", "dsn_expanded"}
    assert not understood.unknown


@pytest.mark.parametrize("fields", ["", "Action: baked\nStatus: 5.1.1", "Nothing: here"])
def test_a_notification_that_says_nothing_known_is_for_a_person(fields: str) -> None:
    assert understand(dsn(fields)) == Understood("dsn_garbled", unknown=True)


@pytest.mark.parametrize(
    ("mail", "status", "evidence"),
    [
        (odd.QMAIL, "failed", "bounce_5.1.1"),
        (odd.EXIM, "failed", "bounce_5.7.1"),
        (odd.EXCHANGE, "failed", "bounce_undeliverable"),
        (odd.OFFICE_365, "failed", "dsn_5.1.10"),
        (odd.GMAIL, "failed", "dsn_5.1.1"),
        (odd.ITALIAN, "failed", "bounce_5.2.1"),
        (odd.FULL, "failed", "bounce_552"),
        (odd.EXIM_LATE, "delayed", "bounce_4.7.1"),
    ],
)
def test_bounces_of_the_field_are_understood_and_what_they_bring_back_is_not_kept(
    mail: str, status: str, evidence: str
) -> None:
    assert said(understand(mail.encode())) == (ID, status, evidence)
    assert ID.hex in filed(mail.encode())


@pytest.mark.parametrize(
    ("mail", "reason"),
    [
        (odd.VACATION, "auto_reply"),
        (odd.OUT_OF_OFFICE, "auto_reply"),
        (odd.OLD_VACATION, "bulk"),
        (odd.READ_RECEIPT, "read_receipt"),
    ],
)
def test_what_answers_by_itself_ends_nothing_and_keeps_nothing_of_ours(mail: str, reason: str) -> None:
    """RFC 3834; whatever numbers are in it, and whichever mail of ours it answers."""
    understood = understand(mail.encode())
    assert (understood.reason, understood.reports, understood.unknown) == (reason, (), False)
    filed(mail.encode())


@pytest.mark.parametrize(
    ("mail", "reason"),
    [
        (odd.COMPLAINT, "complaint"),
        (odd.REPLY, "not_a_bounce"),
        (odd.CHALLENGE, "not_a_bounce"),
        (odd.STRANGER, "not_a_bounce"),
        ("", "not_a_bounce"),
    ],
)
def test_what_is_none_of_these_is_for_a_person_who_finds_no_half_in_it(mail: str, reason: str) -> None:
    understood = understand(mail.encode())
    assert (understood.reason, understood.reports, understood.unknown) == (reason, (), True)
    filed(mail.encode())


def test_a_person_reads_what_a_citizen_wrote_without_the_half_and_without_the_link() -> None:
    text = filed(odd.REPLY.encode())
    assert "Buongiorno, ho ricevuto solo […] (scritto anche […]): perché?" in text
    assert "confirm?token=[…]" in text
    assert "Subject: Re: La prima parte del suo PIN […]" in text
    assert understand(odd.STRANGER.encode()).kept is None


@pytest.mark.parametrize(
    "mail",
    [
        dsn(FAILED, returned=WHOLE),
        dsn(FAILED, returned=f"Content-Type: text/rfc822-headers\n\n{odd.COPY}"),
        dsn(FAILED, explanation=f"What you wrote: {HALF}"),
        dsn(FAILED, returned=f"Content-Type: application/octet-stream; name=x.eml\n\n{odd.COPY}"),
        dsn(FAILED, returned=f"Content-Type: multipart/mixed\n\n{odd.COPY}"),
        dsn(f"{FAILED}\nDiagnostic-Code: smtp; 554 rejected for its text {HALF} and token={TOKEN}"),
        dsn(FAILED) + f"\n{HALF}\n".encode(),
        dsn(FAILED).replace(b"\n--=_b\n", f"\n{HALF}\n--=_b\n".encode(), 1),
        dsn(FAILED, returned=WHOLE).replace(b"\n", b"\r\n"),
        dsn(DELAYED, returned=WHOLE, envid=OTHER.hex),
        dsn("Action: delivered\nStatus: 2.0.0", returned=WHOLE),
    ],
)
def test_wherever_a_notification_has_our_text_only_its_part_for_programs_and_headers_are_kept(
    mail: bytes,
) -> None:
    text = filed(mail)
    assert "Reporting-MTA: dns; relay.example.it" in text
    assert "Content-Type: message/delivery-status" in text
    assert understand(mail) == understand(mail)


def test_a_notification_that_returns_the_headers_alone_is_filed_as_it_is() -> None:
    assert understand(dsn(FAILED)).kept is None


def test_what_is_kept_says_the_same_once_more() -> None:
    for mail in (dsn(FAILED, returned=WHOLE), odd.GMAIL.encode(), odd.OFFICE_365.encode()):
        kept = understand(mail).kept
        assert kept
        assert understand(kept).reports == understand(mail).reports


@pytest.mark.parametrize(
    ("mail", "named"),
    [
        (dsn(FAILED, returned=""), ID),
        (dsn(FAILED, envid="", returned="", to=f"ritorni+{ID.hex}@bounces.example.it"), ID),
        (dsn(FAILED, envid="", returned="", to=f"<RITORNI+{ID.hex.upper()}@BOUNCES.example.it>"), ID),
        (dsn(FAILED, envid=""), ID),
        (dsn(FAILED, envid="relay-7781"), ID),
        (dsn(FAILED, envid=ID.hex.upper()), ID),
    ],
)
def test_any_one_of_envelope_address_and_message_id_names_the_delivery(mail: bytes, named: UUID) -> None:
    assert understand(mail).reports[0].delivery_id == named


@pytest.mark.parametrize(
    ("mail", "reason"),
    [
        (dsn(FAILED, envid=OTHER.hex), "bounce_names_several"),
        (dsn(FAILED, to=f"ritorni+{OTHER.hex}@bounces.example.it"), "bounce_names_several"),
        (dsn(FAILED, envid="", returned=""), "bounce_names_nothing_of_ours"),
        (dsn(FAILED, envid=ID.hex[:-1], returned=""), "bounce_names_nothing_of_ours"),
        (dsn(FAILED, envid=str(ID), returned=""), "bounce_names_nothing_of_ours"),
        (
            dsn(FAILED, envid="", to=f"ritorni+{ID.hex}@example.com", returned=""),
            "bounce_names_nothing_of_ours",
        ),
        (dsn(FAILED, envid="").replace(b"@example.it>", b"@elsewhere.it>"), "bounce_names_nothing_of_ours"),
        (dsn(FAILED).replace(b"Date: Mon, 2 Mar 2026", b"Date: someday"), "bounce_undated"),
    ],
)
def test_a_bounce_that_does_not_name_one_delivery_by_its_whole_id_ends_none(mail: bytes, reason: str) -> None:
    understood = understand(mail)
    assert (understood.reason, understood.reports, understood.unknown) == (reason, (), True)


def test_a_bounce_that_a_person_forwards_is_no_bounce() -> None:
    forwarded = b"From: a@b.it\nDate: Mon, 2 Mar 2026 12:30:00 +0100\nContent-Type: message/rfc822\n\n"
    understood = understand(forwarded + dsn(FAILED, returned=WHOLE))
    assert (understood.reason, understood.reports, understood.unknown) == ("not_a_bounce", (), True)
    assert HALF.encode() not in (understood.kept or b"")


def test_no_bounce_is_about_a_pec() -> None:
    """A PEC's fate is what its signed receipts say: a report is about ordinary mail, whatever it names."""
    for mail in (odd.QMAIL, odd.EXIM, odd.GMAIL, odd.ITALIAN):
        assert {report.channel for report in understand(mail.encode()).reports} == {"email"}


def test_without_an_address_of_their_own_bounces_come_to_the_sender() -> None:
    plain = bounce_classifier(NotifierSettings.load({"PIN_MAIL_FROM": "pin@example.it"}))
    assert said(plain(dsn(FAILED, to="pin@example.it"))) == (ID, "failed", "dsn_5.1.1")


def test_text_in_a_charset_that_nobody_knows_is_read_as_far_as_it_goes() -> None:
    mail = dsn(FAILED, explanation=f"Ecco {HALF}").replace(b"charset=utf-8", b"charset=klingon")
    assert understand(mail).reports
    filed(mail)


def test_what_a_library_raises_leaves_the_codes_to_tell(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(_: object) -> None:
        raise KeyError("a header")

    monkeypatch.setattr(verdict, "all_failures", fails)
    assert said(understand(odd.ITALIAN.encode())) == (ID, "failed", "bounce_5.2.1")


def test_a_part_for_programs_of_another_kind_is_not_kept() -> None:
    mail = dsn(FAILED, returned=f"Content-Type: message/feedback-report\n\nX: {HALF}\n\n{HALF}")
    assert understand(mail).reports
    filed(mail)


@given(st.binary(max_size=400), st.integers(0, 40))
def test_whatever_is_in_a_mail_it_is_understood_as_something(junk: bytes, at: int) -> None:
    mail = dsn(FAILED, returned=WHOLE)
    cut = len(mail) * at // 40
    understood = understand(mail[:cut] + junk + mail[cut:])
    assert understood.reason
    assert {report.delivery_id for report in understood.reports} <= {ID}


@pytest.mark.parametrize(
    "unit", ["-", "a-", "A", "0", "7K2M", "token=", "<", "a@", "5.1.1 ", "> ", "\n--", "=\n", "[", "x" * 99]
)
@pytest.mark.parametrize("kind", ["text/plain", "text/html", "message/delivery-status", "message/rfc822"])
def test_a_mail_that_was_made_to_take_long_is_understood_within_seconds(unit: str, kind: str) -> None:
    body = unit * (500_000 // len(unit))
    mail = f"From: mailer-daemon@x.it\nTo: {ID.hex}\nContent-Type: {kind}\n\n{body}"
    began = time.process_time()
    understand(mail.encode())
    assert time.process_time() - began < 5
