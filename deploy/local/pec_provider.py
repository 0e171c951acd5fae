"""A stand-in for a PEC provider: an authority of its own, and genuine receipts that OpenSSL signs."""

import subprocess
import textwrap
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.parser import BytesHeaderParser
from email.utils import parseaddr
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID, uuid4
from xml.sax.saxutils import escape

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

PROVIDER = "posta-certificata@pec.example.com"
SENDER = "pin@pec.localhost.localdomain"
RECIPIENT = "anna@pec.example.it"
_NAMES_THE_RECIPIENT = {"avvenuta-consegna", "errore-consegna"}
Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
DAY = timedelta(days=1)


def message_id(delivery: UUID) -> str:
    """Return the Message-ID of a mail of ours, without brackets."""
    return f"{delivery.hex}@pec.localhost.localdomain"


@dataclass
class Signer:
    """A certificate with its key, and those between it and its authority."""

    certificate: x509.Certificate
    key: Key
    between: tuple[x509.Certificate, ...] = ()

    def issue(
        self,
        address: str | None,
        valid: tuple[timedelta, timedelta] = (-DAY, 365 * DAY),
        *,
        key: Key | None = None,
        purposes: Sequence[x509.ObjectIdentifier] = (ExtendedKeyUsageOID.EMAIL_PROTECTION,),
    ) -> "Signer":
        """Issue a certificate for a mail address, or for an authority; `valid` counts from now."""
        own = key or ec.generate_private_key(ec.SECP256R1())
        certificate = _certificate(own, address, valid, purposes, self)
        return Signer(certificate, own, (self.certificate, *self.between))

    def sign(self, entity: bytes, *, digest: str = "sha256", opaque: bool = False) -> bytes:
        """Return a signature (DER) over a MIME entity whose lines end in CRLF."""
        with TemporaryDirectory() as folder:
            files = {name: Path(folder, name) for name in ("in", "crt", "key", "chain", "out")}
            files["in"].write_bytes(entity)
            files["crt"].write_bytes(pem(self.certificate))
            files["chain"].write_bytes(b"".join(map(pem, self.between)))
            files["key"].write_bytes(
                self.key.private_bytes(
                    serialization.Encoding.PEM,
                    serialization.PrivateFormat.PKCS8,
                    serialization.NoEncryption(),
                )
            )
            command = ["openssl", "cms", "-sign", "-outform", "DER", "-md", digest]
            command += ["-in", str(files["in"]), "-out", str(files["out"])]
            command += ["-signer", str(files["crt"]), "-inkey", str(files["key"])]
            command += ["-certfile", str(files["chain"])] if self.between else []
            command += ["-nodetach"] if opaque else []
            subprocess.run(command, check=True, capture_output=True)
            return files["out"].read_bytes()


def authority(
    name: str = "Authority of a stand-in", valid: tuple[timedelta, timedelta] | None = None
) -> Signer:
    """Return an authority with a certificate of its own."""
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = _certificate(key, None, valid or (-3650 * DAY, 3650 * DAY), (), None, name)
    return Signer(certificate, key)


def pem(certificate: x509.Certificate) -> bytes:
    """Return a certificate as a bundle has it."""
    return certificate.public_bytes(serialization.Encoding.PEM)


def _certificate(  # noqa: PLR0913, PLR0917 - what a certificate has
    key: Key,
    address: str | None,
    valid: tuple[timedelta, timedelta],
    purposes: Sequence[x509.ObjectIdentifier],
    issuer: Signer | None,
    name: str = "of a stand-in",
) -> x509.Certificate:
    now = datetime.now(UTC)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, address or f"{name} {uuid4()}")])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + valid[0])
        .not_valid_after(now + valid[1])
        .add_extension(x509.BasicConstraints(ca=address is None, path_length=None), critical=True)
    )
    if address:
        builder = builder.add_extension(
            x509.SubjectAlternativeName([x509.RFC822Name(address)]), critical=False
        )
    if purposes:
        builder = builder.add_extension(x509.ExtendedKeyUsage(list(purposes)), critical=False)
    return builder.sign(issuer.key if issuer else key, hashes.SHA256())


def daticert(  # noqa: PLR0913 - what a receipt says
    kind: str,
    about: str,
    *,
    sender: str = SENDER,
    recipients: Sequence[str] = (RECIPIENT,),
    certified: bool = True,
    given_to: str = "",
    at: datetime | None = None,
    more: str = "",
) -> bytes:
    """Return the certified data of a receipt, as providers write it."""
    when = (at or datetime.now(UTC)).astimezone(UTC)
    listed = "".join(
        f'<destinatari tipo="{"certificato" if certified else "esterno"}">{escape(to)}</destinatari>'
        for to in recipients
    )
    to = f"<consegna>{escape(given_to)}</consegna>" if given_to else ""
    return textwrap.dedent(
        f"""\
        <?xml version="1.0" encoding="UTF-8"?>
        <postacert tipo="{kind}" errore="nessuno"><intestazione>
        <mittente>{escape(sender)}</mittente>{listed}
        <risposte>{escape(sender)}</risposte><oggetto>Il suo PIN</oggetto>
        </intestazione><dati><gestore-emittente>Example PEC S.p.A.</gestore-emittente>
        <data zona="+0000"><giorno>{when:%d/%m/%Y}</giorno><ora>{when:%H:%M:%S}</ora></data>
        <identificativo>opec1.20261127.00001.1.1@pec.example.com</identificativo>
        <msgid>{escape(about)}</msgid>{to}{more}</dati></postacert>
        """
    ).encode()


