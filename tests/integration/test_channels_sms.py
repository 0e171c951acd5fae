from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from services.notifier.channels import Channel, open_channel
from services.notifier.outcome import Outcome, Postponed, Refused, Sent, Unreachable
from services.notifier.outgoing import Outgoing
from services.notifier.settings import NotifierSettings
from services.notifier.suspicion import Hearing
from shared.contract.delivery import Sms
from shared.crypto.secret import Secret
from tests.integration.fake_providers import SmsGateway

BAD = "+393330000000"


def sms(to: str) -> Outgoing:
    return Outgoing(uuid4(), datetime(2026, 3, 1, tzinfo=UTC), 1, Sms(to, Secret("PIN: ABCD2345")))


@asynccontextmanager
async def channel(url: str, **settings: object) -> AsyncIterator[Channel]:
    opened = open_channel(
        "sms",
        NotifierSettings.model_validate(
            {"sms_url": url, "sms_timeout": timedelta(seconds=0.5), "sms_concurrency": 4} | settings
        ),
    )
    try:
        yield opened
    finally:
        await opened.close()


async def sent(channel_: Channel, batch: list[Outgoing]) -> list[Outcome]:
    """Send a batch; return its judged outcomes."""
    hearing = Hearing()
    return list(hearing.verdict(batch, await channel_.send(batch, hearing)).outcomes)


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ((400, {}, "no"), Refused("sms_400")),
        ((422, {}, "no"), Refused("sms_422")),
        ((408, {}, ""), Postponed("sms_408")),
        ((500, {}, "oops"), Postponed("sms_500")),
        ((409, {}, ""), Postponed("sms_409", perhaps_taken=True)),
        ((422, {}, '{"code": "landline"}'), Refused("sms_landline")),
        ((410, {}, '{"code": "not_mobile"}'), Refused("sms_landline")),
        ((422, {}, '["landline"]'), Refused("sms_422")),
        ((410, {}, ""), Refused("sms_410")),
        ((413, {}, ""), Refused("sms_413")),
        ((429, {"Retry-After": "7"}, ""), Postponed("sms_429", 7.0)),
        ((429, {}, ""), Postponed("sms_429")),
        ((503, {"Retry-After": "soon"}, ""), Postponed("sms_503")),
        ((401, {}, ""), Postponed("sms_401")),
        ((402, {}, ""), Postponed("sms_402")),
        ((403, {}, ""), Postponed("sms_403")),
        ((404, {}, ""), Postponed("sms_404")),
        ((502, {}, ""), Postponed("sms_502")),
        ((307, {"Location": "http://127.0.0.1:1/"}, ""), Postponed("sms_307")),
        ((200, {}, "<html>rubbish"), Sent("")),
        ((202, {}, '["no object"]'), Sent("")),
        ((200, {}, '{"id": 12}'), Sent("12")),
        ("endless body", Sent("")),
        ("silence", Postponed("sms_timeout")),
        ("reset", Postponed("sms_dropped")),
        ("not http", Postponed("sms_dropped")),
    ],
)
async def test_what_happens_to_one_sms_is_its_outcome_alone(
    fault: tuple[int, dict[str, str], str] | str, expected: Outcome
) -> None:
    async with SmsGateway() as gateway, channel(gateway.url) as channel_:
        gateway.faults[BAD] = fault
        batch = [sms("+393331111111"), sms(BAD), *(sms(f"+39333222222{n}") for n in range(8))]
        first, outcome, *others = await sent(channel_, batch)
        assert outcome == expected
        assert all(isinstance(other, Sent) for other in [first, *others])


async def test_an_sms_carries_its_delivery_id_so_that_the_gateway_knows_a_repeat() -> None:
    """R5: a repeat is the same text under the same client_ref."""
    async with SmsGateway() as gateway, channel(gateway.url, sms_token="t0ken") as channel_:
        outgoing = sms("+393331111111")
        await sent(channel_, [outgoing])
        await sent(channel_, [outgoing])
        expected = {"to": "+393331111111", "text": "PIN: ABCD2345", "client_ref": str(outgoing.id)}
        assert gateway.asked == [expected, expected]
        assert gateway.headers[0]["Authorization"] == "Bearer t0ken"


async def test_no_more_are_under_way_than_the_setting_allows() -> None:
    async with SmsGateway() as gateway, channel(gateway.url) as channel_:
        await sent(channel_, [sms("+393331111111") for _ in range(40)])
        assert len(gateway.asked) == 40
        assert gateway.under_way["most"] <= 4


async def test_a_gateway_that_is_not_there_is_an_outage() -> None:
    async with SmsGateway() as gateway:
        url = gateway.url
    async with channel(url) as channel_:
        assert await sent(channel_, [sms(BAD)] * 9) == [Unreachable("sms_connect")] * 9


async def test_a_gateway_without_a_name_in_the_dns_is_an_outage() -> None:
    async with channel("http://no-such-host.invalid/sms", sms_timeout=timedelta(seconds=10)) as channel_:
        assert await sent(channel_, [sms(BAD)]) == [Unreachable("sms_connect")]


async def test_an_sms_that_the_gateway_knows_from_an_earlier_try_is_sent() -> None:
    async with SmsGateway() as gateway, channel(gateway.url) as channel_:
        gateway.faults[BAD] = (409, {}, "")
        assert await sent(channel_, [replace(sms(BAD), attempt=2)]) == [Sent("")]


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ((401, {}, ""), "sms_401"),
        ((500, {}, ""), "sms_500"),
        ((404, {}, ""), "sms_404"),
        ("reset", "sms_dropped"),
        ("silence", "sms_timeout"),
    ],
)
async def test_what_happens_to_everybody_is_the_gateway_s_state_and_it_is_asked_no_further(
    fault: tuple[int, dict[str, str], str] | str, reason: str
) -> None:
    async with SmsGateway() as gateway, channel(gateway.url) as channel_:
        numbers = [f"+3933300000{n:02}" for n in range(50)]
        gateway.faults = dict.fromkeys(numbers, fault)
        outcomes = await sent(channel_, [sms(number) for number in numbers])
        assert set(outcomes) == {Unreachable(reason), Unreachable("not_tried")}
        assert len(gateway.asked) <= 8


async def test_a_gateway_that_throttles_everybody_is_not_asked_for_the_rest_of_the_batch() -> None:
    async with SmsGateway() as gateway, channel(gateway.url) as channel_:
        numbers = [f"+3933300000{n:02}" for n in range(50)]
        gateway.faults = dict.fromkeys(numbers, (429, {"Retry-After": "30"}, ""))
        outcomes = await sent(channel_, [sms(number) for number in numbers])
        assert set(outcomes) == {Unreachable("sms_429", 30.0), Unreachable("not_tried")}
        assert len(gateway.asked) <= 8


async def test_many_sms_to_one_number_that_is_throttled_are_that_number_s_affair() -> None:
    async with SmsGateway() as gateway, channel(gateway.url) as channel_:
        gateway.faults[BAD] = (429, {"Retry-After": "30"}, "")
        outcomes = await sent(channel_, [*[sms(BAD)] * 20, sms("+393331111111")])
        assert outcomes == [*[Postponed("sms_429", 30.0)] * 20, Sent("gw-21")]


async def test_a_text_too_long_for_one_sms_goes_out_all_the_same() -> None:
    async with SmsGateway() as gateway, channel(gateway.url) as channel_:
        content = Sms("+393331111111", Secret("a" * 161))
        assert await sent(channel_, [replace(sms(BAD), content=content)]) == [Sent("gw-1")]
