"""Verifies a signed mail (S/MIME, RFC 8551) by OpenSSL, and returns the part that the signature covers.

Only what OpenSSL returns as verified is ever read further, so that no second reading of the mail can find
something else in it. Nothing of a mail is written to a disk.
"""

import os
import re
import subprocess
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from email import message_from_bytes
from email.message import Message
from email.utils import getaddresses

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.x509.oid import NameOID

from services.notifier.mailbox.cms import SignerClaims, claims_of
from services.notifier.mailbox.pec_settings import Trust
from shared.errors import UncountedEvidenceError

SIGNATURES = frozenset({"application/pkcs7-signature", "application/x-pkcs7-signature"})
_OPAQUE = frozenset({"application/pkcs7-mime", "application/x-pkcs7-mime"})
_END_OF_HEADERS = re.compile(rb"\r?\n\r?\n")
_BARE_LF = re.compile(rb"(?<!\r)\n")
_CRLF = b"\r\n"
_LIMIT = 10.0
"""Seconds for OpenSSL: a mail of a megabyte takes it 20 ms."""
_APART = timedelta(hours=1)
"""How far a provider's clock may be ahead of ours."""
_RSA_BITS, _CURVE_BITS = 2048, 256
_STRONG = ("-auth_level", "2")
"""Of the chain: no SHA-1, and 112 bits."""


@dataclass(frozen=True, slots=True)
class Verified:
    """What a signature covers, and who signed it.

    Attributes:
        content: the MIME entity that was signed, with its headers.
        signer: the one mail address of the signer's certificate that is also the mail's sender, lower case.
        signed_at: when, as the signer says; None if it does not.
    """

    content: bytes
    signer: str
    signed_at: datetime | None


def verified(raw: bytes, trust: Trust, now: datetime) -> Verified:
    """Verify a mail.

    Args:
        raw: the whole mail.
        trust: whose signature counts.
        now: the instant of reading.

    Raises:
        UncountedEvidenceError: it is not signed, the signature is not whole, is not by whom we trust, or was
            not made when its certificates were valid.
    """
    head, body = _entity(raw)
    signature, content = _signature(head, body)
    claims = claims_of(signature)
    _judge(claims, trust, now)
    covered, certificate = _openssl(signature, content, claims.signed_at or now, trust)
    return Verified(covered, _signer(certificate, head), claims.signed_at)


def _judge(claims: SignerClaims, trust: Trust, now: datetime) -> None:
    """Refuse weak digests, and signatures of long ago: a key that is stolen later can make any of those."""
    if claims.digest is None or (claims.digest == "sha1" and not trust.sha1):
        raise UncountedEvidenceError("pec_weak_digest")
    if claims.signed_at is None:
        return
    if claims.signed_at > now + _APART:
        raise UncountedEvidenceError("pec_signed_in_future")
    if now - claims.signed_at > trust.within:
        raise UncountedEvidenceError("pec_signed_long_ago")


def _entity(raw: bytes) -> tuple[Message, bytes]:
    """Return an entity's headers and its body."""
    end = _END_OF_HEADERS.search(raw)
    if not end:
        raise UncountedEvidenceError("pec_malformed")
    head = message_from_bytes(raw[: end.end()])
    if len(head.get_all("Content-Type", [])) > 1 or len(head.get_all("Content-Transfer-Encoding", [])) > 1:
        raise UncountedEvidenceError("pec_malformed")
    return head, raw[end.end() :]


def _signature(head: Message, body: bytes) -> tuple[bytes, bytes | None]:
    """Return the signature of a mail, and what it is over; None if that is within it."""
    kind = head.get_content_type()
    if kind in _OPAQUE and head.get_param("smime-type", "signed-data") == "signed-data":
        return _decoded(head, body), None
    if kind != "multipart/signed":
        raise UncountedEvidenceError("pec_not_signed")
    signed, signature = _two_parts(body, head.get_boundary(""))
    by, encoded = _entity(signature)
    if by.get_content_type() not in SIGNATURES:
        raise UncountedEvidenceError("pec_not_signed")
    return _decoded(by, encoded), _BARE_LF.sub(_CRLF, signed)


