from datetime import UTC, datetime

import pytest

from services.notifier.channels import sms
from services.notifier.channels.smtp_connection import Stage
from services.notifier.channels.smtp_connection import classify as classify_smtp
from services.notifier.outcome import Outcome, Postponed, Refused, Unreachable

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize("status", [400, 422])
def test_an_sms_that_the_gateway_will_never_have_is_refused(status: int) -> None:
    assert sms.classify(status) == Refused(f"sms_{status}")


@pytest.mark.parametrize("status", [408, 425, 500])
def test_an_sms_that_may_itself_be_the_trouble_counts_an_attempt(status: int) -> None:
    assert sms.classify(status) == Postponed(f"sms_{status}")


@pytest.mark.parametrize("status", [301, 307, 401, 402, 403, 404, 405, 429, 501, 502, 503, 504, 599])
def test_a_gateway_in_trouble_or_at_odds_with_us_costs_no_attempt(status: int) -> None:
    assert sms.classify(status) == Unreachable(f"sms_{status}")


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
    assert sms.classify(429, header, NOW) == Unreachable("sms_429", seconds)


@pytest.mark.parametrize(
    ("stage", "code", "text", "expected"),
    [
        ("mail", 421, "", Unreachable("smtp_421")),
        ("mail", 451, "", Postponed("smtp_451")),
        ("mail", 530, "", Unreachable("smtp_530")),
        ("mail", 553, "5.7.1 sender not owned", Unreachable("smtp_553")),
        ("rcpt", 421, "", Unreachable("smtp_421")),
        ("rcpt", 450, "4.2.0", Postponed("smtp_450")),
        ("rcpt", 501, "5.1.3 bad address syntax", Refused("smtp_501")),
        ("rcpt", 503, "", Postponed("smtp_503")),
        ("rcpt", 530, "", Unreachable("smtp_530")),
        ("rcpt", 550, "5.1.1 no such user", Refused("smtp_550")),
        ("rcpt", 550, "no such user", Refused("smtp_550")),
        ("rcpt", 554, "5.7.1 relay access denied", Postponed("smtp_554")),
        ("data", 421, "", Postponed("smtp_421")),
        ("data", 452, "", Postponed("smtp_452")),
        ("data", 554, "", Refused("smtp_554")),
        ("rcpt", 354, "", Postponed("smtp_354")),
        ("rcpt", -1, "", Postponed("smtp_0")),
    ],
)
def test_a_reply_means_what_its_code_and_stage_say(
    stage: Stage, code: int, text: str, expected: Outcome
) -> None:
    assert classify_smtp(stage, code, text) == expected
