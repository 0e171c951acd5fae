"""The capturing fake providers, and their injectable faults."""

import asyncio
import json
import smtplib
import socket
import urllib.error
import urllib.request
from http.client import HTTPException
from typing import Any

import pytest

from deploy.local.stack import Stack

MAIL = "Subject: prova\r\n\r\nriga\r\n.nascosta\r\n"
CITIZEN = "rossi@example.it"


def post_sms(stack: Stack, ref: str = "1", to: str = "+393331234567") -> Any:  # noqa: ANN401 - JSON
    body = json.dumps({"to": to, "text": "àèì", "client_ref": ref}).encode()
    request = urllib.request.Request(stack.env["PIN_SMS_URL"], data=body)  # noqa: S310 - our own sink
    with urllib.request.urlopen(request, timeout=1, context=stack.fake_providers.context) as answer:  # noqa: S310
        return json.loads(answer.read())


def smtp(stack: Stack, port: str = "PIN_SMTP_PORT", limit: float = 1) -> smtplib.SMTP:
    number, context = int(stack.env[port]), stack.fake_providers.context
    if context and "PEC" in port:
        return smtplib.SMTP_SSL("127.0.0.1", number, timeout=limit, context=context)
    client = smtplib.SMTP("127.0.0.1", number, timeout=limit)
    if context:
        client.starttls(context=context)
    return client


def mail(stack: Stack, port: str = "PIN_SMTP_PORT") -> None:
    with smtp(stack, port) as client:
        client.sendmail("pin@example.it", [CITIZEN], MAIL)


async def test_every_sms_is_captured_and_a_repeat_has_the_same_id(stack: Stack) -> None:
    answers = [await asyncio.to_thread(post_sms, stack, ref) for ref in ("a", "b", "a")]
    assert answers[0] == answers[2] != answers[1]
    captured = stack.fake_providers.sms()
    assert [sms["client_ref"] for sms in captured] == ["a", "b", "a"]
    assert captured[0].keys() == {"to", "text", "client_ref", "at"}
    assert captured[0]["text"] == "àèì"


@pytest.mark.parametrize("port", ["PIN_SMTP_PORT", "PIN_PEC_SMTP_PORT"])
async def test_every_mail_is_captured_as_received(stack: Stack, port: str) -> None:
    await asyncio.to_thread(mail, stack, port)
    assert stack.fake_providers.mails() == [MAIL.encode()]


async def test_what_is_asked_about_a_bounce_is_captured_beside_its_mail(stack: Stack) -> None:
    def ask() -> None:
        with smtp(stack) as client:
            client.sendmail("pin@example.it", [CITIZEN], MAIL, ["RET=HDRS"], ["NOTIFY=FAILURE"])
            assert client.has_extn("dsn")

    await asyncio.to_thread(ask)
    [envelope] = stack.fake_providers.envelopes()
    assert envelope["from"].endswith(" RET=HDRS")
    assert envelope["to"].endswith(f"<{CITIZEN}> NOTIFY=FAILURE")
    assert envelope["mail"].startswith("email-")


async def test_a_gateway_that_is_busy_says_when_to_come_back(stack: Stack) -> None:
    stack.fake_providers.misbehave(sms={"mode": "status", "status": 429, "retry_after": 2, "times": 1})
    with pytest.raises(urllib.error.HTTPError) as refused:
        await asyncio.to_thread(post_sms, stack)
    refused.value.close()
    assert refused.value.headers["Retry-After"] == "2"
    assert stack.fake_providers.sms() == []
    await asyncio.to_thread(post_sms, stack)
    assert len(stack.fake_providers.sms()) == 1


@pytest.mark.parametrize("mode", ["silence", "drop", "rubbish", "rubbish_body"])
async def test_a_broken_gateway_has_taken_the_sms_all_the_same(stack: Stack, mode: str) -> None:
    stack.fake_providers.misbehave(sms={"mode": mode})
    with pytest.raises((OSError, ValueError, HTTPException)):
        await asyncio.to_thread(post_sms, stack)
    assert len(stack.fake_providers.sms()) == 1


