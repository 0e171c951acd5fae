"""What can be set about the channels; each line says what it costs to change it."""

import base64
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from email.utils import parseaddr
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, PrivateAttr

from services.notifier import providers
from services.notifier.envelope import LONGEST_BOUNCES_LOCAL
from services.notifier.providers import GROUPS, Named
from services.notifier.smpp_settings import SmppAccount, SmppSettings, is_smpp, url_faults
from shared.config import plaintext
from shared.config.plaintext import Plaintext
from shared.config.settings import SecretSetting, Settings
from shared.config.tls import TlsFiles
from shared.crypto.secret import Secret
from shared.domain.policy import Retention

_KEY_BYTES = 32
_ADDRESS = re.compile(r"[a-zA-Z0-9_.+-]+@[a-zA-Z0-9.-]{1,253}")
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


def _bounces(value: str) -> str:
    local = value.rpartition("@")[0]
    if value and (not _ADDRESS.fullmatch(value) or len(local) > LONGEST_BOUNCES_LOCAL):
        raise ValueError(
            f"has to be `local@domain`, with at most {LONGEST_BOUNCES_LOCAL} characters before the @"
        )
    return value


Sender = Annotated[str, AfterValidator(_sender)]
ProviderNames = Annotated[str, AfterValidator(providers.checked)]


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
    bounces: str
    verp: bool
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


