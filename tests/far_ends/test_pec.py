"""From a half by PEC to the event that it arrived: our stack, its PEC server, a Dovecot, and OpenSSL."""

import re
import shutil
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID, uuid4

import pytest
import pytest_asyncio

from deploy.local import dovecot
from deploy.local.client import Client
from deploy.local.dovecot import Dovecot
from deploy.local.pec_provider import RECIPIENT, Provider, authority, daticert, entity
from deploy.local.processes import Process, Program
from deploy.local.stack import Stack
from tests.adversity.people import Issued, citizen, ended, issued, standing
from tests.kit.clients import gateway, portal
from tests.kit.harness import MAIN_WAY
from tests.kit.invariants import every_chain_verifies
from tests.kit.logs import log_lines
from tests.kit.servers import fresh_ledger, private_directory
from tests.kit.waiting import until

pytestmark = [
    pytest.mark.skipif(dovecot.BINARY is None, reason="dovecot is not installed"),
    pytest.mark.skipif(not shutil.which("openssl"), reason="needs the program openssl"),
]
_MESSAGE_ID = re.compile(rb"^Message-ID: <(.+)>\r?$", re.MULTILINE)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running(servers: Stack) -> AsyncIterator[Stack]:
    """The workers that bring a half to the citizen, and that decide about receipts."""
    async with fresh_ledger(servers, "ledger_pec", {"PIN_RELAY_INTERVAL": "PT0.1S"}) as stack:
        stack.start_workers((*MAIN_WAY, "notifier-receipts"))
        yield stack


@dataclass
class Mailbox:
    """The PEC mailbox of the institute, its provider, and the process that reads it."""

    server: Dovecot
    provider: Provider
    log: Path

    def why_unknown(self) -> list[str]:
        """Return why mails were filed for a person to look at."""
        return [line["reason"] for line in log_lines(self.log) if line["event"] == "mailbox.unknown"]

    def receipt(self, kind: str, about: str, **more: object) -> bytes:
        """Return a receipt about a mail."""
        return self.provider.mail(entity([daticert(kind, f"<{about}>", **more)]))  # type: ignore[arg-type]


@pytest.fixture
def mailbox(running: Stack) -> Iterator[Mailbox]:
    with private_directory() as root:
        for name in ("imap", "provider"):
            (root / name).mkdir()
            (root / name).chmod(0o711)
        server, provider = Dovecot(root / "imap"), Provider(root / "provider")
        server.start()
        program = Program(
            name="notifier-mailbox",
            argv=[sys.executable, "-m", "services.notifier", "mailbox"],
            log=root / "reader.log",
            env=server.settings
            | {
                "PIN_AMQP_URL": running.env["PIN_NOTIFIER_AMQP_URL"],
                "PIN_PEC_TRUST": str(provider.bundle()),
                "PIN_MAILBOX_POLL": "PT1S",
            },
        )
        reader = Process(program, root)
        reader.start()
        try:
            yield Mailbox(server, provider, root / "reader.log")
        finally:
            reader.stop()
            server.stop()


@pytest.fixture
async def client(running: Stack) -> AsyncIterator[Client]:
    async with portal(running) as opened:
        yield opened


@pytest.fixture
async def pin(running: Stack, client: Client) -> Issued:
    """A PIN whose first half went by SMS and PEC."""
    (pin,) = await issued(running, client, [citizen("pec")])
    await standing(running, pin.carriers.values(), {"sent"})
    return pin


def sent_as(stack: Stack, delivery: UUID) -> str:
    """Return the Message-ID by which a mail of ours reached its provider."""
    mails = [path.read_bytes() for path in (stack.state / "captured/mail").glob("*.eml")]
    (found,) = {
        match[1].decode()
        for raw in mails
        if (match := _MESSAGE_ID.search(raw)) and delivery.hex.encode() in raw
    }
    return found


async def test_a_receipt_of_delivery_leads_to_the_event_that_names_it(
    running: Stack, client: Client, pin: Issued, mailbox: Mailbox
) -> None:
    """R5."""
    about = sent_as(running, pin.carriers["pec"])
    mailbox.server.put(
        mailbox.receipt("accettazione", about),
        mailbox.receipt("avvenuta-consegna", about, given_to=RECIPIENT),
    )
    told = await client.event("delivery.delivered", pin.message_id)
    assert (told["delivery_id"], told["evidence"]) == (str(pin.carriers["pec"]), "pec_avvenuta_consegna")
    found = await standing(running, [pin.carriers["pec"]], {"delivered"})
    await until(
        lambda: mailbox.server.counts("INBOX", "PIN-processed", "PIN-unknown") == [0, 2, 0], "both filed"
    )
    every_chain_verifies(found)


async def test_a_failed_delivery_counts_as_a_failed_channel_of_its_half(
    running: Stack, client: Client, pin: Issued, mailbox: Mailbox
) -> None:
    about = sent_as(running, pin.carriers["pec"])
    mailbox.server.put(mailbox.receipt("errore-consegna", about))
    assert (await client.event("delivery.failed", pin.message_id))["evidence"] == "pec_errore_consegna"
    _, found = await ended(running, pin.subject, "half.channel_failed")
    assert found.accounts[pin.subject].status == "issued"
    failed = {"delivery_id": str(pin.carriers["sms"]), "status": "failed", "provider": "prova", "detail": ""}
    async with gateway(running) as provider:
        await provider.publish("delivery.receipt", failed)
    assert await client.event("pin.revoked", pin.message_id) == {"cause": "undeliverable"}


async def test_forged_receipts_change_nothing_and_lie_there_for_a_person(
    running: Stack, pin: Issued, mailbox: Mailbox
) -> None:
    """Anybody can write to a PEC mailbox, and who got a mail of ours knows its Message-ID."""
    about = sent_as(running, pin.carriers["pec"])
    stranger = Provider(mailbox.provider.folder, authority())
    signed = entity([daticert("errore-consegna", about)])
    genuine = mailbox.receipt("errore-consegna", str(uuid4()))
    forged = [
        b"From: posta-certificata@pec.example.com\r\nX-Ricevuta: errore-consegna\r\n" + signed,
        stranger.mail(signed),
        mailbox.provider.mail(signed).replace(b"Ricevuta", b"ricevuta"),
        genuine,
    ]
    mailbox.server.put(*forged, mailbox.receipt("preavviso-errore-consegna", about))
    _, found = await ended(running, pin.subject, "delivery.delayed")
    assert found.deliveries[pin.carriers["pec"]] == "sent"
    assert found.accounts[pin.subject].status == "issued"
    await until(
        lambda: mailbox.server.counts("INBOX", "PIN-processed", "PIN-unknown") == [0, 1, 4], "all filed"
    )
    assert sorted(mailbox.why_unknown()) == [
        "pec_bad_signature",
        "pec_bad_signature",
        "pec_not_signed",
        "pec_other_message",
    ]


async def test_an_address_that_is_no_pec_is_told_and_known_from_then_on(
    running: Stack, client: Client, pin: Issued, mailbox: Mailbox
) -> None:
    about = sent_as(running, pin.carriers["pec"])
    mailbox.server.put(mailbox.receipt("accettazione", about, certified=False))
    told = await client.event("delivery.unsuitable", pin.message_id)
    assert (told["channel"], told["evidence"]) == ("pec", "pec_esterno")
    _, found = await ended(running, pin.subject, "contacts.unsuitable")
    account = found.accounts[pin.subject]
    assert [(one.kind, one.value) for one in account.unsuitable] == [("pec", account.contacts.pec)]
