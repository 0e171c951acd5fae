"""A key changes under load: whoever is one step behind or ahead reads what the other writes."""

import base64
import hashlib
import os
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st
from nacl.public import PrivateKey, PublicKey, SealedBox

from shared.crypto.generations import Generations, Previous, fingerprint, key_id
from shared.crypto.sealing import BundleOpener, BundleSeal, ServiceBox, StateSeal, mark_of, seal_to
from shared.crypto.secret import Secret
from shared.domain.pin import Pepper
from shared.errors import UnsealableError
from shared.worker.earlier_key import EarlierKey

AT = datetime(2026, 11, 27, 9, 30, tzinfo=UTC)
OLD, NEW = (hashlib.sha256(name).digest() for name in (b"old", b"new"))
STEPS = (
    Generations(OLD),
    Generations(OLD, coming=NEW),
    Generations(NEW, previous=(Previous(OLD, AT),)),
    Generations(NEW),
)
"""What a key file holds, before and after each step of a change."""
BESIDE = [(a, b) for i, a in enumerate(STEPS) for b in STEPS[max(0, i - 1) : i + 2]]
"""Two workers while one of them was not restarted yet, writer and reader, both ways."""
PLACE = b"subject and version"


def public(key: bytes) -> bytes:
    return bytes(PrivateKey(key).public_key)


