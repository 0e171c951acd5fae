"""Receipts of an SMSC on the real stack: stored first, then acknowledged, and told with their evidence."""

from collections.abc import AsyncIterator
from uuid import UUID

import pytest
import pytest_asyncio

from deploy.local.stack import Stack
from tests.adversity.people import Issued, citizen, issued, standing
from tests.far_ends.smsc import Smsc, smsc
from tests.kit.evidence import Evidence
from tests.kit.harness import MAIN_WAY, QUICK, Harness, harness_on
from tests.kit.servers import fresh_ledger
from tests.kit.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="module")
WORKERS = (*MAIN_WAY, "notifier-receipts")
SMS = "notifier-sms"
GOOD = "id:{id} sub:001 dlvrd:001 submit date:2603011200 done date:2603011201 stat:DELIVRD err:000 text:PIN"
BURST = 2_000
RECEIPT, FROM_A_PHONE = 4, 0


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def far() -> AsyncIterator[Smsc]:
    async with smsc() as far:
        yield far


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def harness(servers: Stack, far: Smsc) -> AsyncIterator[Harness]:
    settings = QUICK | {
        "PIN_SMS_URL": f"smpp://127.0.0.1:{far.port}",
        "PIN_SMPP_SYSTEM_ID": "pin",
        "PIN_SMPP_PASSWORD": "s3cret",
        "PIN_SMPP_SOURCE": "PINonline",
    }
    async with fresh_ledger(servers, "ledger_smpp", settings) as stack, harness_on(stack) as harness:
        harness.start(WORKERS)
        yield harness


async def handed_over(harness: Harness, far: Smsc) -> tuple[Issued, str]:
    """Issue a PIN; return it, and the SMSC's id of its SMS, whose receipt is yet to come."""
    before = len(far.submitted)
    (pin,) = await issued(harness.stack, harness.portal, [citizen()])
    await standing(harness.stack, [pin.carriers["sms"]], {"sent"})
    (one,) = far.submitted[before:]
    return pin, one["id"]


def good(id_: str) -> tuple[str, str, dict[str, object], int]:
    return (id_, GOOD.replace("{id}", id_), {}, RECEIPT)


def told(found: Evidence, delivery: UUID, kind: str) -> list[str]:
    """The evidence that the chain gives for what became of a delivery."""
    return [
        str(entry.data["evidence"])
        for entry in found.entries
        if entry.kind == kind and entry.data.get("delivery_id") == str(delivery)
    ]


async def acknowledged(far: Smsc, name: str) -> None:
    await until(lambda: any(one["name"] == name for one in far.of("acknowledged")), f"{name} acknowledged")


async def test_a_receipt_becomes_an_event_with_its_evidence(harness: Harness, far: Smsc) -> None:
    pin, id_ = await handed_over(harness, far)
    sms = pin.carriers["sms"]
    far.deliver(good(id_))
    await acknowledged(far, id_)
    found = await standing(harness.stack, [sms], {"delivered"})
    assert told(found, sms, "delivery.delivered") == ["smpp_delivrd"]
    event = await harness.portal.event("delivery.delivered", pin.message_id)
    assert (event["delivery_id"], event["evidence"]) == (str(sms), "smpp_delivrd")


async def test_one_that_did_not_arrive_says_by_which_code(harness: Harness, far: Smsc) -> None:
    """The half went by mail as well (R5): the PIN lives."""
    pin, id_ = await handed_over(harness, far)
    sms = pin.carriers["sms"]
    far.deliver((id_, "", {"receipted_message_id": id_, "message_state": 8}, RECEIPT))
    found = await standing(harness.stack, [sms], {"failed"})
    assert told(found, sms, "delivery.failed") == ["smpp_rejectd"]
    assert found.accounts[pin.subject].status == "issued"


