"""What can be set about the channels; each line says what it costs to change it."""

import base64
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from email.utils import parseaddr
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from shared.config import plaintext
from shared.config.plaintext import Plaintext
from shared.config.settings import SecretSetting, Settings
from shared.config.tls import TlsFiles
from shared.crypto.secret import Secret
from shared.domain.policy import Retention

_KEY_BYTES = 32
Tls = Literal["none", "starttls", "implicit"]
Receipt = Literal["completa", "breve", "sintetica"]


def _sender(value: str) -> str:
    local, _, domain = parseaddr(value)[1].rpartition("@")
    if not (local and domain and domain.isascii() and value.isprintable()):
        raise ValueError("has to be `Name <local@domain>` or `local@domain`")
    return value


def _public_key(value: str) -> str:
    try:
        raw = base64.b64decode(value, validate=True)
    except ValueError:
        raw = b""
    if value and len(raw) != _KEY_BYTES:
        raise ValueError("has to be an X25519 public key, base64")
    return value


Sender = Annotated[str, AfterValidator(_sender)]


@dataclass(frozen=True, slots=True)
class Mailbox:
    """One SMTP account: what the email and the PEC channel differ in."""

    host: str
    port: int
    tls: Tls
    ca: str
    user: str
    password: Secret
    sender: str
    receipt: Receipt | None
    connections: int
    mails_a_connection: int
    connect_limit: timedelta
    step_limit: timedelta
    mail_limit: timedelta


class AcceptanceSettings(Settings):
    """What `notifier-pec` and `notifier-receipts` have to agree on."""

    pec_acceptance_limit: Retention = timedelta(hours=24)
    """How long a PEC that its provider took by SMTP may lack the receipt that it was accepted; then it has
    failed, and a half that went nowhere else ends its PIN. It counts only for what was sent between two that
    were accepted, with an hour's distance from the later one: where nobody reads the PEC mailbox, or it is
    long behind, nothing fails. Who empties the mailbox of receipts that were not read lets halves fail that
    arrived. Shorter fails halves in a provider's bad hours; longer leaves a citizen waiting for longer; 0
    waits for ever."""


