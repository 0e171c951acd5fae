"""What providers report of deliveries, on the real stack: in any order, about an address, or not at all."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import asyncpg
import pytest

from deploy.local.client import Client
from deploy.local.stack import Stack
from services.notifier import reports
from shared.broker.session import Session
from shared.contract.channels import ChannelName
from shared.contract.internal import ProviderReport, ReportStatus
from shared.ledger import QUERIES
from tests.adversity.dead_letters import number_parked, parked
from tests.adversity.people import Issued, citizen, ended, issued, standing
from tests.kit.clients import gateway, operator, portal
from tests.kit.evidence import gathered
from tests.kit.harness import MAIN_WAY
from tests.kit.invariants import every_chain_verifies
from tests.kit.waiting import until

WORKERS = (*MAIN_WAY, "revoker", "notifier-receipts")
SETTINGS = {"PIN_RELAY_INTERVAL": "PT0.1S", "PIN_PEC_ACCEPTANCE_LIMIT": "PT12H"}
AT = "2026-11-27T13:00:00.000Z"


@pytest.fixture
async def client(running: Stack) -> AsyncIterator[Client]:
    async with portal(running) as opened:
        yield opened


@pytest.fixture
async def pin(running: Stack, client: Client) -> Issued:
    return await sent_by_pec(running, client)


async def sent_by_pec(running: Stack, client: Client) -> Issued:
    """Return a PIN of which a half went by PEC."""
    body = citizen("pec")
    body["contacts"] |= {"email": f"{uuid4().hex}@example.it"}
    (pin,) = await issued(running, client, [body])
    await standing(running, pin.carriers.values(), {"sent"})
    return pin


async def report(  # noqa: PLR0913, PLR0917 - what evidence says
    stack: Stack,
    delivery: UUID,
    status: ReportStatus,
    evidence: str = "pec_x",
    channel: ChannelName = "pec",
    mail: str = "",
) -> None:
    """Hand a report in, as whatever has read the evidence of it does."""
    told = ProviderReport(
        channel=channel,
        delivery_id=delivery,
        status=status,
        evidence=evidence,
        provider="pec.example.com",
        occurred_at=AT,
    )
    session = await Session.open(stack.rabbitmq.url("notifier"), "tests")
    try:
        assert all(await session.publish([reports.message(told, mail or str(uuid4()))], 5))
    finally:
        await session.close()


async def unaccepted(stack: Stack) -> list[UUID]:
    """Return what the lane would report as never accepted."""
    ledger = await asyncpg.connect(stack.postgres.dsn("notifier", stack.database))
    try:
        found = await ledger.fetch(
            QUERIES["unaccepted_deliveries"],
            timedelta(hours=12),
            datetime(1970, 1, 1, tzinfo=UTC),
            100,
            UUID(int=0),
        )
        return [row["id"] for row in found]
    finally:
        await ledger.close()


async def test_what_arrived_is_told_with_the_evidence_once(
    running: Stack, client: Client, pin: Issued
) -> None:
    pec = pin.carriers["pec"]
    for mail in ("mail", "mail", "another mail"):
        await report(running, pec, "accepted", "pec_accettazione", mail=mail)
        await report(running, pec, "delivered", "pec_avvenuta_consegna", mail=mail + "'s")
    found = await standing(running, [pec], {"delivered"})
    told = await client.event("delivery.delivered", pin.message_id)
    assert (told["evidence"], told["channel"]) == ("pec_avvenuta_consegna", "pec")
    await report(running, pin.carriers["sms"], "delivered", "smpp_delivrd", "sms")
    found = await standing(running, [pin.carriers["sms"]], {"delivered"})
    kinds = [e.kind for e in found.entries if e.data.get("delivery_id") == str(pec)]
    assert sorted(kinds) == ["delivery.accepted", "delivery.delivered", "delivery.sent"]
    every_chain_verifies(found)


async def test_a_gateway_s_receipt_says_that_it_is_the_evidence(
    running: Stack, client: Client, pin: Issued
) -> None:
    sms = pin.carriers["sms"]
    async with gateway(running) as provider:
        await provider.publish(
            "delivery.receipt",
            {"delivery_id": str(sms), "status": "delivered", "provider": "prova", "detail": ""},
        )
        assert (await client.event("delivery.delivered", pin.message_id))["evidence"] == "gateway_receipt"


async def test_a_half_that_failed_by_pec_and_sms_ends_its_pin(
    running: Stack, client: Client, pin: Issued
) -> None:
    await report(running, pin.carriers["pec"], "failed", "pec_errore_consegna")
    assert (await client.event("delivery.failed", pin.message_id))["evidence"] == "pec_errore_consegna"
    _, found = await ended(running, pin.subject, "half.channel_failed")
    assert found.accounts[pin.subject].status == "issued"
    await report(running, pin.carriers["sms"], "failed", "smpp_undeliv", "sms")
    assert await client.event("pin.revoked", pin.message_id) == {"cause": "undeliverable"}


async def test_evidence_of_another_channel_ends_nothing(running: Stack, pin: Issued) -> None:
    """A bounce can be forged by whoever knows a Message-ID; a PEC receipt is signed."""
    await report(running, pin.carriers["pec"], "failed", "dsn_5.1.1", "email")
    await report(running, pin.carriers["pec"], "accepted", "pec_accettazione")
    await ended(running, pin.subject, "delivery.accepted")
    found = await gathered(running, (), ())
    assert found.deliveries[pin.carriers["pec"]] == "sent"


async def test_an_address_that_is_no_pec_is_not_preferred_any_more(running: Stack, client: Client) -> None:
    body = citizen("pec")
    body["contacts"] |= {"email": f"{uuid4().hex}@example.it"}
    (pin,) = await issued(running, client, [body])
    await standing(running, pin.carriers.values(), {"sent"})
    assert "email" not in pin.carriers
    await report(running, pin.carriers["pec"], "unsuitable", "pec_esterno")
    told = await client.event("delivery.unsuitable", pin.message_id)
    assert (told["channel"], told["evidence"]) == ("pec", "pec_esterno")
    entry, found = await ended(running, pin.subject, "contacts.unsuitable")
    pec = body["contacts"]["pec"]
    assert pec not in entry.text
    (unsuitable,) = found.accounts[pin.subject].unsuitable
    assert (unsuitable.kind, unsuitable.value) == ("pec", pec)
    assert found.deliveries[pin.carriers["pec"]] == "sent"
    every_chain_verifies(found)
    async with operator(running) as console:
        who = {"id": "op-1", "office": "Contact Center"}
        revoke = {"codice_fiscale": body["codice_fiscale"], "operator": who, "reason": "lost"}
        assert (await console.ask("revoke.by_contact_centre", revoke))["code"] == "accepted"
    (again,) = await issued(running, client, [body])
    assert {*again.carriers} == {"sms", "email", "post"}


async def test_a_report_for_nothing_we_know_is_parked(running: Stack) -> None:
    await parked(running)
    unknown = uuid4()
    await report(running, unknown, "delivered")

    async def dead() -> bool:
        running.postgres.sql("update outbox set due_at = now() where worker = 'notifier'", running.database)
        return await number_parked(running) > 0

    await until(dead, "the report in pin.dead", every=0.1)
    ((reason, body),) = {(reason, body) for reason, _, body in await parked(running)}
    assert reason == "unknown_delivery"
    assert str(unknown).encode() in body


async def test_a_pec_that_was_never_accepted_has_failed_if_receipts_are_read_at_all(
    running: Stack, client: Client
) -> None:
    """Without the receipts of others, before and after, nothing is known of a mailbox that nobody reads."""
    running.postgres.sql("update delivery set reported = ''", running.database)
    before, silent, fresh, after = [await sent_by_pec(running, client) for _ in range(4)]

    def age(pin: Issued, hours: float) -> None:
        one = f"'{hours} hours' where id = '{pin.carriers['pec']}'"
        for column in ("made_at", "awaits_since"):
            running.postgres.sql(
                f"update delivery set {column} = {column} - interval {one}",  # noqa: S608 - our own words
                running.database,
            )

    for pin, hours in ((before, 40), (silent, 30), (fresh, 2), (after, 1)):
        age(pin, hours)

    assert await unaccepted(running) == []
    await report(running, before.carriers["pec"], "accepted", "pec_accettazione")
    await ended(running, before.subject, "delivery.accepted")
    assert await unaccepted(running) == []
    await report(running, after.carriers["pec"], "accepted", "pec_accettazione")
    await ended(running, after.subject, "delivery.accepted")
    # The lane looks once a minute, and when it starts.
    running.workers["notifier-receipts"].stop(limit=10)
    running.start_workers(["notifier-receipts"])
    told = await client.event("delivery.failed", silent.message_id)
    assert told["evidence"] == "pec_not_accepted"
    found = await standing(running, [silent.carriers["pec"]], {"failed"})
    assert found.deliveries[fresh.carriers["pec"]] == "sent"
    assert (await ended(running, silent.subject, "half.channel_failed"))[0].writer == "issuer"
    # The receipt comes after all: what the citizen was told stands.
    await report(running, silent.carriers["pec"], "accepted", "pec_accettazione")
    await report(running, fresh.carriers["pec"], "accepted", "pec_accettazione")
    found = (await ended(running, fresh.subject, "delivery.accepted"))[1]
    assert found.deliveries[silent.carriers["pec"]] == "failed"
    every_chain_verifies(found)
