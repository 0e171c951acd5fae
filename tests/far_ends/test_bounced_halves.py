"""What a bounce does to a PIN, written by Postfix and read from Dovecot; and what a forged one does not."""

import asyncio
import sys
from collections.abc import AsyncIterator, Iterator
from uuid import UUID, uuid4

import pytest

from deploy.local import dovecot
from deploy.local.dovecot import Dovecot
from deploy.local.processes import Process, Program
from deploy.local.stack import Stack
from tests.adversity.dead_letters import number_parked
from tests.adversity.people import citizen, ended, issued, standing
from tests.far_ends.postfix import BOUNCES, KNOWN, Postfix, missing, postfix
from tests.kit.clients import portal
from tests.kit.evidence import gathered
from tests.kit.harness import MAIN_WAY
from tests.kit.invariants import every_chain_verifies
from tests.kit.servers import fresh_ledger, private_directory
from tests.kit.waiting import until

LACKING = missing() or ("" if dovecot.BINARY else "dovecot is not installed")
pytestmark = pytest.mark.skipif(bool(LACKING), reason=LACKING or "all is here")

WORKERS = (*MAIN_WAY, "notifier-receipts")
NOBODY = f"nobody@{KNOWN}"


@pytest.fixture
async def relay() -> AsyncIterator[Postfix]:
    """A mail server that knows nobody, and says so by a bounce."""
    async with postfix({}, dsn=True, gives_up=True) as server:
        yield server


@pytest.fixture
def box() -> Iterator[Dovecot]:
    """The mailbox for bounces."""
    with private_directory() as root:
        root.chmod(0o755)
        server = Dovecot(root)
        server.start()
        try:
            yield server
        finally:
            server.stop()


@pytest.fixture
async def running(servers: Stack, relay: Postfix, box: Dovecot) -> AsyncIterator[Stack]:
    """The stack, with its ordinary mail going through that server, and its bounces read from that mailbox."""
    ours = {"PIN_MAIL_BOUNCES": BOUNCES, "PIN_MAIL_FROM": "PIN <pin@example.it>"}
    mail = {"PIN_SMTP_HOST": "127.0.0.1", "PIN_SMTP_PORT": str(relay.port), "PIN_SMTP_TLS": "none"}
    settings = ours | mail | {"PIN_RELAY_INTERVAL": "PT0.1S"}
    async with fresh_ledger(servers, "ledger_bounced_halves", settings) as stack:
        stack.start_workers(WORKERS)
        reader = _reader(stack, box, ours)
        try:
            yield stack
        finally:
            reader.stop()


def _reader(stack: Stack, box: Dovecot, ours: dict[str, str]) -> Process:
    broker = {"PIN_AMQP_URL": stack.env["PIN_NOTIFIER_AMQP_URL"], "PIN_MAILBOX_POLL": "PT1S"}
    program = Program(
        name="notifier-mailbox",
        argv=[sys.executable, "-m", "services.notifier", "mailbox"],
        log=box.root / "reader.log",
        env=box.settings_of("bounce") | broker | ours,
    )
    reader = Process(program, box.root)
    reader.start()
    return reader


async def come_back(relay: Postfix, box: Dovecot, delivery: UUID) -> None:
    """Bring the bounce of a delivery from the mail server to the mailbox."""
    bounce = await relay.bounce(delivery.hex)
    await asyncio.to_thread(box.put, bounce)


async def filed(box: Dovecot, processed: int, unknown: int) -> None:
    """Wait until so many mails are filed, and none is left."""
    counts = [0, processed, unknown]
    await until(lambda: box.counts("INBOX", "PIN-processed", "PIN-unknown") == counts, "filed", every=0.2)


async def test_a_bounced_half_ends_the_pin_only_where_no_other_copy_is_on_its_way(
    running: Stack, relay: Postfix, box: Dovecot
) -> None:
    """R5: with a mobile the half came by SMS too; without one the mail was all, and one asks again."""
    with_mobile, without = citizen(), citizen("landline")
    for body in (with_mobile, without):
        body["contacts"]["email"] = f"{uuid4().hex[:8]}.{NOBODY}"
    async with portal(running) as client:
        both, alone = await issued(running, client, [with_mobile, without])
        await standing(running, (*both.carriers.values(), *alone.carriers.values()), {"sent"})
        for pin in (both, alone):
            await come_back(relay, box, pin.carriers["email"])
            failed = await client.event("delivery.failed", pin.message_id)
            assert (failed["delivery_id"], failed["evidence"]) == (str(pin.carriers["email"]), "dsn_5.1.1")
        assert await client.event("pin.revoked", alone.message_id) == {"cause": "undeliverable"}
        _, found = await ended(running, both.subject, "half.channel_failed")
        assert found.accounts[both.subject].status == "issued"
        assert found.accounts[alone.subject].status == "revoked"
        every_chain_verifies(found)
        await filed(box, 2, 0)
        (again,) = await issued(running, client, [without])
        assert again.subject == alone.subject


async def test_a_forged_bounce_ends_nothing_but_a_mail_whose_id_it_has(running: Stack, box: Dovecot) -> None:
    """Anybody can write to the mailbox: also of an SMS, of ids that nobody has, and of two at once."""
    async with portal(running) as client:
        (pin,) = await issued(running, client, [citizen()])
        await standing(running, pin.carriers.values(), {"sent"})
        invented, (sms, letter) = uuid4(), (pin.carriers[name] for name in ("sms", "post"))
        log = running.state / "log/notifier-receipts.log"  # of all tests of the session
        before = log.read_text().count('"other_channel"')
        forged = [_forged(sms), _forged(letter), _forged(invented), _forged(pin.carriers["email"], sms)]
        await asyncio.to_thread(box.put, *forged)
        await filed(box, 3, 1)

        def handled() -> bool:
            return log.read_text().count('"other_channel"') == before + 2

        await until(handled, "both reports")
        found = await gathered(running, (), ())
        assert {found.deliveries[id_] for id_ in pin.carriers.values()} == {"sent"}
        assert found.accounts[pin.subject].status == "issued"
        assert await number_parked(running) == 0


def _forged(delivery: UUID, other: UUID | None = None) -> bytes:
    to = BOUNCES.replace("@", f"+{(other or delivery).hex}@")
    return f"""\
From: MAILER-DAEMON@example.com
To: {to}
Subject: Undelivered Mail
Date: Fri, 27 Nov 2026 12:30:00 +0000
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; example.com
Original-Envelope-Id: {delivery.hex}

Final-Recipient: rfc822; a@example.com
Action: failed
Status: 5.1.1

--b--
""".replace("\n", "\r\n").encode()
