"""A signature holds for one message: its bytes, its id, its sender, its addressee, its time."""

import base64
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from nacl.signing import SigningKey

from shared.broker.message import Arrived
from shared.contract.instants import rfc3339
from shared.crypto.signing import (
    KEY_ID,
    SIGNATURE,
    SIGNED_AT,
    SenderKeys,
    Signed,
    Signer,
    key_id,
    signed_when,
)
from shared.worker.intake import correlation_id, parse
from shared.worker.reading import ReceivedMessage, Rejected
from shared.worker.settings import WorkerSettings
from shared.worker.signatures import fault_of_signature
from tests.unit.worker.test_intake import GOOD, LANE, SETTINGS

PORTAL, OTHER = Signer(SigningKey(b"portal".ljust(32))), Signer(SigningKey(b"other".ljust(32)))
NOW = datetime.now(UTC)
REPLY_TO = "reply.portal.1"


def known_as(user: str, *signers: Signer) -> str:
    keys = (base64.b64encode(bytes(signer.key.verify_key)).decode() for signer in signers)
    return " ".join(f"{user}:{key}" for key in keys)


def settings(**changes: object) -> WorkerSettings:
    """Return settings that know the portal's key, unless they say otherwise."""
    return SETTINGS.model_copy(update={"sender_keys": SenderKeys.read(known_as("portal", PORTAL)), **changes})


def signed(message: Arrived, by: Signer = PORTAL, at: datetime = NOW, *, to: str | None = None) -> Arrived:
    """Sign a message, as a portal does."""
    what = Signed(
        type=message.type,
        message_id=message.message_id,
        correlation_id=message.correlation_id or message.message_id,
        user_id=message.user_id,
        addressee=message.reply_to if to is None else to,
        body=message.body,
    )
    headers = by.headers(what, at)
    return replace(
        message, signature=headers[SIGNATURE], signed_at=headers[SIGNED_AT], key_id=headers[KEY_ID]
    )


MESSAGE = replace(GOOD, reply_to=REPLY_TO)
SIGNED = signed(MESSAGE)


def fault(message: Arrived, **changes: object) -> str | None:
    return fault_of_signature(message, correlation_id(message), settings(**changes), NOW)


def test_a_signed_command_is_read_and_one_that_is_not_is_parked() -> None:
    assert isinstance(parse(SIGNED, LANE, settings()), ReceivedMessage)
    parked = parse(MESSAGE, LANE, settings())
    assert isinstance(parked, Rejected)
    assert parked.reason == "not_signed"


def test_nobody_is_held_to_sign_whose_key_is_not_known() -> None:
    assert fault(replace(MESSAGE, user_id="patronato")) is None
    assert fault(replace(MESSAGE, user_id="patronato"), require_signed_commands=True) == "not_signed"
    assert fault_of_signature(MESSAGE, "", SETTINGS, NOW) is None


def test_workers_do_not_sign_what_they_say_to_each_other() -> None:
    assert fault(replace(MESSAGE, user_id="notifier"), require_signed_commands=True) is None


@pytest.mark.parametrize(
    "changes",
    [
        {"body": MESSAGE.body.replace(b"Rossi", b"Russo")},
        {"type": "contacts.update"},
        {"message_id": "00000000-0000-4000-8000-000000000000"},
        {"correlation_id": "another"},
        {"reply_to": "reply.portal.2"},
        {"reply_to": ""},
        {"signed_at": rfc3339(NOW - timedelta(seconds=1))},
        {"signed_at": ""},
        {"signed_at": "yesterday"},
        {"signature": base64.b64encode(bytes(64)).decode()},
        {"signature": base64.b64encode(bytes(3)).decode()},
        {"signature": "???"},
        {"signature": signed(MESSAGE, OTHER).signature},
    ],
)
def test_whatever_is_changed_the_signature_is_not_over_it(changes: dict[str, Any]) -> None:
    assert replace(SIGNED, **changes) != SIGNED
    assert fault(replace(SIGNED, **changes)) == "bad_signature"


