"""Seals documents to the print shop, and signs them: CMS (RFC 5652) that plain `openssl cms` opens.

A document is signed with our key and then encrypted to the shop's certificate, as authenticated-enveloped
data (RFC 5083) with AES-256-GCM: whoever carries it reads nothing, and what was changed on the way does not
open. That alone would not tell who sent it, as anybody has the shop's certificate: the signature inside does.
The commands that open it are in `docs/far-ends.md`.

`cryptography` makes enveloped data in CBC only, without authentication, and no authenticated-enveloped data:
its outer form is written here, by hand; all cryptography is the library's.
"""

import os
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    load_pem_private_key,
    pkcs7,
)

from shared.crypto.keys import private_text
from shared.errors import KeyFileError

LEAST_BITS = 2048
"""Of an RSA key."""
_NONCE, _TAG = 12, 16
_SEQUENCE, _SET, _INTEGER, _OCTETS, _NULL = 0x30, 0x31, 0x02, 0x04, b"\x05\x00"
_INNER, _INNER_PLAIN, _SECOND = 0xA0, 0x80, 0xA1
"""Context tags: [0] of several parts, [0] of one, [1] of several parts."""


def _der(tag: int, *parts: bytes) -> bytes:
    """Return one value in DER (X.690): tag, length, content."""
    size = sum(map(len, parts))
    length = size.to_bytes((size.bit_length() + 7) // 8) if size > 0x7F else b""  # noqa: PLR2004 - X.690, 8.1.3.4
    return b"".join((bytes((tag, 0x80 | len(length))) + length if length else bytes((tag, size)), *parts))


def _number(value: int) -> bytes:
    return _der(_INTEGER, value.to_bytes(value.bit_length() // 8 + 1))


def _oid(dotted: str) -> bytes:
    first, second, *rest = map(int, dotted.split("."))
    content = bytearray()
    for arc in (40 * first + second, *rest):
        groups = [arc & 0x7F]
        while arc := arc >> 7:
            groups.append(0x80 | arc & 0x7F)
        content.extend(reversed(groups))
    return _der(0x06, bytes(content))


_AUTH_ENVELOPED = _oid("1.2.840.113549.1.9.16.1.23")
_DATA = _oid("1.2.840.113549.1.7.1")
_AES_256_GCM = _oid("2.16.840.1.101.3.4.1.46")
_SHA256 = _der(_SEQUENCE, _oid("2.16.840.1.101.3.4.2.1"), _NULL)
_OAEP = _der(
    _SEQUENCE,
    _oid("1.2.840.113549.1.1.7"),
    _der(
        _SEQUENCE,
        _der(_INNER, _SHA256),
        _der(_SECOND, _der(_SEQUENCE, _oid("1.2.840.113549.1.1.8"), _SHA256)),
    ),
)
"""RSA-OAEP with SHA-256 (RFC 8017), as CMS takes it (RFC 3560)."""


class Envelope:
    """Seals to one certificate, and signs with one key.

    Args:
        shop: the certificate of the print shop, of an RSA key.
        certificate: ours.
        key: the private key of ours.
    """

    def __init__(
        self,
        shop: x509.Certificate,
        certificate: x509.Certificate,
        key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey,
    ) -> None:
        self._shop, self._certificate, self._key = shop, certificate, key
        public = shop.public_key()
        if not isinstance(public, rsa.RSAPublicKey) or public.key_size < LEAST_BITS:
            raise ValueError(f"the shop's key has to be RSA of {LEAST_BITS} bits at least")
        if key.public_key() != certificate.public_key():
            raise ValueError("the key is not the one of the certificate")
        self._to = public
        self.fingerprint = shop.fingerprint(hashes.SHA256()).hex()[:16]
        """Names the shop's certificate: the beginning of its SHA-256."""

    @classmethod
    def open(cls, shop: str, certificate: str, key: str) -> "Envelope":
        """Read the files: the shop's certificate, ours and our key, all PEM.

        Raises:
            KeyFileError: one cannot be read, holds something else, or others may read the key.
        """
        try:
            return cls(_certificate(shop), _certificate(certificate), _private(key))
        except ValueError as error:
            raise KeyFileError(str(error)) from None

    def seal(self, document: bytes) -> bytes:
        """Return a document signed and encrypted, in DER; every call gives other bytes.

        Args:
            document: a PDF, or anything.
        """
        signed = pkcs7.PKCS7SignatureBuilder().set_data(document)
        signed = signed.add_signer(self._certificate, self._key, hashes.SHA256())
        return self._enveloped(signed.sign(Encoding.DER, _OPTIONS))

    def _enveloped(self, content: bytes) -> bytes:
        key, nonce = AESGCM.generate_key(256), os.urandom(_NONCE)
        sealed = AESGCM(key).encrypt(nonce, content, None)
        sha256 = hashes.SHA256()
        wrapped = self._to.encrypt(key, padding.OAEP(padding.MGF1(sha256), sha256, None))
        whom = _der(_SEQUENCE, self._shop.issuer.public_bytes(), _number(self._shop.serial_number))
        recipient = _der(_SEQUENCE, _number(0), whom, _OAEP, _der(_OCTETS, wrapped))
        cipher = _der(_SEQUENCE, _AES_256_GCM, _der(_SEQUENCE, _der(_OCTETS, nonce), _number(_TAG)))
        encrypted = _der(_SEQUENCE, _DATA, cipher, _der(_INNER_PLAIN, sealed[:-_TAG]))
        enveloped = _der(
            _SEQUENCE, _number(0), _der(_SET, recipient), encrypted, _der(_OCTETS, sealed[-_TAG:])
        )
        return _der(_SEQUENCE, _AUTH_ENVELOPED, _der(_INNER, enveloped))


_OPTIONS = (pkcs7.PKCS7Options.Binary, pkcs7.PKCS7Options.NoCapabilities, pkcs7.PKCS7Options.NoCerts)
"""Without our certificate: the shop has it, and takes none that comes with a document."""


def _certificate(path: str) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(Path(path).read_bytes())
    except (OSError, ValueError) as error:
        raise KeyFileError(f"{path}: {_why(error, 'no certificate in PEM')}") from None


def _private(path: str) -> rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey:
    try:
        key = load_pem_private_key(private_text(Path(path)).encode(), None)
    except (OSError, ValueError, TypeError) as error:
        why = _why(error, "no private key in PEM, without a passphrase")
        raise KeyFileError(f"{path}: {why}") from None
    if not isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
        raise KeyFileError(f"{path}: has to be an RSA or an EC key")
    return key


def _why(error: Exception, else_: str) -> str:
    return error.strerror or else_ if isinstance(error, OSError) else else_