async def test_a_message_from_a_phone_that_looks_like_a_receipt_changes_nothing(
    harness: Harness, far: Smsc
) -> None:
    pin, id_ = await handed_over(harness, far)
    other, other_id = await handed_over(harness, far)
    text = GOOD.replace("{id}", id_)
    far.deliver(("phone", text, {}, FROM_A_PHONE), ("state", text.replace("DELIVRD", "UNDELIV"), {}, 0))
    far.deliver(good(other_id))
    await acknowledged(far, "phone")
    found = await standing(harness.stack, [other.carriers["sms"]], {"delivered"})
    assert found.deliveries[pin.carriers["sms"]] == "sent"


async def test_one_that_comes_before_its_delivery_is_recorded_finds_it_later(
    harness: Harness, far: Smsc
) -> None:
    """As from an SMSC that is faster than our own commit."""
    far.mode(receipts=[[GOOD, {}]])
    try:
        (pin,) = await issued(harness.stack, harness.portal, [citizen()])
        await standing(harness.stack, [pin.carriers["sms"]], {"delivered"})
    finally:
        far.mode(receipts=None)


async def test_none_of_a_burst_is_lost_or_left_unacknowledged(harness: Harness, far: Smsc) -> None:
    pin, id_ = await handed_over(harness, far)
    on_its_way = "id:{id} sub:001 dlvrd:000 done date:26{number:010} stat:ENROUTE err:000 text:"
    burst: list[tuple[str, str, dict[str, object], int]] = [
        (f"burst {n}", on_its_way.format(id=id_, number=301_120_000 + n), {}, RECEIPT) for n in range(BURST)
    ]
    far.deliver(*burst, good(id_))
    await acknowledged(far, id_)
    names = [one["name"] for one in far.of("acknowledged") if one["name"].startswith("burst")]
    assert names == [name for name, *_ in burst]
    found = await standing(harness.stack, [pin.carriers["sms"]], {"delivered"})
    assert len(told(found, pin.carriers["sms"], "delivery.accepted")) == 1


@pytest.mark.parametrize("point", ["receipts.arrived", "receipts.stored"])
async def test_a_worker_that_dies_before_it_acknowledges_gets_the_receipt_again_and_it_has_one_effect(
    harness: Harness, far: Smsc, point: str
) -> None:
    pin, id_ = await handed_over(harness, far)
    sms, bound = pin.carriers["sms"], len(far.of("bound"))
    harness.arm(SMS, point)
    far.deliver(good(id_))
    process = await harness.dead(SMS)
    assert not any(one["name"] == id_ for one in far.of("acknowledged"))
    process.start()
    await far.seen("bound", bound + 1, limit=60)
    await acknowledged(far, id_)
    found = await standing(harness.stack, [sms], {"delivered"})
    assert told(found, sms, "delivery.delivered") == ["smpp_delivrd"]


async def test_an_sms_whose_worker_dies_before_it_is_recorded_goes_twice_with_the_same_text(
    harness: Harness, far: Smsc
) -> None:
    """R5: SMPP knows no repeat; there is never another half."""
    before = len(far.submitted)
    harness.arm(SMS, "performed")
    (pin,) = await issued(harness.stack, harness.portal, [citizen()])
    (await harness.dead(SMS)).start()
    await standing(harness.stack, [pin.carriers["sms"]], {"sent"})
    first, second = far.submitted[before:]
    assert (first["to"], first["text"]) == (second["to"], second["text"])


async def test_without_the_ledger_nothing_is_acknowledged(harness: Harness, far: Smsc) -> None:
    pin, id_ = await handed_over(harness, far)
    harness.stack.postgres.stop()
    try:
        far.deliver(good(id_))
        far.deliver(("phone, too", "ciao", {}, FROM_A_PHONE))
        await acknowledged(far, "phone, too")
        assert not any(one["name"] == id_ for one in far.of("acknowledged"))
    finally:
        harness.stack.postgres.start()
    await acknowledged(far, id_)
    await standing(harness.stack, [pin.carriers["sms"]], {"delivered"})
