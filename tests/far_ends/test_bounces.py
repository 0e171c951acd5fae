"""Bounces that a genuine mail server (Postfix) wrote for mails that our channel sent through it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from uuid import uuid4

import pytest

from services.notifier.channels import open_channel
from services.notifier.mailbox.bounce import bounce_classifier
from services.notifier.outcome import Sent
from services.notifier.outgoing import Outgoing
from services.notifier.settings import NotifierSettings
from services.notifier.suspicion import Hearing
from shared.contract.delivery import Mail
from shared.crypto.secret import Secret
from tests.far_ends.postfix import BOUNCES, KNOWN, Postfix, missing, postfix
from tests.integration.fake_providers import SmtpServer

pytestmark = pytest.mark.skipif(bool(missing()), reason=missing() or "Postfix is here")

HALF = "ABCD2345"
TEXT = f"Gentile Anna Rossi,\n\n{HALF}\n\nhttps://portale.example.it/c?token={'0f' * 20}\n"


def settings(port: int, **more: object) -> NotifierSettings:
    return NotifierSettings.model_validate(
        {"smtp_host": "127.0.0.1", "smtp_port": port, "mail_from": "PIN <pin@example.it>"}
        | {"mail_bounces": BOUNCES, "smtp_mail_timeout": timedelta(seconds=30)}
        | more
    )


def mail(to: str) -> Outgoing:
    return Outgoing(uuid4(), datetime.now(UTC), 1, Mail(to, "Il PIN", Secret(TEXT), "it"))


async def send(server: Postfix, *mails: Outgoing, **more: object) -> None:
    """Send mails, all of which the server takes."""
    channel = open_channel("email", settings(server.port, **more))
    try:
        answers = await channel.send(mails, Hearing())
    finally:
        await channel.close()
    assert all(isinstance(answer, Sent) for answer in answers), answers


@asynccontextmanager
async def relay(*, dsn: bool = True, gives_up: bool = True) -> AsyncIterator[Postfix]:
    """Run a Postfix before some servers that are ill."""
    async with (
        SmtpServer(faults={"rcpt": "452 4.2.2 mailbox full"}) as full,
        SmtpServer(faults={"dot": "554 5.7.1 spam"}) as filtering,
    ):
        transports = {
            "full.example.it": f"smtp:[127.0.0.1]:{full.port}",
            "filtering.example.it": f"smtp:[127.0.0.1]:{filtering.port}",
            "down.example.it": "smtp:[127.0.0.1]:1",
        }
        async with postfix(transports, dsn=dsn, gives_up=gives_up) as server:
            yield server


async def test_a_bounce_of_a_server_with_dsn_has_no_half_in_it_and_tells_why() -> None:
    """RFC 3461: what was asked when the mail was sent is what comes back."""
    understand = bounce_classifier(settings(1))
    reasons = {
        f"nobody@{KNOWN}": "dsn_5.1.1",
        "rossi@full.example.it": "dsn_4.2.2",  # given up, after the last try
        "rossi@down.example.it": "dsn_4.4.1",
        "rossi@nowhere.example.com": "dsn_5.4.4",
        "rossi@filtering.example.it": "dsn_5.7.1",
    }
    mails = [mail(to) for to in reasons]
    async with relay() as server:
        await send(server, *mails)
        for sent, evidence in zip(mails, reasons.values(), strict=True):
            bounce = await server.bounce(sent.id.hex)
            assert HALF.encode() not in bounce
            assert b"Anna Rossi" not in bounce
            understood = understand(bounce)
            [report] = understood.reports
            assert (report.delivery_id, report.status, report.evidence) == (sent.id, "failed", evidence)
            assert (report.channel, understood.unknown, understood.kept) == ("email", False, None)


async def test_without_dsn_the_half_comes_back_and_is_not_kept() -> None:
    understand = bounce_classifier(settings(1))
    sent = mail(f"nobody@{KNOWN}")
    async with relay(dsn=False) as server:
        await send(server, sent)
        bounce = await server.bounce(sent.id.hex)
    assert HALF.encode() in bounce
    assert b"Anna Rossi" in bounce
    understood = understand(bounce)
    [report] = understood.reports
    assert (report.delivery_id, report.status, report.evidence) == (sent.id, "failed", "dsn_5.1.1")
    assert understood.kept
    assert HALF.encode() not in understood.kept
    assert b"Rossi" not in understood.kept
    assert b"token" not in understood.kept
    assert sent.id.hex.encode() in understood.kept
    assert b"Status: 5.1.1" in understood.kept
    assert not message_from_bytes(understood.kept).defects
    assert understand(understood.kept).reports == understood.reports


async def test_a_bounce_is_known_by_its_message_id_where_it_has_no_address_of_its_own() -> None:
    plain = {"mail_verp": False}
    understand = bounce_classifier(settings(1, **plain))
    sent = mail(f"nobody@{KNOWN}")
    async with relay(dsn=False) as server:
        await send(server, sent, **plain)
        [report] = understand(await server.bounce(sent.id.hex)).reports
    assert report.delivery_id == sent.id


async def test_that_a_mail_is_late_ends_nothing_and_is_told_only_without_dsn() -> None:
    understand = bounce_classifier(settings(1))
    async with relay(dsn=False, gives_up=False) as server:
        sent = mail("rossi@down.example.it")
        await send(server, sent)
        [report] = understand(await server.bounce(sent.id.hex)).reports
    assert (report.delivery_id, report.status, report.evidence) == (sent.id, "delayed", "dsn_4.4.1")
