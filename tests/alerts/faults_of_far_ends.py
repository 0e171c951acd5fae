"""What may happen to providers of SMS and mail, to mailboxes and to canaries."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from deploy.local.ports import HOST
from deploy.local.workers import ALL, MAILBOX, Worker
from services.notifier.measured import PROMPT
from tests.alerts.hurried import HURRY, hurried
from tests.alerts.lines import WorkersLogs
from tests.alerts.scene import ENOUGH, Scene

TWELVE_MINUTES = 12 * 60 / HURRY
"""Seconds, of a worker that hurries."""
SMS = "notifier-sms"
_MAIL = b"From: a@example.it\r\nSubject: %b\r\n\r\nVorrei un PIN.\r\n"
_CANARY = {"PIN_CANARY_MOBILE": "+393331234567", "PIN_CANARY_RECEIPT_WITHIN": "PT1H"}


@contextmanager
def _closed_port() -> Iterator[int]:
    """Yield a port that nobody answers at, and nobody else gets."""
    with socket.socket() as held:
        held.bind((HOST, 0))
        yield int(held.getsockname()[1])


@contextmanager
def _gateway(scene: Scene, fault: dict[str, Any]) -> Iterator[None]:
    """Let the SMS gateway misbehave."""
    scene.stack.fake_providers.misbehave(sms=fault)
    try:
        yield
    finally:
        scene.stack.fake_providers.behave()


async def _ask_for_pins(scene: Scene, number: int) -> None:
    await scene.run("issuer")
    asked = (scene.harness.portal.ask("pin.request", body) for body in scene.people(number))
    assert {reply["code"] for reply in await asyncio.gather(*asked)} == {"accepted"}


async def the_gateway_refuses_everybody(scene: Scene) -> None:
    """Our token is no longer taken: 401 to everything."""
    with _gateway(scene, {"mode": "status", "status": 401}):
        await scene.run(SMS, hurry=True)
        logs = WorkersLogs(scene.stack)
        await _ask_for_pins(scene, 5)  # three that fail alike are no coincidence
        await scene.said(logs, "provider.down")
        scene.begin()
        await asyncio.sleep(TWELVE_MINUTES)


async def the_gateway_is_away(scene: Scene) -> None:
    """It answers 503 for longer than the time within which messages are to be with it."""
    await scene.run("issuer", SMS)
    sent = "select count(*) from delivery where channel = 'sms' and status = 'sent'"
    before = int(scene.sql(sent))
    with _gateway(scene, {"mode": "status", "status": 503}):
        scene.begin()
        await _ask_for_pins(scene, ENOUGH)
        await asyncio.sleep(PROMPT.total_seconds())
    await scene.comes(f"select ({sent}) >= {before + ENOUGH}", "t", "all to be sent")


async def no_smsc_answers(scene: Scene) -> None:
    """Nobody listens where the SMSC should be; there is nothing to send."""
    with _closed_port() as port:
        logs = WorkersLogs(scene.stack)
        smpp = {"PIN_SMS_URL": f"smpp://{HOST}:{port}", "PIN_SMPP_SYSTEM_ID": "pin"}
        await scene.run(SMS, settings=smpp, hurry=True)
        await scene.said(logs, "smpp.unbound")
        scene.begin()
        await asyncio.sleep(TWELVE_MINUTES)
        await scene.end(SMS)


async def one_gateway_of_two_is_down(scene: Scene) -> None:
    """Nobody listens where the first of two gateways should be, while SMS are sent."""
    with _closed_port() as port:
        two = {
            "PIN_SMS_PROVIDERS": "first,second",
            "PIN_SMS_FIRST_URL": f"http://{HOST}:{port}/sms",
            "PIN_SMS_SECOND_URL": scene.stack.fake_providers.sms_url,
        }
        await scene.run(SMS, settings=two, hurry=True)
        await scene.run("issuer")
        scene.begin()
        logs = WorkersLogs(scene.stack)
        sending = asyncio.create_task(_go_on_asking(scene))
        await scene.said(logs, "provider.alone", 2)
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)
        await scene.end(SMS)


async def _go_on_asking(scene: Scene) -> None:
    while True:
        await _ask_for_pins(scene, 1)
        await asyncio.sleep(0.2)


async def no_mailbox_answers(scene: Scene) -> None:
    """Nobody listens where the PEC mailbox should be."""
    with _closed_port() as port:
        logs = WorkersLogs(scene.stack)
        settings = {
            "PIN_PEC_IMAP_HOST": HOST,
            "PIN_PEC_IMAP_PORT": str(port),
            "PIN_PEC_IMAP_USER": "pin@pec.example.it",
            "PIN_PEC_IMAP_PASSWORD": "secret",
        }
        with patch.dict(ALL, {MAILBOX.name: hurried(MAILBOX)}):  # it never gets ready
            scene.stack.start_worker(MAILBOX.name, env=settings, wait=False)
        await scene.said(logs, "mailbox.waiting")
        scene.begin()
        await asyncio.sleep(TWELVE_MINUTES)
        await scene.end(MAILBOX.name)


async def a_mail_is_not_understood(scene: Scene) -> None:
    """Somebody writes to the mailbox of PEC receipts."""
    scene.mailbox.put(_MAIL % b"Buongiorno", user="unknown")
    await _is_read(scene, "mailbox.unknown", "unknown")


async def a_mail_cannot_be_read(scene: Scene) -> None:
    """The server does not give a mail that it says is there."""
    scene.mailbox.put(_MAIL % b"Buongiorno", user="stuck")
    scene.mailbox.spoil(1, "stuck")
    await _is_read(scene, "mailbox.stuck", "stuck")


class _Defective(Worker):
    """The reader of mailboxes with a classifier of the tests', which has defects."""

    @property
    def command(self) -> list[str]:
        """The arguments of `python`."""
        return ["-m", "tests.far_ends.mailbox_process"]


async def a_mail_meets_a_defect(scene: Scene) -> None:
    """What is to understand a mail raises an error."""
    scene.mailbox.put(_MAIL % b"poison ", user="defect")
    with patch.dict(ALL, {MAILBOX.name: _Defective(MAILBOX.name, MAILBOX.module, MAILBOX.lane, bare=True)}):
        await _is_read(scene, "mailbox.fault", "defect")


async def _is_read(scene: Scene, event: str, user: str) -> None:
    """Let the mailbox of a user, whom no other fault uses, be read until this is said."""
    logs = WorkersLogs(scene.stack)
    await scene.run(MAILBOX.name, settings=scene.mailbox.settings_of("pec", user))
    await scene.said(logs, event)
    await scene.end(MAILBOX.name)


async def a_canary_is_refused(scene: Scene) -> None:
    """The gateway refuses the canary's number for good."""
    only = {"mode": "status", "status": 400, "code": "invalid_recipient", "only": "1234567"}
    with _gateway(scene, only):
        await _canaries(scene, "canary.failed", "PT1M")


async def a_canary_is_not_sent(scene: Scene) -> None:
    """Nothing works off the channel's queue."""
    await _canaries(scene, "canary.overdue", "PT0S", sms=False)


async def _canaries(scene: Scene, event: str, within: str, *, sms: bool = True) -> None:
    logs = WorkersLogs(scene.stack)
    scene.sql("delete from canary")
    if sms:
        await scene.run(SMS)
    else:
        await scene.end(SMS)
    await scene.run("issuer")
    await scene.run("notifier-receipts", settings=_CANARY | {"PIN_CANARY_WITHIN": within}, hurry=True)
    await scene.said(logs, event)
    await scene.end("notifier-receipts")
