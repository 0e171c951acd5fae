"""What can be set about SMS by SMPP; each line says what it costs to change it."""

import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from shared.config.settings import SecretSetting, Settings
from shared.config.tls import TlsFiles
from shared.crypto.secret import Secret

Alphabet = Literal["gsm7", "ucs2"]
Ids = Literal["text", "decimal", "hex"]
"""How an SMSC writes the ids of messages."""
SCHEMES = frozenset({"smpp", "smpps"})
_PORTS = {"smpp": 2775, "smpps": 3550}


def _ascii(value: str) -> str:
    if not (value.isascii() and (value.isprintable() or not value)):
        raise ValueError("has to be printable ASCII")
    return value


Ascii = Annotated[str, AfterValidator(_ascii)]


@dataclass(frozen=True, slots=True)
class SmppAccount:
    """One account at an SMSC; the settings say what each is.

    Attributes:
        name: of the provider, which begins each reference.
        connect_limit: to connect, start TLS and bind, in all.
        step_limit: for a place in the window, and for one answer.
    """

    name: str
    host: str
    port: int
    tls: bool
    ca: str
    system_id: str
    password: Secret
    system_type: str
    source: str
    source_ton: int
    source_npi: int
    alphabet: Alphabet
    sent_ids: Ids
    receipt_ids: Ids
    reference_tag: int
    window: int
    enquire_interval: timedelta
    connect_limit: timedelta
    step_limit: timedelta

    def context(self) -> ssl.SSLContext | None:
        """Return what TLS verifies by; None without TLS.

        Raises:
            OSError: the file of authorities cannot be read.
        """
        return TlsFiles(self.ca).context() if self.tls else None


class SmppSettings(Settings):
    """Settings of SMS by SMPP, for a `PIN_SMS_URL` of `smpp://` or `smpps://`."""

    smpp_system_id: Ascii = Field(default="", max_length=15)
    """Our account at the SMSC. A wrong one holds all SMS back and loses none."""
    smpp_password: SecretSetting = Secret("")
    """Its password. A wrong one holds all SMS back and loses none."""
    smpp_system_type: Ascii = Field(default="", max_length=12)
    """The `system_type` that some SMSCs ask for at the bind."""
    smpp_source: Ascii = Field(default="", max_length=20)
    """The sender that citizens see: a name of at most 11 characters, or a number without `+`; empty leaves it
    to the SMSC. One that the provider has not registered holds all SMS back and loses none."""
    smpp_source_ton: int = Field(default=5, ge=0, le=7)
    """Its type of number: 5 a name, 1 an international number, 3 a short code, 0 unknown."""
    smpp_source_npi: int = Field(default=0, ge=0, le=18)
    """Its numbering plan: 0 for a name, 1 for a number."""
    smpp_window: int = Field(default=10, ge=1, le=1000)
    """SMS under way at once a process, unanswered by the SMSC. More is faster on a long line; more than the
    provider allows, which it tells with the account, is throttled or ends the session."""
    smpp_enquire_interval: timedelta = Field(default=timedelta(seconds=30), gt=timedelta(0))
    """After such a silence we ask whether the SMSC is there. Longer finds a dead line later, and some SMSCs
    end a session that is silent for a minute."""
    smpp_alphabet: Alphabet = "gsm7"
    """The SMSC's default alphabet. `ucs2` for one whose default is not GSM 7-bit: accents are then right, and
    an SMS has room for 70 characters in place of 160."""
    smpp_sent_ids: Ids = "text"
    """How the SMSC writes the id of a message that it takes: `decimal` or `hex`, or `text` for one that is
    compared as it stands. A wrong one makes receipts find no delivery."""
    smpp_receipt_ids: Ids = "text"
    """The same in the text of receipts: some SMSCs write `hex` in one place and `decimal` in the other."""
    smpp_reference_tag: int = Field(default=0, ge=0, le=0x3FFF)
    """Optional parameter in which the provider takes an id of ours by which it knows a repeat, in decimal:
    of its own (5120 to 16383). 0 sends none: SMPP itself has no such parameter."""

    def smpp_account(
        self, name: str, url: str, ca: str, connect_limit: timedelta, step_limit: timedelta
    ) -> SmppAccount:
        """Return the account that these settings and a URL describe."""
        parts = urlsplit(url)
        return SmppAccount(
            name=name,
            host=parts.hostname or "",
            port=parts.port or _PORTS[parts.scheme],
            tls=parts.scheme == "smpps",
            ca=ca,
            system_id=self.smpp_system_id,
            password=self.smpp_password,
            system_type=self.smpp_system_type,
            source=self.smpp_source,
            source_ton=self.smpp_source_ton if self.smpp_source else 0,
            source_npi=self.smpp_source_npi if self.smpp_source else 0,
            alphabet=self.smpp_alphabet,
            sent_ids=self.smpp_sent_ids,
            receipt_ids=self.smpp_receipt_ids,
            reference_tag=self.smpp_reference_tag,
            window=self.smpp_window,
            enquire_interval=self.smpp_enquire_interval,
            connect_limit=connect_limit,
            step_limit=step_limit,
        )

    def faults(self) -> Iterator[str]:
        """Yield what an SMSC could not be told."""
        yield from super().faults()
        password = self.smpp_password.reveal()
        if not password.isascii() or "\0" in password:
            yield "PIN_SMPP_PASSWORD: has to be ASCII"


def is_smpp(url: str) -> bool:
    """Return whether a URL names an SMSC."""
    return urlsplit(url).scheme in SCHEMES


def url_faults(setting: str, url: str, system_id: str) -> Iterator[str]:
    """Yield what is wrong with the URL of an SMSC, without the URL itself."""
    parts = urlsplit(url)
    try:
        there = bool(parts.hostname) and parts.port != 0
    except ValueError:
        there = False
    if not there or parts.path.strip("/") or parts.query or parts.username is not None:
        yield f"{setting}: has to be smpp://host:port or smpps://host:port, and nothing more"
    if not system_id:
        yield f"PIN_SMPP_SYSTEM_ID: {setting} needs one"