def test_one_user_does_not_sign_for_another() -> None:
    keys = SenderKeys.read(f"{known_as('portal', PORTAL)}, {known_as('patronato', OTHER)}")
    as_the_other = replace(SIGNED, user_id="patronato")
    assert fault(as_the_other, sender_keys=keys) == "bad_signature"
    assert fault(signed(replace(MESSAGE, user_id="patronato"), OTHER), sender_keys=keys) is None
    # The same key for both is still one user's word.
    both = SenderKeys.read(f"{known_as('portal', PORTAL)} {known_as('patronato', PORTAL)}")
    assert fault(as_the_other, sender_keys=both) == "bad_signature"


def test_a_key_is_changed_with_both_good_for_a_time() -> None:
    keys = SenderKeys.read(known_as("portal", OTHER, PORTAL))
    assert fault(SIGNED, sender_keys=keys) is None
    assert fault(signed(MESSAGE, OTHER), sender_keys=keys) is None


def test_a_name_of_direct_reply_to_is_signed_as_the_sender_knows_it() -> None:
    made = replace(MESSAGE, reply_to="amq.rabbitmq.reply-to.g2dkAB.c2VjcmV0")
    assert fault(signed(made, to="amq.rabbitmq.reply-to")) is None
    assert fault(signed(made, to=REPLY_TO)) == "bad_signature"


def test_an_old_signature_is_refused_and_so_is_one_of_tomorrow() -> None:
    assert fault(signed(MESSAGE, at=NOW - timedelta(days=6, hours=23))) is None
    assert fault(signed(MESSAGE, at=NOW - timedelta(days=7, seconds=1))) == "stale_signature"
    assert fault(signed(MESSAGE, at=NOW + timedelta(minutes=4))) is None
    assert fault(signed(MESSAGE, at=NOW + timedelta(minutes=6))) == "stale_signature"


def test_no_signature_outlives_what_the_inbox_remembers() -> None:
    """A replay would have a second effect."""
    old = signed(MESSAGE, at=NOW - timedelta(days=2))
    assert fault(old, inbox_retention=timedelta(days=1)) == "stale_signature"
    assert fault(old, inbox_retention=timedelta(days=3)) is None


def test_no_two_messages_have_the_same_signed_bytes() -> None:
    """Lengths stand before the parts: what moves from one to the next changes the bytes."""
    one = Signed("a", "bc", "d", "e", "f", b"g").bytes_at("h")
    assert one != Signed("ab", "c", "d", "e", "f", b"g").bytes_at("h")
    assert one != Signed("a", "bc", "d", "e", "fg", b"").bytes_at("h")


def test_the_bytes_are_those_of_the_contract() -> None:
    text = Signed("reply", "1", "22", "issuer", "amq.rabbitmq.reply-to.x", b"{}").bytes_at(
        "2026-11-27T09:00:00Z"
    )
    assert text == (
        b"pin-online signature v1\n"
        b"\0\0\0\x05reply\0\0\0\x011\0\0\0\x0222\0\0\0\x06issuer\0\0\0\x15amq.rabbitmq.reply-to"
        b"\0\0\0\x142026-11-27T09:00:00Z\0\0\0\x02{}"
    )


@pytest.mark.parametrize(
    "text", ["2026-11-27T09:00:00", "2026-11-27T09:00:00+00:00", "2026-13-01T00:00:00Z", ""]
)
def test_a_time_that_is_not_in_utc_is_none(text: str) -> None:
    assert signed_when(text) is None


@pytest.mark.parametrize("text", ["portal", "portal:", "portal:AAAA", "portal:??", ":"])
def test_what_is_no_key_is_named_at_the_start(text: str) -> None:
    with pytest.raises(ValueError, match="Ed25519"):
        SenderKeys.read(text)


def test_keys_are_shown_as_they_were_given() -> None:
    text = known_as("portal", PORTAL, OTHER)
    assert str(SenderKeys.read(text)) == text
    assert len(key_id(PORTAL.key.verify_key)) == 16