def entity(data: Sequence[bytes], enclosed: bytes | None = None, headers: str = "") -> bytes:
    """Return what is signed: a text, the certified data, and the mail that is enclosed, if one is."""
    parts = [b'Content-Type: text/plain; charset="utf-8"\r\n\r\nRicevuta\r\n']
    parts += [
        b'Content-Type: application/xml; name="daticert.xml"\r\nContent-Transfer-Encoding: base64\r\n'
        b'Content-Disposition: inline; filename="daticert.xml"\r\n\r\n' + _base64(one)
        for one in data
    ]
    if enclosed is not None:
        parts.append(
            b'Content-Type: message/rfc822; name="postacert.eml"\r\n'
            b'Content-Disposition: attachment; filename="postacert.eml"\r\n\r\n' + enclosed
        )
    boundary = f"inner-{uuid4()}".encode()
    inner = headers.encode() + b'Content-Type: multipart/mixed; boundary="' + boundary + b'"\r\n\r\n'
    lines = [b"--" + boundary + b"\r\n" + part + b"\r\n" for part in parts]
    return inner + b"".join(lines) + b"--" + boundary + b"--\r\n"


@dataclass
class Provider:
    """A provider that writes receipts."""

    folder: Path
    root: Signer = field(default_factory=authority)
    address: str = PROVIDER
    signer: Signer = field(init=False)

    def __post_init__(self) -> None:
        self.signer = self.root.issue(self.address)

    def bundle(self) -> Path:
        """Return the file of its authority."""
        path = self.folder / f"{uuid4()}.pem"
        path.write_bytes(pem(self.root.certificate))
        return path

    def receipt(self, kind: str, delivery: UUID, **more: object) -> bytes:
        """Return a receipt about a delivery of ours: a whole mail, signed."""
        data = daticert(kind, f"<{message_id(delivery)}>", **more)  # type: ignore[arg-type]
        return self.mail(entity([data]), kind=kind, about=message_id(delivery))

    def receipt_of(self, kind: str, sent: bytes) -> bytes:
        """Return a receipt about a mail as it was sent, likewise signed."""
        headers = BytesHeaderParser().parsebytes(sent)
        about, to, sender = (parseaddr(headers[name])[1] for name in ("Message-ID", "To", "From"))
        given_to = to if kind in _NAMES_THE_RECIPIENT else ""
        data = daticert(kind, f"<{about}>", sender=sender, recipients=(to,), given_to=given_to)
        return self.mail(entity([data]), kind=kind, about=about)

    def mail(self, signed: bytes, **how: object) -> bytes:
        """Return a mail with this content, signed by the provider."""
        return mail(signed, self.signer.sign(signed), **how)  # type: ignore[arg-type]


def mail(  # noqa: PLR0913 - the ways in which providers differ
    signed: bytes,
    signature: bytes,
    *,
    sender: str = PROVIDER,
    kind: str = "accettazione",
    about: str = "",
    type_: str = "application/x-pkcs7-signature",
    encoding: str = "base64",
    boundary: str = "outer",
) -> bytes:
    """Return a mail with a detached signature."""
    head = (
        f"From: {sender}\r\nTo: {SENDER}\r\nSubject: RICEVUTA\r\nX-Ricevuta: {kind}\r\n"
        f"X-Riferimento-Message-ID: <{about}>\r\nMIME-Version: 1.0\r\n"
        f'Content-Type: multipart/signed; protocol="{type_}"; micalg="sha-256"; boundary="{boundary}"\r\n\r\n'
        "This is an S/MIME signed message\r\n"
    ).encode()
    by = (
        f'\r\n--{boundary}\r\nContent-Type: {type_}; name="smime.p7s"\r\n'
        f"Content-Transfer-Encoding: {encoding}\r\n"
        'Content-Disposition: attachment; filename="smime.p7s"\r\n\r\n'
    ).encode()
    encoded = _base64(signature) if encoding == "base64" else signature
    return head + f"--{boundary}\r\n".encode() + signed + by + encoded + f"\r\n--{boundary}--\r\n".encode()


def _base64(content: bytes) -> bytes:
    lines = textwrap.wrap(b64encode(content).decode(), 76)
    return "".join(f"{line}\r\n" for line in lines).encode()
