"""SMPP without a server: the bytes, the receipts, the settings."""

import asyncio
import struct
from collections.abc import Mapping
from datetime import UTC, datetime

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from services.notifier.channels import open_channel
from services.notifier.channels.concurrency import ProviderChannel
from services.notifier.channels.smpp.pdu import (
    Address,
    Command,
    Deliver,
    Pdu,
    Tag,
    message_id,
    read_deliver,
    read_pdu,
    submit,
)
from services.notifier.channels.smpp.receipts import (
    STATES,
    Receipt,
    is_receipt,
    read_receipt,
    same_id,
)
from services.notifier.channels.smpp.upkeep import ReceiptsUpkeep
from services.notifier.senders import open_sender
from services.notifier.settings import NotifierSettings
from shared.errors import GarbledError, SettingsError, UnreadableReceiptError
from shared.texts.sms_alphabet import ESCAPE, ONE, TWO, gsm7
from shared.texts.sms_length import beyond_gsm7, units

SMSC = {"PIN_SMS_URL": "smpps://smsc.example.it:3550", "PIN_SMPP_SYSTEM_ID": "pin"}
TEXT = (
    "id:0000012345 sub:001 dlvrd:001 submit date:2603011200 done date:2603011201 stat:DELIVRD err:000 text:"
)


def said(text: str = "", tlvs: Mapping[int, bytes] | None = None, coding: int = 0, kind: int = 4) -> Deliver:
    return Deliver(kind, coding, text.encode("utf-16-be" if coding == 8 else "latin-1"), tlvs or {})


def read(deliver: Deliver) -> Receipt:
    return read_receipt(deliver, "text", "text")


async def pdu_of(octets: bytes) -> Pdu:
    reader = asyncio.StreamReader()
    reader.feed_data(octets)
    reader.feed_eof()
    return await read_pdu(reader)


async def test_a_pdu_is_read_back_as_it_was_written() -> None:
    pdu = Pdu(Command.SUBMIT_SM, 0, 7, b"body")
    assert await pdu_of(pdu.encoded()) == pdu


@pytest.mark.parametrize("length", [0, 15, 2**17 + 1, 2**32 - 1])
async def test_a_pdu_of_an_impossible_length_is_not_waited_for(length: int) -> None:
    with pytest.raises(GarbledError):
        await pdu_of(struct.pack(">IIII", length, 5, 0, 1))


def test_neither_a_text_nor_a_number_is_shown() -> None:
    pdu = Pdu(4, 0, 1, submit(Address(5, 0, "PIN"), Address(1, 1, "39333"), 0, b"ABCD2345", {}, whole=True))
    assert "ABCD2345" not in repr(pdu)
    assert "39333" not in repr(Address(1, 1, "39333"))
    assert "ABCD2345" not in repr(said("ABCD2345"))


@given(st.binary(max_size=300))
def test_any_bytes_are_a_deliver_sm_or_are_none(body: bytes) -> None:
    try:
        deliver = read_deliver(body)
        read(deliver)
    except (ValueError, UnreadableReceiptError):
        pass


@given(st.binary(max_size=80))
def test_any_bytes_are_an_id_or_none(body: bytes) -> None:
    assert message_id(body).isprintable()


def test_a_deliver_sm_is_read_wherever_its_text_stands() -> None:
    head = b"\0" + b"\1\1393330000000\0" + b"\5\0PIN\0" + b"\x04\0\0" + b"\0\0" + b"\0\0\x03\0"
    tlv = struct.pack(">HH", Tag.MESSAGE_PAYLOAD, 5) + b"hallo"
    for body in (head + b"\5hallo", head + b"\0" + tlv):
        deliver = read_deliver(body)
        assert (deliver.esm_class, deliver.coding, deliver.text) == (4, 3, b"hallo")


def test_a_receipt_is_read_from_its_text() -> None:
    """Appendix B of SMPP 3.4; in March Italy is an hour ahead of UTC, in July two."""
    receipt = read(said(TEXT))
    assert receipt == Receipt("0000012345", "DELIVRD", "", datetime(2026, 3, 1, 11, 1, tzinfo=UTC))
    assert (receipt.status, receipt.evidence) == ("delivered", "smpp_delivrd")
    summer = read(said(TEXT.replace("done date:2603011201", "done date:260701120130")))
    assert summer.done_at == datetime(2026, 7, 1, 10, 1, 30, tzinfo=UTC)
    assert read(said(TEXT, coding=8)) == receipt
    assert read(said(TEXT.replace("done date:2603011201", "done date:2699999999"))).done_at is None