class NotifierSettings(SmppSettings):
    """Settings of the notifier, from `PIN_…`."""

    sms_providers: ProviderNames = ""
    """Names of several providers of SMS: `first,second` in order, or `first=3,second=1` by weight
    ([how](far-ends.md#several-providers)). Each has every setting `PIN_SMS_…` for itself, as
    `PIN_SMS_<NAME>_URL`, with the defaults here, and those without a name count for none. Empty: one
    provider, without a name. A name that is changed or left out lets retries go to another provider of what
    its own perhaps took: a second copy."""
    sms_rate: int = Field(default=0, ge=0)
    """SMS a second, at most, for each worker; 0: no limit. What is over it waits, or goes to another
    provider. Lower than what comes on a busy day delays first halves."""
    sms_url: str = "http://localhost:8080/sms"
    """Where the SMS gateway takes messages; `smpp://host:port` or `smpps://host:port` for an SMSC, which is
    spoken to by SMPP 3.4. A wrong one holds all SMS back and loses none."""
    sms_token: SecretSetting = Secret("")
    """Bearer token for the gateway; empty sends none. A wrong one holds all SMS back and loses none."""
    sms_ca: str = ""
    """File of the authorities that may sign the gateway's certificate; empty: those of the machine, or of
    `SSL_CERT_FILE`. A wrong one holds all SMS back and loses none."""
    sms_concurrency: int = Field(default=50, ge=1, le=1000)
    """SMS under way at once. More is faster until the gateway throttles; fewer delays first halves."""
    sms_timeout: timedelta = timedelta(seconds=10)
    """For one SMS in all. Shorter repeats what a slow gateway did take; longer holds up the batch."""
    sms_traceparent: bool = False
    """Give the gateway the header `traceparent` of each request, so that its own spans are in the same trace.
    It then learns which SMS belong to one request. Only by HTTP, and only with `PIN_TRACES_URL`."""
    sms_connect_timeout: timedelta = timedelta(seconds=5)
    """To reach the gateway. Shorter takes a slow network for an outage."""

    smtp_providers: ProviderNames = ""
    """Names of several relays for ordinary mail, as `sms_providers`: `PIN_SMTP_<NAME>_HOST`."""
    smtp_rate: int = Field(default=0, ge=0)
    """Mails a second, at most, for each worker of ordinary mail; as `sms_rate`."""
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

    mail_bounces: Annotated[str, AfterValidator(_bounces)] = ""
    """The envelope's sender of ordinary mail, `local@domain`: where its bounces go. Empty: the address of
    `mail_from`. One that takes no mail loses every bounce, and a relay may refuse to send from it. SPF is
    checked for its domain; DMARC asks that it belongs to that of `mail_from`."""
    mail_verp: bool = True
    """Whether bounces of each mail go to an address of its own, `local+<delivery>@domain` of `mail_bounces`:
    then one that quotes nothing is understood, too. Off where `local+anything` does not reach the mailbox:
    left on there, every bounce is lost."""

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
    """Must be the account's own address, or the provider refuses every mail. It is the envelope's sender,
    too (RFC 6109, 3.1.1): PEC has no address for bounces."""
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

    provider_hold: timedelta = timedelta(minutes=5)
    """How long a delivery that one of several providers perhaps took is retried there alone. Shorter may send
    a citizen the same half twice; longer delays it while that provider is down."""
    provider_slow: timedelta = timedelta(seconds=3)
    """From which time a delivery takes long at one of several providers: it loses its share to one that is
    faster by far. Shorter moves deliveries for a hiccup; longer lets a citizen wait."""
    provider_recovery: timedelta = Field(default=timedelta(minutes=10), gt=timedelta(0))
    """In which one of several providers wins back its whole share, at the soonest. Shorter gives one that
    comes and goes more to fail on; longer pays the spare one more."""

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
            bounces="" if pec else self.mail_bounces,
            verp=self.mail_verp,
            receipt=self.pec_receipt if pec else None,
            connections=self.smtp_connections,
            mails_a_connection=self.smtp_mails_a_connection,
            connect_limit=self.smtp_connect_timeout,
            step_limit=self.smtp_step_timeout,
            mail_limit=self.smtp_mail_timeout,
        )

    def smpp(self, name: str) -> SmppAccount:
        """Return the account at the SMSC of `sms_url`."""
        return self.smpp_account(name, self.sms_url, self.sms_ca, self.sms_connect_timeout, self.sms_timeout)

    _named: dict[str, dict[str, Self]] = PrivateAttr(default_factory=dict)

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> Self:
        """Read the settings, and those of each named provider.

        Raises:
            SettingsError: naming every setting that is missing or wrong, at once.
        """
        settings, reader = super().read(environ), super().read
        settings._named.update(  # noqa: SLF001 - of this class
            (
                channel,
                {
                    one.name: providers.read(reader, environ, channel, one.name, cls.model_fields)
                    for one in settings.provider_names(channel)
                },
            )
            for channel in GROUPS
        )
        return settings

    @classmethod
    def variables(cls, environ: Mapping[str, str]) -> Iterator[str]:
        """Yield the variables of the group, and those of each named provider."""
        yield from super().variables(environ)
        yield from providers.variables(environ, cls.model_fields)

    def provider_names(self, channel: str) -> tuple[Named, ...]:
        """Return the named providers of a channel, in order; none where it has one without a name."""
        return providers.parsed(getattr(self, f"{GROUPS[channel][0]}_providers")) if channel in GROUPS else ()

    def rate(self, channel: str) -> int:
        """Return the deliveries a second of a channel, at most; 0 without a limit."""
        return {"sms": self.sms_rate, "email": self.smtp_rate}.get(channel, 0)

    def of_provider(self, channel: str, name: str) -> Self:
        """Return the settings as a named provider of a channel has them."""
        return self._named[channel][name]

    def shown(self) -> dict[str, str]:
        """Return the settings as they may be logged, with those of each named provider."""
        return super().shown() | {
            providers.own(channel, name, field): text
            for channel, named in self._named.items()
            for name, settings in named.items()
            for field, text in settings.shown().items()
            if providers.is_own(channel, field)
        }

    def faults(self) -> Iterator[str]:
        """Yield the files of authorities that hold none, and what is wrong with the SMSC's address."""
        yield from super().faults()
        if is_smpp(self.sms_url):
            yield from url_faults("PIN_SMS_URL", self.sms_url, self.smpp_system_id)
        for name in ("sms_ca", "smtp_ca", "pec_smtp_ca"):
            if (path := getattr(self, name)) and (fault := TlsFiles(path).fault()):
                yield f"PIN_{name.upper()}: {fault}"
        for channel, name, settings in self._each():
            yield from providers.renamed(channel, name, settings.faults())

    def plaintext(self) -> Iterator[Plaintext]:
        """Yield the providers to which halves would go in the clear."""
        yield from super().plaintext()
        far = plaintext.smpp if is_smpp(self.sms_url) else plaintext.http
        yield from far("PIN_SMS_URL", self.sms_url, "the log-in and every SMS, with its half")
        yield from plaintext.smtp("PIN_SMTP_TLS", self.smtp_host, self.smtp_tls)
        yield from plaintext.smtp("PIN_PEC_SMTP_TLS", self.pec_smtp_host, self.pec_smtp_tls)
        for channel, name, settings in self._each():
            for found in settings.plaintext():
                for setting in providers.renamed(channel, name, [found.setting]):
                    yield replace(found, setting=setting)

    def _each(self) -> Iterator[tuple[str, str, Self]]:
        for channel, named in self._named.items():
            for name, settings in named.items():
                yield channel, name, settings
