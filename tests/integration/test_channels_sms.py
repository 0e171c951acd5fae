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
from shared.delivery import Sms
from shared.secret import Secret
from tests.integration.far_ends import SmsGateway

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


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ((400, {}, "no"), Refused("sms_400")),
        ((422, {}, "no"), Refused("sms_422")),
        ((408, {}, ""), Postponed("sms_408")),
        ((500, {}, "oops"), Postponed("sms_500")),
        ((429, {"Retry-After": "7"}, ""), Unreachable("sms_429", 7.0)),
        ((503, {"Retry-After": "soon"}, ""), Unreachable("sms_503")),
        ((401, {}, ""), Unreachable("sms_401")),
        ((307, {"Location": "http://127.0.0.1:1/"}, ""), Unreachable("sms_307")),
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
        first, outcome, *others = await channel_.send(batch)
        assert outcome == expected
        assert all(isinstance(other, Sent) for other in [first, *others])


async def test_an_sms_carries_its_delivery_id_so_that_the_gateway_knows_a_repeat() -> None:
    """R5: a repeat is the same text under the same client_ref."""
    async with SmsGateway() as gateway, channel(gateway.url, sms_token="t0ken") as channel_:
        outgoing = sms("+393331111111")
        await channel_.send([outgoing])
        await channel_.send([outgoing])
        expected = {"to": "+393331111111", "text": "PIN: ABCD2345", "client_ref": str(outgoing.id)}
        assert gateway.asked == [expected, expected]
        assert gateway.headers[0]["Authorization"] == "Bearer t0ken"


async def test_no_more_are_under_way_than_the_setting_allows() -> None:
    async with SmsGateway() as gateway, channel(gateway.url) as channel_:
        await channel_.send([sms("+393331111111") for _ in range(40)])
        assert len(gateway.asked) == 40
        assert gateway.under_way["most"] <= 4


async def test_a_gateway_that_is_not_there_is_an_outage() -> None:
    async with SmsGateway() as gateway:
        url = gateway.url
    async with channel(url) as channel_:
        assert await channel_.send([sms(BAD)] * 9) == [Unreachable("sms_connect")] * 9


async def test_a_gateway_without_a_name_in_the_dns_is_an_outage() -> None:
    async with channel("http://no-such-host.invalid/sms", sms_timeout=timedelta(seconds=10)) as channel_:
        assert await channel_.send([sms(BAD)]) == [Unreachable("sms_connect")]


async def test_a_gateway_that_throttles_is_not_asked_for_the_rest_of_the_batch() -> None:
    async with SmsGateway() as gateway, channel(gateway.url) as channel_:
        gateway.faults[BAD] = (429, {"Retry-After": "30"}, "")
        assert await channel_.send([sms(BAD)] * 50) == [Unreachable("sms_429", 30.0)] * 50
        assert len(gateway.asked) == 4


async def test_a_text_too_long_for_one_sms_goes_out_all_the_same() -> None:
    async with SmsGateway() as gateway, channel(gateway.url) as channel_:
        content = Sms("+393331111111", Secret("a" * 161))
        assert await channel_.send([replace(sms(BAD), content=content)]) == [Sent("gw-1")]