def test_its_parameters_count_before_its_text() -> None:
    tlvs: dict[int, bytes] = {
        Tag.RECEIPTED_MESSAGE_ID: b"abc\0",
        Tag.MESSAGE_STATE: b"\5",
        Tag.NETWORK_ERROR_CODE: b"\3\0\x22",
    }
    receipt = read(said("", tlvs))
    assert (receipt.message_id, receipt.state, receipt.evidence) == ("abc", "UNDELIV", "smpp_undeliv_34")
    assert read(said(TEXT, tlvs)).message_id == "abc"


@pytest.mark.parametrize("named", [b"", b"\0", b"\x1b[2J\0", "ü".encode()])
def test_a_parameter_that_is_no_id_leaves_it_to_the_text(named: bytes) -> None:
    assert read(said(TEXT, {Tag.RECEIPTED_MESSAGE_ID: named})).message_id == "0000012345"


@given(st.binary(min_size=1, max_size=400))
def test_whatever_id_a_receipt_has_it_can_be_reported(named: bytes) -> None:
    """One that could not be would end the worker, and be sent again to the next."""
    try:
        receipt = read(said("stat:DELIVRD", {Tag.RECEIPTED_MESSAGE_ID: named}))
    except UnreadableReceiptError:
        return
    assert len(receipt.message_id) <= 65
    assert receipt.message_id.isprintable()
    assert ReceiptsUpkeep("sms", lambda: None)._message(receipt)


def test_what_it_quotes_of_our_text_says_nothing() -> None:
    """Else a text of ours could change what becomes of it."""
    with pytest.raises(UnreadableReceiptError):
        read(said("sub:001 text:id:1 stat:UNDELIV"))
    assert read(said(TEXT + "stat:UNDELIV err:012")).evidence == "smpp_delivrd"


@pytest.mark.parametrize(
    ("state", "error", "status", "evidence"),
    [
        ("DELIVRD", "000", "delivered", "smpp_delivrd"),
        ("EXPIRED", "0", "failed", "smpp_expired"),
        ("DELETED", "001", "failed", "smpp_deleted_001"),
        ("UNDELIV", "034", "failed", "smpp_undeliv_034"),
        ("undeliv", "0x1A", "failed", "smpp_undeliv_0x1a"),
        ("REJECTD", "000", "failed", "smpp_rejectd"),
        ("ENROUTE", "000", "accepted", "smpp_enroute"),
        ("ACCEPTD", "000", "accepted", "smpp_acceptd"),
        ("UNKNOWN", "000", "accepted", "smpp_unknown"),
        ("SKIPPED", "000", "accepted", "smpp_skipped"),
    ],
)
def test_a_state_means_what_the_table_says(state: str, error: str, status: str, evidence: str) -> None:
    receipt = read(said(f"id:1 stat:{state} err:{error}"))
    assert (receipt.status, receipt.evidence) == (status, evidence)
    assert STATES.get(receipt.state, STATES["others"]) == status


@pytest.mark.parametrize(
    ("kind", "is_one"), [(0x04, True), (0x20, True), (0x44, True), (0, False), (0x40, False), (0x08, False)]
)
def test_only_the_smsc_itself_makes_a_receipt(kind: int, *, is_one: bool) -> None:
    assert is_receipt(said(TEXT, kind=kind)) is is_one


@pytest.mark.parametrize("text", ["", "stat:DELIVRD", "id:1", "id: stat:DELIVRD", "1 delivered"])
def test_a_receipt_that_names_no_message_or_no_state_is_unreadable(text: str) -> None:
    with pytest.raises(UnreadableReceiptError):
        read(said(text))


def test_an_id_is_the_same_in_hexadecimal_and_in_decimal() -> None:
    assert same_id("1A2B", "hex") == same_id("0000006699", "decimal") == "6699"
    assert read_receipt(said("id:0000006699 stat:DELIVRD"), "hex", "decimal").message_id == "6699"
    by_parameter = said("", {Tag.RECEIPTED_MESSAGE_ID: b"1a2b\0", Tag.MESSAGE_STATE: b"\2"})
    assert read_receipt(by_parameter, "hex", "decimal").message_id == "6699"
    assert same_id("0012", "text") == "0012"
    assert same_id("not-a-number", "hex") == "not-a-number"


