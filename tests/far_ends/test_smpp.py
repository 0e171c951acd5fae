"""SMS by SMPP 3.4, to an SMSC that nobody here wrote."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from structlog.testing import capture_logs

from deploy.local.authority import Authority
from services.notifier.channels import Channel, open_channel, open_sms
from services.notifier.outcome import Answer, Doubtful, Outcome, Postponed, Refused, Sent, Unreachable
from services.notifier.outgoing import Outgoing
from services.notifier.settings import NotifierSettings
from services.notifier.suspicion import Hearing
from shared.contract.delivery import Sms
from shared.crypto.secret import Secret
from shared.texts.sms_alphabet import ESCAPE, ONE, TWO
from tests.far_ends.smsc import REFERENCE_TAG, Smsc, smsc
from tests.kit.waiting import until

HALF = "ABCD2345"
TO = "+393331111111"
BAD = "+393330000000"


def sms(to: str = TO, text: str = f"PIN: {HALF}") -> Outgoing:
    return Outgoing(uuid4(), datetime(2026, 3, 1, tzinfo=UTC), 1, Sms(to, Secret(text)))


def settings(port: int, **changed: object) -> NotifierSettings:
    return NotifierSettings.model_validate(
        {
            "sms_url": f"smpp://localhost:{port}",
            "sms_timeout": timedelta(seconds=0.5),
            "smpp_system_id": "pin",
            "smpp_password": "s3cret",
            "smpp_source": "PINonline",
            "smpp_window": 4,
        }
        | changed
    )


@asynccontextmanager
async def channel(port: int, **changed: object) -> AsyncIterator[Channel]:
    opened = open_channel("sms", settings(port, **changed))
    try:
        yield opened
    finally:
        await opened.close()


@asynccontextmanager
async def both(**changed: object) -> AsyncIterator[tuple[Smsc, Channel]]:
    async with smsc() as far, channel(far.port, **changed) as near:
        yield far, near


async def answered(near: Channel, *batch: Outgoing) -> list[Answer]:
    """Send; return the answers, unjudged."""
    return await near.send(batch, Hearing())


async def judged(near: Channel, batch: Sequence[Outgoing]) -> list[Outcome]:
    hearing = Hearing()
    return list(hearing.verdict(batch, await near.send(batch, hearing)).outcomes)


async def test_an_sms_arrives_as_it_was_written_with_its_half_in_one_word() -> None:
    """R5. In the default alphabet, with every character of it."""
    text = f"PIN {HALF} " + (ONE.replace(ESCAPE, "") + "".join(TWO))[:130]
    async with both() as (far, near):
        (sent,) = await answered(near, sms(text=text))
        (arrived,) = far.submitted
        assert sent == Sent(f"sms:{arrived['id']}")
        assert arrived["text"] == text
        assert HALF in arrived["text"].split()
        assert (arrived["to"], arrived["to_ton"], arrived["to_npi"]) == ("393331111111", 1, 1)
        assert (arrived["source"], arrived["source_ton"], arrived["source_npi"]) == ("PINonline", 5, 0)
        assert (arrived["coding"], arrived["receipt"], arrived["payload"]) == (0, 1, False)
        (bound,) = far.of("bound")
        assert bound["version"] == 0x34


@pytest.mark.parametrize(
    ("text", "coding", "payload"),
    [
        (f"PERCHÉ È {HALF} 😀", 8, False),
        ("È" * 60 + f" {HALF}", 8, False),
        ("È" * 70 + f" {HALF}", 8, True),
        ("è€" * 53 + "!", 0, False),
        ("è€" * 80 + f" {HALF}", 0, True),
    ],
)
async def test_what_the_alphabet_lacks_goes_as_ucs2_and_a_long_text_whole(
    text: str, coding: int, *, payload: bool
) -> None:
    async with both() as (far, near):
        assert isinstance((await answered(near, sms(text=text)))[0], Sent)
        (arrived,) = far.submitted
        assert (arrived["text"], arrived["coding"], arrived["payload"]) == (text, coding, payload)


async def test_an_smsc_with_another_default_alphabet_gets_all_as_ucs2() -> None:
    async with both(smpp_alphabet="ucs2") as (far, near):
        await answered(near, sms(text="perché"))
        assert (far.submitted[0]["text"], far.submitted[0]["coding"]) == ("perché", 8)


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (0x01, Refused("smpp_0x01")),
        (0x0B, Refused("smpp_0x0b")),
        (0x64, Postponed("smpp_0x64")),
        (0x0A, Postponed("smpp_0x0a")),
        (0x45, Postponed("smpp_0x45")),
        (0x58, Postponed("smpp_0x58")),
        (0x401, Postponed("smpp_0x401")),
    ],
)
async def test_what_happens_to_one_sms_is_its_outcome_alone(status: int, expected: Outcome) -> None:
    async with both() as (far, near):
        far.rule(status=status, only=BAD[1:])
        batch = [sms(), sms(BAD), *(sms(f"+39333222222{n}") for n in range(8))]
        first, outcome, *others = await judged(near, batch)
        assert outcome == expected
        assert all(isinstance(other, Sent) for other in [first, *others])


@pytest.mark.parametrize("status", [0x58, 0x14])
async def test_a_throttle_slows_the_channel_down_and_counts_nothing(status: int) -> None:
    async with both() as (far, near):
        far.rule(status=status, times=6)
        hearing, batch = Hearing(), [sms(f"+39333222222{n}") for n in range(8)]
        outcomes = hearing.verdict(batch, await near.send(batch, hearing)).outcomes
        assert hearing.throttled
        assert not any(isinstance(outcome, Postponed | Refused) for outcome in outcomes)
        assert len(far.submitted) == 6  # from the third throttled recipient on each sender stops
        assert all(isinstance(outcome, Sent) for outcome in await judged(near, batch))


async def test_no_more_are_unanswered_than_the_window_holds() -> None:
    async with both(sms_timeout=timedelta(seconds=5)) as (far, near):
        far.rule(times=100, after=20)
        outcomes = await judged(near, [sms(f"+3933322222{n:02}") for n in range(40)])
        assert all(isinstance(outcome, Sent) for outcome in outcomes)
        assert max(one["unanswered"] for one in far.submitted) == 4


async def test_the_window_holds_whoever_sends() -> None:
    async with smsc() as far:
        provider = open_sms("sms", settings(far.port, sms_timeout=timedelta(seconds=5)))
        far.rule(times=100, after=20)
        answers = await asyncio.gather(*(provider.send(sms(f"+3933322222{n:02}")) for n in range(40)))
        assert all(isinstance(answer, Sent) for answer in answers)
        assert max(one["unanswered"] for one in far.submitted) == 4
        assert len(far.of("bound")) == 1
        await provider.close()


async def test_an_smsc_that_is_silent_about_one_may_have_it_and_the_others_go_on() -> None:
    async with both() as (far, near):
        far.rule("silence", only=BAD[1:])
        silent, *others = await answered(near, sms(BAD), *(sms(f"+39333222222{n}") for n in range(8)))
        assert silent == Doubtful("smpp_timeout", perhaps_taken=True)
        assert all(isinstance(other, Sent) for other in others)
        assert len(far.of("bound")) == 1


async def test_an_answer_after_its_time_saves_the_second_copy() -> None:
    async with both() as (far, near):
        far.rule(after=800)
        outgoing = sms()
        assert await answered(near, outgoing) == [Doubtful("smpp_timeout", perhaps_taken=True)]
        await far.seen("answered")
        far.enquire()
        await far.seen("enquired")  # so what was answered before was read
        (outcome,) = await answered(near, replace(outgoing, attempt=2))
        assert outcome == Sent(f"sms:{far.submitted[0]['id']}")
        assert len(far.submitted) == 1


async def test_a_repeat_is_the_same_text_to_the_same_number() -> None:
    """R5: SMPP knows no repeat, so a second copy is possible, and never another text or half."""
    async with both(smpp_reference_tag=REFERENCE_TAG) as (far, near):
        far.rule("drop")
        outgoing = sms()
        assert await answered(near, outgoing) == [Doubtful("smpp_dropped", perhaps_taken=True)]
        assert isinstance((await answered(near, replace(outgoing, attempt=2)))[0], Sent)
        first, second = far.submitted
        assert {first["reference"], second["reference"]} == {str(outgoing.id)}
        assert first["text"] == second["text"]
        assert first["to"] == second["to"]


@pytest.mark.parametrize("fault", ["drop", "garbage"])
async def test_a_lost_session_ends_each_that_is_under_way_once_and_the_next_binds_anew(fault: str) -> None:
    async with both(sms_timeout=timedelta(seconds=20)) as (far, near):
        far.rule("silence", times=3)
        far.rule(fault)
        batch = [sms(f"+39333222222{n}") for n in range(4)]
        answers = await answered(near, *batch)
        reason = "smpp_dropped"
        assert answers == [Doubtful(reason, perhaps_taken=True)] * 4
        assert all(isinstance(one, Sent) for one in await answered(near, *batch))
        assert len(far.of("bound")) == 2


async def test_a_window_full_of_the_unanswered_is_given_up() -> None:
    async with both(smpp_window=2) as (far, near):
        far.rule("silence", times=2)
        await answered(near, sms(), sms())
        assert await answered(near, sms()) == [Unreachable("smpp_window")]
        assert isinstance((await answered(near, sms()))[0], Sent)


async def test_a_place_in_the_window_is_given_back_in_the_end() -> None:
    """Else one silent number a day would narrow it for good."""
    async with both(smpp_window=1, sms_timeout=timedelta(seconds=0.1)) as (far, near):
        far.rule("silence")
        begun = time.monotonic()
        assert await answered(near, sms(BAD)) == [Doubtful("smpp_timeout", perhaps_taken=True)]
        await until(lambda: time.monotonic() - begun > 0.8)
        assert isinstance((await answered(near, sms()))[0], Sent)
        assert len(far.of("bound")) == 1


async def test_a_silent_line_is_found_and_replaced() -> None:
    async with both(smpp_enquire_interval=timedelta(seconds=0.3)) as (far, near):
        await answered(near, sms())
        await far.seen("enquiry", 2)
        assert not far.of("closed")
        far.mode(links=False)
        await far.seen("closed")
        assert isinstance((await answered(near, sms()))[0], Sent)


async def test_an_smsc_that_asks_whether_we_are_there_is_answered() -> None:
    async with both() as (far, near):
        await answered(near, sms())
        far.enquire()
        assert (await far.seen("enquired"))[0]["status"] == 0


async def test_an_smsc_that_unbinds_is_bound_anew() -> None:
    async with both() as (far, near):
        await answered(near, sms())
        far.unbind()
        await far.seen("closed")
        assert isinstance((await answered(near, sms()))[0], Sent)
        assert len(far.of("bound")) == 2


async def test_we_unbind_at_the_end() -> None:
    async with smsc() as far:
        async with channel(far.port) as near:
            await answered(near, sms())
        await far.seen("unbind")


async def test_a_wrong_password_and_an_smsc_that_is_not_there_are_outages() -> None:
    async with both(smpp_password="wrong") as (far, near):
        assert await judged(near, [sms(BAD)] * 9) == [Unreachable("smpp_bind_0x0e")] * 9
    async with channel(far.port) as near:
        assert await judged(near, [sms(BAD)] * 9) == [Unreachable("smpp_connect")] * 9


async def test_tls_is_by_our_authority_alone(tmp_path: Path) -> None:
    own = Authority(tmp_path / "ours").server("smsc", ["localhost"])
    foreign = Authority(tmp_path / "foreign").server("smsc", ["localhost"]).ca
    async with smsc(own.cert, own.key) as far:
        url = f"smpps://localhost:{far.port}"
        async with channel(far.port, sms_url=url, sms_ca=str(own.ca)) as near:
            assert isinstance((await answered(near, sms()))[0], Sent)
        async with channel(far.port, sms_url=url, sms_ca=str(foreign)) as near:
            assert await answered(near, sms()) == [Unreachable("smpp_tls")]
        assert len(far.of("bound")) == 1


async def test_nothing_of_a_text_or_a_password_is_logged(capsys: pytest.CaptureFixture[str]) -> None:
    with capture_logs() as lines:
        await meeting_what_is_logged()
    out = capsys.readouterr()
    said = out.out + out.err + str(lines)
    assert "smpp.incoming" in said
    assert "smpp.unreadable" in said
    for secret in (HALF, "s3cret", TO[1:]):
        assert secret not in said


async def meeting_what_is_logged() -> None:
    async with both() as (far, near):
        far.rule("garbage")
        await answered(near, sms(text=f"È {HALF} " * 20))
        await answered(near, sms())
        far.deliver(("mo", f"{HALF} id:1 stat:DELIVRD err:000", {}, 0), ("odd", HALF, {}, 4))
        await far.seen("acknowledged", 2)