@pytest.mark.parametrize(
    ("fault", "taken"),
    [
        ({"mode": "status", "status": 451}, 0),
        ({"mode": "status", "status": 550}, 0),
        ({"mode": "status", "status": 451, "stage": "mail"}, 0),
        ({"mode": "status", "status": 554, "stage": "data"}, 0),
        ({"mode": "status", "status": 452, "stage": "dot"}, 0),
        ({"mode": "greet", "status": 421}, 0),
        ({"mode": "drop_after_data"}, 0),
        ({"mode": "drop_after_dot"}, 1),
        ({"mode": "silence"}, 1),
    ],
)
async def test_a_broken_mail_server_fails_the_mail(stack: Stack, fault: dict[str, Any], taken: int) -> None:
    stack.fake_providers.misbehave(email=fault)
    with pytest.raises((smtplib.SMTPException, OSError)):
        await asyncio.to_thread(mail, stack)
    assert len(stack.fake_providers.mails()) == taken
    await asyncio.to_thread(mail, stack, "PIN_PEC_SMTP_PORT")
    assert len(stack.fake_providers.mails()) == taken + 1


async def test_a_server_that_drips_speaks_a_byte_at_a_time(stack: Stack) -> None:
    stack.fake_providers.misbehave(email={"mode": "drip", "seconds": 0.05})
    with socket.create_connection(("127.0.0.1", int(stack.env["PIN_SMTP_PORT"])), timeout=5) as client:
        assert [client.recv(100) for _ in "220"] == [b"2", b"2", b"0"]


async def test_a_fault_can_be_for_one_recipient_alone(stack: Stack) -> None:
    stack.fake_providers.misbehave(email={"mode": "status", "status": 550, "only": "bianchi@"})
    await asyncio.to_thread(mail, stack)
    assert len(stack.fake_providers.mails()) == 1


async def test_what_is_discarded_is_counted(stack: Stack) -> None:
    stack.fake_providers.misbehave(sms={"mode": "discard"}, email={"mode": "discard"})
    await asyncio.to_thread(post_sms, stack)
    await asyncio.to_thread(mail, stack)
    assert (stack.fake_providers.sms(), stack.fake_providers.mails()) == ([], [])
    assert stack.fake_providers.counts() == {"sms": 1, "email": 1, "pec": 0}


async def test_a_mail_server_that_says_421_leaves(stack: Stack) -> None:
    stack.fake_providers.misbehave(email={"mode": "status", "status": 421, "only": CITIZEN})

    def last_words() -> tuple[int, bytes]:
        with smtp(stack, limit=5) as client:
            client.helo()
            client.mail("pin@example.it")
            answer = client.rcpt(CITIZEN)
            with pytest.raises(smtplib.SMTPServerDisconnected):
                client.noop()
            return answer

    assert await asyncio.to_thread(last_words) == (421, b"as asked")


async def test_a_mail_server_says_what_it_is_told_to(stack: Stack) -> None:
    stack.fake_providers.misbehave(
        email={"mode": "status", "status": 554, "text": "5.7.1 relay access denied"}
    )
    with pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
        await asyncio.to_thread(mail, stack)
    assert refused.value.recipients[CITIZEN] == (554, b"5.7.1 relay access denied")


async def test_what_is_refused_is_counted_as_asked(stack: Stack) -> None:
    stack.fake_providers.misbehave(sms={"mode": "status", "status": 599, "times": 1})
    with pytest.raises(urllib.error.HTTPError) as refused:
        await asyncio.to_thread(post_sms, stack)
    refused.value.close()
    await asyncio.to_thread(post_sms, stack)
    url = stack.env["PIN_SMS_URL"].replace("/sms", "/asked")
    context = stack.fake_providers.context
    with await asyncio.to_thread(urllib.request.urlopen, url, context=context) as answer:
        assert json.loads(answer.read()) == {"sms": 2}
    assert stack.fake_providers.counts()["sms"] == 1