def test_the_alphabet_is_that_of_the_standard() -> None:
    """3GPP TS 23.038, 6.2.1."""
    assert len(ONE) == 128
    assert gsm7("@Δ_à") == b"\x00\x10\x11\x7f"
    assert gsm7("€[") == b"\x1b\x65\x1b\x3c"
    assert gsm7("ABCD2345") == b"ABCD2345"
    with pytest.raises(ValueError, match="alphabet"):
        gsm7(ESCAPE)


@given(st.text(alphabet=ONE.replace(ESCAPE, "") + "".join(TWO)))
def test_a_text_has_as_many_octets_as_it_is_long(text: str) -> None:
    assert not beyond_gsm7(text)
    assert len(gsm7(text)) == units(text)


async def test_the_url_decides_between_smpp_and_http() -> None:
    channel = open_channel("sms", NotifierSettings.load(SMSC))
    assert isinstance(channel, ProviderChannel)
    assert channel.upkeep is not None
    await channel.close()


@pytest.mark.parametrize(
    ("changed", "fault"),
    [
        ({"PIN_SMPP_SYSTEM_ID": ""}, "PIN_SMPP_SYSTEM_ID"),
        ({"PIN_SMPP_SYSTEM_ID": "sixteen letters!"}, "PIN_SMPP_SYSTEM_ID"),
        ({"PIN_SMPP_SOURCE": "perché"}, "PIN_SMPP_SOURCE"),
        ({"PIN_SMPP_PASSWORD": "perché"}, "PIN_SMPP_PASSWORD"),
        ({"PIN_SMPP_WINDOW": "0"}, "PIN_SMPP_WINDOW"),
        ({"PIN_SMPP_ENQUIRE_INTERVAL": "PT0S"}, "PIN_SMPP_ENQUIRE_INTERVAL"),
        ({"PIN_SMS_URL": "smpps://pin:s3cret@smsc.example.it"}, "PIN_SMS_URL"),
        ({"PIN_SMS_URL": "smpps://smsc.example.it/pin"}, "PIN_SMS_URL"),
        ({"PIN_SMS_URL": "smpps://"}, "PIN_SMS_URL"),
        ({"PIN_SMS_URL": "smpps://smsc.example.it:99999"}, "PIN_SMS_URL"),
        ({"PIN_SMS_URL": "smpp://smsc.example.it"}, "PIN_ALLOW_PLAINTEXT"),
    ],
)
def test_an_smsc_that_could_not_be_spoken_to_stops_the_start(changed: dict[str, str], fault: str) -> None:
    with pytest.raises(SettingsError, match=fault) as found:
        NotifierSettings.load(SMSC | changed)
    assert "s3cret" not in str(found.value)


def test_an_smsc_on_this_machine_or_allowed_by_name_may_do_without_tls() -> None:
    account = NotifierSettings.load(SMSC | {"PIN_SMS_URL": "smpp://localhost"}).smpp("sms")
    assert (account.port, account.tls) == (2775, False)
    named = {"PIN_SMS_URL": "smpp://smsc", "PIN_ALLOW_PLAINTEXT": "smsc"}
    assert NotifierSettings.load(SMSC | named).smpp("sms").host == "smsc"
    assert NotifierSettings.load(SMSC).smpp("sms").tls


def test_one_of_several_providers_may_be_an_smsc() -> None:
    several = {
        "PIN_SMS_PROVIDERS": "alfa,beta",
        "PIN_SMS_ALFA_URL": "https://alfa.example.it/sms",
        "PIN_SMS_BETA_URL": "smpps://beta.example.it",
        "PIN_SMPP_BETA_SYSTEM_ID": "pin",
        "PIN_SMPP_BETA_WINDOW": "20",
    }
    settings = NotifierSettings.load(several)
    account = settings.of_provider("sms", "beta").smpp("beta")
    assert (account.host, account.port, account.system_id, account.window) == (
        "beta.example.it",
        3550,
        "pin",
        20,
    )
    assert open_sender("sms", settings, structlog.get_logger()).upkeep is not None
    with pytest.raises(SettingsError, match="PIN_SMPP_BETA_SYSTEM_ID"):
        NotifierSettings.load(several | {"PIN_SMPP_BETA_SYSTEM_ID": ""})