class NotifierSettings(Settings):
    """Settings of the notifier, from `PIN_…`."""

    sms_url: str = "http://localhost:8080/sms"
    """Where the SMS gateway takes messages. A wrong one holds all SMS back and loses none."""
    sms_token: SecretSetting = Secret("")
    """Bearer token for the gateway; empty sends none. A wrong one holds all SMS back and loses none."""
    sms_ca: str = ""
    """File of the authorities that may sign the gateway's certificate; empty: those of the machine, or of
    `SSL_CERT_FILE`. A wrong one holds all SMS back and loses none."""
    sms_concurrency: int = Field(default=50, ge=1, le=1000)
    """SMS under way at once. More is faster until the gateway throttles; fewer delays first halves."""
    sms_timeout: timedelta = timedelta(seconds=10)
    """For one SMS in all. Shorter repeats what a slow gateway did take; longer holds up the batch."""
    sms_connect_timeout: timedelta = timedelta(seconds=5)
    """To reach the gateway. Shorter takes a slow network for an outage."""

    smtp_host: str = "localhost"
    """The relay for ordinary mail."""
    smtp_port: int = Field(default=25, ge=1, le=65535)
    """587 goes with `starttls`, 465 with `implicit`."""
    smtp_tls: Tls = "none"
    """`none` shows every half to whoever listens on the way: only for a relay on the same machine, elsewhere
    refused (`PIN_ALLOW_PLAINTEXT`). With the others the certificate is always checked."""
    smtp_ca: str = ""
    """File of the authorities that may sign the relay's certificate; empty: those of the machine, or of
    `SSL_CERT_FILE`. A wrong one holds all mail back and loses none."""
    smtp_user: str = ""
    """Empty: no authentication."""
    smtp_password: SecretSetting = Secret("")
    """A wrong one holds all mail back and loses none."""
    mail_from: Sender = "PIN online <pin@localhost.localdomain>"
    """Sender of ordinary mail, and the domain of its Message-IDs: a change while repeats are due
    makes those a second mail."""

    pec_smtp_host: str = "localhost"
    """The PEC provider's access point."""
    pec_smtp_port: int = Field(default=25, ge=1, le=65535)
    """Providers give 465 with `implicit`."""
    pec_smtp_tls: Tls = "none"
    """As `smtp_tls`; PEC providers ask for `implicit`."""
    pec_smtp_ca: str = ""
    """As `smtp_ca`."""
    pec_smtp_user: str = ""
    """PEC providers ask for one: usually the PEC address itself."""
    pec_smtp_password: SecretSetting = Secret("")
    """A wrong one holds all PEC back and loses none."""
    pec_from: Sender = "PIN online <pin@pec.localhost.localdomain>"
    """Must be the account's own address, or the provider refuses every mail."""
    pec_receipt: Receipt = "sintetica"
    """Receipt of delivery to ask for (`X-TipoRicevuta`, RFC 6109). Only `sintetica` leaves the text out:
    `completa` returns the mail whole, and `breve` all but its attachments, so either puts halves into
    our own PEC mailbox."""

    smtp_connections: int = Field(default=8, ge=1, le=200)
    """Kept open a worker. More is faster until the relay limits its clients; each costs it a process."""
    smtp_mails_a_connection: int = Field(default=500, ge=1)
    """After which a connection is renewed. Fewer costs handshakes; more meets the relay's own limit."""
    smtp_connect_timeout: timedelta = timedelta(seconds=10)
    """To reach the relay, start TLS and log in, in all. Shorter takes a slow network for an outage."""
    smtp_step_timeout: timedelta = timedelta(seconds=15)
    """For one reply. Shorter repeats what a slow relay did take."""
    smtp_mail_timeout: timedelta = timedelta(seconds=30)
    """For one mail in all: how long a server that drips can hold one connection, and so a batch."""

    post_spool: Path = Path(".local/spool/post")
    """Where letters are left for the printer; has to exist. On the same file system throughout."""

    post_seal_key: Annotated[str, AfterValidator(_public_key)] = ""
    """The print provider's X25519 public key, base64: letters lie in the spool sealed to it. Empty leaves
    them readable to whoever reads the spool. A provider without the private key prints nothing.
    """
    spool_retention: Retention = timedelta(days=90)
    """How long a letter that nobody fetches lies in the spool, or is kept for a print shop that does not
    print it; then it is deleted, with a line in the log.
    Not shorter than `initial_validity`, after which its PIN has expired; 0 keeps all for ever.
    """

    retry_limit: int = Field(default=8, ge=1)
    """Tries of one delivery. More keeps a citizen waiting who could ask again; fewer gives up early."""
    retry_base: timedelta = timedelta(minutes=1)
    """Longest wait before the second try; doubles each time. Shorter does not outlast a greylist."""
    retry_cap: timedelta = timedelta(hours=6)
    """Longest wait of all."""
    breaker_base: timedelta = timedelta(seconds=1)
    """Wait after the first failure to reach a provider; doubles each time."""
    breaker_cap: timedelta = timedelta(minutes=1)
    """Longest such wait: how late the end of an outage is seen. What a provider asks for counts up to here:
    then one delivery tries, whatever it asked."""
    breaker_answered_cap: timedelta = timedelta(seconds=10)
    """Longest wait while the provider answers, and refuses everybody alike: how long a message may wait for
    others' dead numbers. Shorter asks a provider that is ill more often, one delivery at a time."""

    def mailbox(self, channel: Literal["email", "pec"]) -> Mailbox:
        """Return the SMTP account of a channel."""
        pec = channel == "pec"
        return Mailbox(
            host=self.pec_smtp_host if pec else self.smtp_host,
            port=self.pec_smtp_port if pec else self.smtp_port,
            tls=self.pec_smtp_tls if pec else self.smtp_tls,
            ca=self.pec_smtp_ca if pec else self.smtp_ca,
            user=self.pec_smtp_user if pec else self.smtp_user,
            password=self.pec_smtp_password if pec else self.smtp_password,
            sender=self.pec_from if pec else self.mail_from,
            receipt=self.pec_receipt if pec else None,
            connections=self.smtp_connections,
            mails_a_connection=self.smtp_mails_a_connection,
            connect_limit=self.smtp_connect_timeout,
            step_limit=self.smtp_step_timeout,
            mail_limit=self.smtp_mail_timeout,
        )

    def faults(self) -> Iterator[str]:
        """Yield the files of authorities that hold none."""
        yield from super().faults()
        for name in ("sms_ca", "smtp_ca", "pec_smtp_ca"):
            if (path := getattr(self, name)) and (fault := TlsFiles(path).fault()):
                yield f"PIN_{name.upper()}: {fault}"

    def plaintext(self) -> Iterator[Plaintext]:
        """Yield the providers to which halves would go in the clear."""
        yield from super().plaintext()
        yield from plaintext.http("PIN_SMS_URL", self.sms_url, "the token and every SMS, with its half")
        yield from plaintext.smtp("PIN_SMTP_TLS", self.smtp_host, self.smtp_tls)
        yield from plaintext.smtp("PIN_PEC_SMTP_TLS", self.pec_smtp_host, self.pec_smtp_tls)