def _two_parts(body: bytes, boundary: str) -> tuple[bytes, bytes]:
    """Return the bytes of exactly two parts; what is before or after them is no part of the mail."""
    name = re.escape(boundary.encode("ascii", "replace"))
    found = list(re.finditer(rb"(?:\A|\r?\n)--" + name + rb"(--)?[ \t]*(?=\r?\n|\Z)", body))
    if not boundary or len(found) < 3 or [bool(line[1]) for line in found[:3]] != [False, False, True]:  # noqa: PLR2004 - lines
        raise UncountedEvidenceError("pec_malformed")
    first, second, end = found[:3]
    return _after_line(body[first.end() : second.start()]), _after_line(body[second.end() : end.start()])


def _after_line(part: bytes) -> bytes:
    return part[2:] if part.startswith(_CRLF) else part[1:]


def _decoded(head: Message, body: bytes) -> bytes:
    match str(head.get("Content-Transfer-Encoding", "7bit")).strip().lower():
        case "base64":
            try:
                return b64decode(body)
            except ValueError:
                raise UncountedEvidenceError("pec_signature_unreadable") from None
        case "binary" | "8bit" | "7bit":
            return body
        case _:
            raise UncountedEvidenceError("pec_malformed")


def _openssl(
    signature: bytes, content: bytes | None, at: datetime, trust: Trust
) -> tuple[bytes, x509.Certificate]:
    """Return what a signature covers and the certificate that verifies it."""
    with _in_memory(signature) as by, _in_memory(content or b"") as over, _in_memory(b"") as certificates:
        command = ["openssl", "cms", "-verify", "-inform", "DER", "-in", by, "-signer", certificates]
        command += ["-CAfile", trust.authorities, "-no-CApath", "-no-CAstore", "-partial_chain"]
        command += ["-purpose", "smimesign", "-attime", str(int(at.timestamp()))]
        command += [] if trust.sha1 else _STRONG
        command += [] if content is None else ["-content", over]
        try:
            done = subprocess.run(  # noqa: S603 - no shell, and no word of it is a mail's
                command,
                check=False,
                capture_output=True,
                stdin=subprocess.DEVNULL,
                pass_fds=[_number(name) for name in (by, over, certificates)],
                env={"PATH": os.environ.get("PATH", os.defpath), "OPENSSL_CONF": os.devnull},
                timeout=_LIMIT,
            )
        except subprocess.TimeoutExpired:
            raise UncountedEvidenceError("pec_verification_slow") from None
        if done.returncode:
            raise UncountedEvidenceError("pec_bad_signature")
        found = _read(certificates)
    try:
        (certificate,) = x509.load_pem_x509_certificates(found)
    except ValueError:
        raise UncountedEvidenceError("pec_bad_signature") from None
    return done.stdout, certificate


@contextmanager
def _in_memory(content: bytes) -> Iterator[str]:
    """Yield the name of a file that is in memory alone."""
    descriptor = os.memfd_create("signed-mail")
    try:
        with os.fdopen(os.dup(descriptor), "wb") as file:
            file.write(content)
        yield f"/dev/fd/{descriptor}"
    finally:
        os.close(descriptor)


def _number(name: str) -> int:
    return int(name.rpartition("/")[2])


def _read(name: str) -> bytes:
    with open(name, "rb") as file:  # noqa: PTH123 - a descriptor, not a path
        return file.read()


def _signer(certificate: x509.Certificate, head: Message) -> str:
    """Return the mail's sender, which its certificate has to name (RFC 8551, 3)."""
    key = certificate.public_key()
    strong = (isinstance(key, RSAPublicKey) and key.key_size >= _RSA_BITS) or (
        isinstance(key, EllipticCurvePublicKey) and key.key_size >= _CURVE_BITS
    )
    if not strong:
        raise UncountedEvidenceError("pec_weak_key")
    senders = [address.lower() for _, address in getaddresses([str(v) for v in head.get_all("From", [])])]
    if len(senders) != 1 or senders[0] not in _addresses(certificate):
        raise UncountedEvidenceError("pec_other_signer")
    return senders[0]


def _addresses(certificate: x509.Certificate) -> set[str]:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        found = names.get_values_for_type(x509.RFC822Name)
    except (x509.ExtensionNotFound, ValueError):
        found = []
    found += [str(name.value) for name in certificate.subject.get_attributes_for_oid(NameOID.EMAIL_ADDRESS)]
    return {address.lower() for address in found}
