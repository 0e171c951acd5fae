"""What a CMS signature says of its signer, beside what OpenSSL verifies: digest and signing time (RFC 5652).

A reader of BER as far as it goes: definite and indefinite lengths, since providers write both.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Literal

from shared.errors import UncountedEvidenceError

Digest = Literal["sha1", "sha256", "sha384", "sha512"]

_SIGNED_DATA: Final = bytes.fromhex("2a864886f70d010702")
_SIGNING_TIME: Final = bytes.fromhex("2a864886f70d010905")
_DIGESTS: Final[dict[bytes, Digest]] = {
    bytes.fromhex("2b0e03021a"): "sha1",
    bytes.fromhex("608648016503040201"): "sha256",
    bytes.fromhex("608648016503040202"): "sha384",
    bytes.fromhex("608648016503040203"): "sha512",
}
_OID, _SEQUENCE, _SET, _UTC, _GENERALIZED = 0x06, 0x30, 0x31, 0x17, 0x18
_CONTEXT_0 = 0xA0
_LONG, _MULTIBYTE_TAG, _CONSTRUCTED = 0x80, 0x1F, 0x20
_DEEPEST = 24
_SIZE_BYTES = 4


@dataclass(frozen=True, slots=True)
class SignerClaims:
    """What the one signer says; true only if the signature is.

    Attributes:
        digest: of the content and of the signed attributes; None for one that is not known here.
        signed_at: the signing time among the signed attributes, UTC; None if there is none.
    """

    digest: Digest | None
    signed_at: datetime | None


def claims_of(signature: bytes) -> SignerClaims:
    """Read a signature's one signer.

    Raises:
        UncountedEvidenceError: it is no CMS signed data, has more or fewer signers than one, or two times.
    """
    try:
        (signer,) = _signers(signature)
        (_, digest), *rest = signer[2:]
        (_, algorithm), *_ = _elements(digest)
        attributes = rest[0][1] if rest and rest[0][0] == _CONTEXT_0 else b""
        times = [value for oid, value in _attributes(attributes) if oid == _SIGNING_TIME]
        signed_at = _instant(*_only(times)) if times else None
    except (ValueError, IndexError):
        raise UncountedEvidenceError("pec_signature_unreadable") from None
    return SignerClaims(_DIGESTS.get(algorithm), signed_at)


def _only(times: list[tuple[int, bytes]]) -> tuple[int, bytes]:
    (time,) = times
    return time


def _signers(signature: bytes) -> list[list[tuple[int, bytes]]]:
    (outer, content), *_ = _elements(signature)
    (_, kind), (_, wrapped) = _elements(content)
    if outer != _SEQUENCE or kind != _SIGNED_DATA:
        raise ValueError("not signed data")
    ((_, signed),) = _elements(wrapped)
    tag, signers = list(_elements(signed))[-1]
    if tag != _SET:
        raise ValueError("no signers")
    return [list(_elements(signer)) for _, signer in _elements(signers)]


def _attributes(content: bytes) -> Iterator[tuple[bytes, tuple[int, bytes]]]:
    for _, attribute in _elements(content):
        (_, oid), (_, values) = _elements(attribute)
        if oid == _SIGNING_TIME:
            (value,) = _elements(values)
            yield oid, value


def _instant(tag: int, value: bytes) -> datetime:
    form = {_UTC: "%y%m%d%H%M%SZ", _GENERALIZED: "%Y%m%d%H%M%SZ"}[tag] if tag in {_UTC, _GENERALIZED} else ""
    return datetime.strptime(value.decode("ascii"), form).replace(tzinfo=UTC)


def _elements(content: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield tag and content of each element, one after the other.

    Raises:
        ValueError: it is not BER, or too deep.
    """
    at = 0
    while at < len(content):
        tag, start, end, at = _element(content, at, _DEEPEST)
        yield tag, content[start:end]


def _element(content: bytes, at: int, depth: int) -> tuple[int, int, int, int]:
    """Return the tag of the element at a place, where its content starts and ends, and where the next is."""
    tag = content[at]
    if tag & _MULTIBYTE_TAG == _MULTIBYTE_TAG or not depth:
        raise ValueError("not an element of a signature")
    size, start = content[at + 1], at + 2
    if size == _LONG:
        end = start
        if not tag & _CONSTRUCTED:
            raise ValueError("an indefinite length of something simple")
        while content[end : end + 2] != b"\0\0":
            *_, end = _element(content, end, depth - 1)
        return tag, start, end, end + 2
    if size > _LONG:
        octets = size - _LONG
        if octets > _SIZE_BYTES:
            raise ValueError("too long")
        size = int.from_bytes(content[start : start + octets])
        start += octets
    end = start + size
    if end > len(content):
        raise ValueError("cut off")
    return tag, start, end, end