class Log:
    """A log that keeps its lines."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, dict[str, str]]] = []

    def warning(self, event: str, **fields: str) -> None:
        """Keep a line."""
        self.lines.append((event, fields))


def earlier_release(key: bytes, plain: bytes, nonce: bytes | None = None) -> bytes:
    """Seal as a release did whose seals name no key."""
    drawn = nonce or os.urandom(12)
    return drawn + AESGCM(key).encrypt(drawn, plain, PLACE)


@pytest.mark.parametrize(("writer", "reader"), BESIDE)
def test_what_one_worker_seals_another_opens_in_each_mixed_state(
    writer: Generations, reader: Generations
) -> None:
    sealed = StateSeal(writer).seal(b"state", PLACE)
    assert StateSeal(reader).open(sealed, PLACE) == b"state"
    assert sealed.startswith(mark_of(writer.current))


def test_a_worker_two_steps_behind_does_not_open_it() -> None:
    """That is what the first step is for: whoever skips it loses messages to `pin.dead`."""
    sealed = StateSeal(STEPS[2]).seal(b"state", PLACE)
    with pytest.raises(UnsealableError):
        StateSeal(STEPS[0]).open(sealed, PLACE)


@pytest.mark.parametrize("reader", STEPS[:3])
@pytest.mark.parametrize("nonce", [None, mark_of(OLD) + bytes(7), mark_of(NEW) + bytes(7)])
def test_a_seal_of_an_earlier_release_opens_also_if_its_nonce_looks_like_a_key_id(
    reader: Generations, nonce: bytes | None
) -> None:
    assert StateSeal(reader).open(earlier_release(OLD, b"state", nonce), PLACE) == b"state"


def test_the_named_key_is_under_the_seal() -> None:
    """Who renames or strips the mark has no other valid seal of the same state."""
    sealed = StateSeal(NEW).seal(b"state", PLACE)
    reader = StateSeal(STEPS[2])
    for forged in (mark_of(OLD) + sealed[5:], sealed[5:], b"\x02" + sealed[1:], sealed[:20], b""):
        with pytest.raises(UnsealableError):
            reader.open(forged, PLACE)
    with pytest.raises(UnsealableError):
        reader.open(sealed, b"another place")


def test_only_an_earlier_key_makes_a_seal_outdated() -> None:
    assert [StateSeal(step).outdated for step in STEPS] == [False, False, True, False]
    assert StateSeal(STEPS[1]).up_to_date == [mark_of(OLD), mark_of(NEW)]
    assert StateSeal(STEPS[2]).up_to_date == [mark_of(NEW)]


@pytest.mark.parametrize("reader", STEPS[1:3])
@pytest.mark.parametrize("key", [OLD, NEW])
def test_what_is_sealed_to_either_key_of_a_worker_is_opened(reader: Generations, key: bytes) -> None:
    opened = ServiceBox(reader).open(seal_to(public(key), Secret("12345678")))
    assert opened == Secret("12345678")
    assert ServiceBox(reader).open(seal_to(public(os.urandom(32)), Secret("12345678"))) is None


def test_the_use_of_an_earlier_key_is_told_once_a_minute() -> None:
    """An operator sees by it that a portal has not got the new public key."""
    ticks, told = iter((0.0, 59.0, 60.0)), Log()
    earlier = EarlierKey("issuer", told, lambda: next(ticks))
    box = ServiceBox(STEPS[2], earlier)
    for key in (OLD, NEW, OLD, os.urandom(32), OLD):
        box.open(seal_to(public(key), Secret("12345678")), "portal")
    assert (
        told.lines
        == [("key.earlier_used", {"key": "issuer", "id": key_id(public(OLD)), "user": "portal"})] * 2
    )
    ServiceBox(STEPS[1], earlier).open(seal_to(public(NEW), Secret("12345678")))
    assert len(told.lines) == 2, "the next key is no earlier one"


@pytest.mark.parametrize("reader", STEPS[1:3])
@pytest.mark.parametrize("key", [OLD, NEW])
@pytest.mark.parametrize("named", [True, False])
def test_a_bundle_opens_under_either_key_of_its_channel_named_or_not(
    reader: Generations, key: bytes, *, named: bool
) -> None:
    """Those that wait in a queue or in the outbox may be from before bundles named their key."""
    seal, delivery = BundleSeal(public(key)), os.urandom(16)
    open_one = BundleOpener(reader).open(seal.key, seal.key_id if named else "")
    assert open_one(seal.seal(b"content", delivery), delivery) == b"content"


def test_a_bundle_to_a_key_that_is_gone_does_not_open() -> None:
    seal = BundleSeal(public(OLD))
    with pytest.raises(UnsealableError):
        BundleOpener(STEPS[3]).open(seal.key, seal.key_id)


def test_the_deliveries_of_a_bundle_are_sealed_as_an_earlier_release_opens_them() -> None:
    """While workers are upgraded an older channel gets bundles of a newer issuer."""
    channel, delivery = PrivateKey.generate(), os.urandom(16)
    seal = BundleSeal(bytes(channel.public_key))
    key = SealedBox(channel).decrypt(base64.b64decode(seal.key))
    sealed = base64.b64decode(seal.seal(b"content", delivery))
    assert AESGCM(key).decrypt(sealed[:12], sealed[12:], delivery) == b"content"


@pytest.mark.parametrize(("writer", "reader"), BESIDE)
def test_a_verifier_a_link_and_a_count_are_found_in_each_mixed_state(
    writer: Generations, reader: Generations
) -> None:
    made, read, salt, pin = Pepper(writer), Pepper(reader), bytes(16), Secret("ABCD1234")
    assert read.opens(salt, made.initial(salt, pin), pin)
    assert not read.opens(salt, made.initial(salt, pin), Secret("ABCD1235"))
    assert read.opens_link(made.link(pin), pin)
    assert made.place("+39333") in read.places("+39333")
    assert read.keyed(b"pin-8", salt, pin, made.name) == made.keyed(b"pin-8", salt, pin)


def test_what_names_no_pepper_is_under_the_oldest() -> None:
    salt, pin = bytes(16), Secret("ABCD1234")
    old = Pepper(OLD).keyed(b"pin-8", salt, pin)
    assert all(Pepper(step).keyed(b"pin-8", salt, pin, "") == old for step in STEPS[:3])


def test_only_what_is_under_an_earlier_pepper_is_made_anew() -> None:
    """A worker that still writes with the old one leaves what a newer worker wrote."""
    assert [Pepper(step).outdated(key_id(OLD)) for step in STEPS] == [False, False, True, False]
    assert [Pepper(step).outdated("") for step in STEPS] == [False, False, True, False]
    assert not any(Pepper(step).outdated(key_id(NEW)) for step in STEPS)


def test_the_id_of_a_key_is_the_beginning_of_its_fingerprint() -> None:
    assert fingerprint(OLD).startswith(key_id(OLD))
    assert mark_of(OLD) == b"\x01" + bytes.fromhex(key_id(OLD))


KEYS = st.binary(min_size=32, max_size=32)


@given(keys=st.lists(KEYS, min_size=2, max_size=6, unique=True), coming=st.booleans())
def test_a_key_file_is_read_as_it_was_written(keys: list[bytes], *, coming: bool) -> None:
    current, second, *others = keys
    kept = Generations(current, second if coming else None, tuple(Previous(key, AT) for key in others))
    assert Generations.parse(kept.text()) == kept
    assert kept.every[0] == current
    assert set(kept.every) == set(keys) - (set() if coming else {second})


def test_a_key_file_of_an_earlier_release_is_one_generation() -> None:
    assert Generations.parse(base64.b64encode(OLD).decode() + "\n") == Generations(OLD)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "AAAA",
        "{old}\n{old}",
        "{old}\n{new} next\n{third} next",
        "{old}\n{new} previous",
        "{old}\n{new} previous yesterday",
        "{old}\n{new} former",
        "{old}\n{old} next",
        "{old} next",
    ],
)
def test_a_file_that_is_no_key_file_is_refused(text: str) -> None:
    names = {"old": OLD, "new": NEW, "third": bytes(32)}
    with pytest.raises(ValueError):  # noqa: PT011 - of base64, of datetime, or ours
        Generations.parse(text.format(**{n: base64.b64encode(k).decode() for n, k in names.items()}))


def test_a_public_key_is_sealed_to_as_a_portal_does() -> None:
    """A portal reads one line of base64."""
    sealed = SealedBox(PublicKey(public(NEW))).encrypt(b"1")
    assert ServiceBox(STEPS[2]).open(base64.b64encode(sealed).decode()) == Secret("1")
