"""The certificate authority of one stack, for `make up TLS=1` and the tests; its key stays on the machine.

Certificates are as a deployment's should be: a name in the SAN for a server, in the CN for a client, one
purpose each. Files that are there and last another month are used again.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from deploy.local.ports import HOST

HOSTS = (HOST, "localhost")
"""The names of every local server."""
_VALID = timedelta(days=365)
_RENEWED = timedelta(days=30)
_SKEW = timedelta(minutes=5)
_USAGE = dict.fromkeys(
    (
        "digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
        "key_cert_sign", "crl_sign", "encipher_only", "decipher_only",
    ),
    False,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Credential:
    """The PEM files of one certificate: itself, its private key, and its authority."""

    cert: Path
    key: Path
    ca: Path


class Authority:
    """An authority and what it signs, in one folder.

    Args:
        folder: created if it does not exist.
        name: of the authority.
    """

    def __init__(self, folder: Path, name: str = "PIN local authority") -> None:
        self._folder, self._name = folder, name
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.ca = folder / "ca.crt"
        self._issued: dict[str, Credential] = {}

    @cached_property
    def _key(self) -> ec.EllipticCurvePrivateKey:
        path = self._folder / "ca.key"
        if path.exists() and _lasts(self.ca):
            key = load_pem_private_key(path.read_bytes(), None)
            if isinstance(key, ec.EllipticCurvePrivateKey):
                return key
        for old in self._folder.glob("*.crt"):  # signed by one that is gone
            old.unlink()
        key = ec.generate_private_key(ec.SECP256R1())
        _write(path, _private(key))
        public = key.public_key()
        certificate = (
            _builder(self._name, self._name, datetime.now(UTC) - _SKEW, datetime.now(UTC) + _VALID)
            .public_key(public)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(x509.KeyUsage(**_USAGE | {"key_cert_sign": True, "crl_sign": True}), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
            .sign(key, hashes.SHA256())
        )
        self.ca.write_bytes(certificate.public_bytes(Encoding.PEM))
        return key

    def server(self, name: str, hosts: Iterable[str] = HOSTS) -> Credential:
        """Return the certificate of a server, which may be called by these names and addresses."""
        return self._credential(f"server-{name}", name, ExtendedKeyUsageOID.SERVER_AUTH, hosts)

    def client(self, name: str) -> Credential:
        """Return the certificate of a user of the broker or a role of the ledger."""
        return self._credential(f"client-{name}", name, ExtendedKeyUsageOID.CLIENT_AUTH, ())

    def _credential(
        self, file: str, name: str, purpose: x509.ObjectIdentifier, hosts: Iterable[str]
    ) -> Credential:
        if file not in self._issued:
            authority = self._key  # first: a new one deletes what the old one signed
            there = Credential(self._folder / f"{file}.crt", self._folder / f"{file}.key", self.ca)
            if not (there.key.exists() and _lasts(there.cert)):
                now = datetime.now(UTC)
                self._sign(authority, there, name, purpose, hosts, (now - _SKEW, now + _VALID))
            self._issued[file] = there
        return self._issued[file]

    def expired(self, name: str, hosts: Iterable[str] = HOSTS) -> Credential:
        """Return a server's certificate that ended an hour ago, for tests of what refuses it."""
        file = f"expired-{name}"
        made = Credential(self._folder / f"{file}.crt", self._folder / f"{file}.key", self.ca)
        end = datetime.now(UTC) - timedelta(hours=1)
        period = (end - timedelta(days=1), end)
        self._sign(self._key, made, name, ExtendedKeyUsageOID.SERVER_AUTH, hosts, period)
        return made

    def _sign(  # noqa: PLR0913, PLR0917 - a certificate has so many parts
        self,
        authority: ec.EllipticCurvePrivateKey,
        to: Credential,
        name: str,
        purpose: x509.ObjectIdentifier,
        hosts: Iterable[str],
        period: tuple[datetime, datetime],
    ) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        public, signer = key.public_key(), authority.public_key()
        builder = (
            _builder(name, self._name, *period)
            .public_key(public)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.KeyUsage(**_USAGE | {"digital_signature": True}), critical=True)
            .add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer), critical=False)
        )
        if names := [_general_name(host) for host in hosts]:
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        _write(to.key, _private(key))
        to.cert.write_bytes(builder.sign(authority, hashes.SHA256()).public_bytes(Encoding.PEM))


def _builder(name: str, issuer: str, begin: datetime, end: datetime) -> x509.CertificateBuilder:
    return x509.CertificateBuilder(
        subject_name=x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]),
        issuer_name=x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]),
        serial_number=x509.random_serial_number(),
        not_valid_before=begin,
        not_valid_after=end,
    )


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _lasts(path: Path) -> bool:
    if not path.exists():
        return False
    return (
        x509.load_pem_x509_certificate(path.read_bytes()).not_valid_after_utc > datetime.now(UTC) + _RENEWED
    )


def _private(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _write(path: Path, pem: bytes) -> None:
    path.unlink(missing_ok=True)
    path.touch(mode=0o600)
    path.write_bytes(pem)
