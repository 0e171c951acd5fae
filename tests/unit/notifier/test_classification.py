from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from services.notifier.channels.answers import SMPP, SMS, SMTP, Stage, smpp_answer, sms_answer, smtp_answer
from services.notifier.channels.smpp.receipts import STATES
from services.notifier.outcome import Answer, Doubtful, Postponed, Refused, Sent, Unreachable

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
PAGE = Path(__file__).parents[3] / "docs/deliveries.md"
STAGES: tuple[Stage, ...] = ("mail", "rcpt", "data")


def rows(first: str) -> Iterator[list[str]]:
    """The cells of the table of the page whose header begins with this word."""
    lines = iter(PAGE.read_text().splitlines())
    for line in lines:
        if line.startswith(f"| {first} |"):
            next(lines)
            break
    for line in lines:
        if not line.startswith("|"):
            return
        yield [cell.strip() for cell in line.strip("|").split("|")]


def test_the_page_and_the_code_say_the_same_of_every_status() -> None:
    assert {status: means for status, means, _ in rows("status")} == {
        status: meaning.value for status, meaning in SMS.items()
    }


def test_the_page_and_the_code_say_the_same_of_every_reply_in_the_same_order() -> None:
    assert [row[:4] for row in rows("reply")] == [
        [reply, *(row[stage].value for stage in STAGES)] for reply, row in SMTP.items()
    ]


def test_the_page_and_the_code_say_the_same_of_every_answer_of_an_smsc() -> None:
    assert {status: means for status, means, _ in rows("command_status")} == {
        status: meaning.value for status, meaning in SMPP.items()
    }
    assert {state: means for state, means, _ in rows("state of a receipt")} == dict(STATES)


def test_the_page_gives_a_reason_for_everything() -> None:
    assert all(
        row[-1]
        for table in ("status", "command_status", "state of a receipt", "reply")
        for row in rows(table)
    )


@pytest.mark.parametrize("status", [400, 410, 413, 422])
def test_an_sms_that_the_gateway_will_never_have_is_refused(status: int) -> None:
    assert sms_answer(status) == Refused(f"sms_{status}")


@pytest.mark.parametrize("status", [301, 307, *range(401, 409), 418, 425, 501, 505, 599])
def test_a_no_that_may_be_the_number_s_or_the_gateway_s_is_for_the_judge(status: int) -> None:
    assert sms_answer(status) == Doubtful(f"sms_{status}")


@pytest.mark.parametrize("status", [500, 502, 504])
def test_a_gateway_that_failed_on_an_sms_perhaps_took_it(status: int) -> None:
    assert sms_answer(status) == Doubtful(f"sms_{status}", failed_inside=True)


@pytest.mark.parametrize("code", ["landline", "not_mobile"])
def test_a_refusal_may_say_that_the_number_is_no_mobile(code: str) -> None:
    assert sms_answer(422, code=code) == Refused("sms_landline")
    assert sms_answer(400, code=code) == Refused("sms_landline")
    assert sms_answer(404, code=code) == Doubtful("sms_404")
    for other in (None, "", 7, [code], {"code": code}, "blocked"):
        assert sms_answer(422, code=other) == Refused("sms_422")


@pytest.mark.parametrize("status", [429, 503])
def test_a_gateway_that_wants_to_be_asked_less_says_so(status: int) -> None:
    assert sms_answer(status, "7") == Doubtful(f"sms_{status}", 7.0, throttled=True)


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (0x01, Refused("smpp_0x01")),
        (0x0B, Refused("smpp_0x0b")),
        (0x04, Unreachable("smpp_0x04")),
        (0x14, Doubtful("smpp_0x14", throttled=True)),
        (0x58, Doubtful("smpp_0x58", throttled=True)),
        (0x64, Postponed("smpp_0x64")),
        (0x08, Doubtful("smpp_0x08", failed_inside=True)),
        (0x0A, Doubtful("smpp_0x0a")),
        (0x45, Doubtful("smpp_0x45")),
        (0xFF, Doubtful("smpp_0xff", failed_inside=True)),
        (0x4FF, Doubtful("smpp_0x4ff")),
        (0xFFFFFFFF, Doubtful("smpp_0xffffffff")),
    ],
)
def test_an_smsc_s_answer_means_what_its_command_status_says(status: int, expected: Answer) -> None:
    assert smpp_answer(status) == expected


def test_an_sms_that_the_gateway_knows_was_taken_by_an_earlier_try() -> None:
    assert sms_answer(409, attempt=1) == Postponed("sms_409", perhaps_taken=True)
    assert sms_answer(409, attempt=2) == Sent("")


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("7", 7.0),
        ("0", 0.0),
        ("999999", 3600.0),
        ("Sun, 01 Mar 2026 12:00:30 GMT", 30.0),
        ("Sun, 01 Mar 2026 11:00:00 GMT", 0.0),
        ("-5", None),
        ("soon", None),
        ("²", None),
        ("", None),
        (None, None),
    ],
)
def test_the_wait_a_gateway_asks_for_is_honoured_within_reason(
    header: str | None, seconds: float | None
) -> None:
    assert sms_answer(429, header, NOW) == Doubtful("sms_429", seconds, throttled=True)


@pytest.mark.parametrize(
    ("stage", "code", "text", "expected"),
    [
        ("mail", 421, "", Unreachable("smtp_421")),
        ("mail", 451, "", Unreachable("smtp_451")),
        ("mail", 452, "4.3.1", Unreachable("smtp_452")),
        ("mail", 530, "", Unreachable("smtp_530")),
        ("mail", 553, "5.7.1 sender not owned", Unreachable("smtp_553")),
        ("mail", 354, "", Unreachable("smtp_354")),
        ("rcpt", 421, "", Doubtful("smtp_421", throttled=True)),
        ("rcpt", 450, "4.2.0", Postponed("smtp_450")),
        ("rcpt", 450, "4.7.1 greylisted", Postponed("smtp_450")),
        ("rcpt", 451, "", Postponed("smtp_451")),
        ("rcpt", 452, "4.2.2", Doubtful("smtp_452", throttled=True)),
        ("rcpt", 454, "4.7.1 relay access denied", Doubtful("smtp_454")),
        ("rcpt", 501, "5.1.3 bad address syntax", Refused("smtp_501")),
        ("rcpt", 503, "", Doubtful("smtp_503")),
        ("rcpt", 530, "", Doubtful("smtp_530")),
        ("rcpt", 550, "5.1.1 no such user", Refused("smtp_550")),
        ("rcpt", 550, "no such user", Refused("smtp_550")),
        ("rcpt", 550, "5.7.1 not to us", Doubtful("smtp_550")),
        ("rcpt", 552, "5.2.2 over quota", Refused("smtp_552")),
        ("rcpt", 554, "5.7.1 relay access denied", Doubtful("smtp_554")),
        ("data", 421, "", Doubtful("smtp_421", throttled=True)),
        ("data", 451, "", Postponed("smtp_451")),
        ("data", 452, "", Doubtful("smtp_452", throttled=True)),
        ("data", 552, "", Refused("smtp_552")),
        ("data", 554, "", Refused("smtp_554")),
        ("data", 554, "5.7.1 spam", Doubtful("smtp_554")),
        ("rcpt", 354, "", Doubtful("smtp_354")),
        ("rcpt", -1, "", Doubtful("smtp_0")),
    ],
)
def test_a_reply_means_what_its_code_and_stage_say(
    stage: Stage, code: int, text: str, expected: Answer
) -> None:
    assert smtp_answer(stage, code, text) == expected
