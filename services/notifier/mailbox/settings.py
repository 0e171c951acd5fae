"""What can be set about the mailboxes that are read; each line says what it costs to change it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field

from services.notifier.settings import Tls
from shared.config import plaintext
from shared.config.plaintext import Plaintext
from shared.config.settings import SecretSetting, Settings
from shared.config.tls import TlsFiles
from shared.crypto.secret import Secret

BoxName = Literal["pec", "bounce"]
BOXES: tuple[BoxName, ...] = ("pec", "bounce")
_MiB = 1024 * 1024

Pause = Annotated[timedelta, Field(ge=timedelta(seconds=1), le=timedelta(minutes=28))]
"""Below the 29 minutes after which a server may end a connection that says nothing (RFC 2177)."""
Limit = Annotated[timedelta, Field(gt=timedelta(0), le=timedelta(minutes=5))]


@dataclass(frozen=True, slots=True)
class Box:
    """One mailbox that is read: its account and its folders."""

    name: BoxName
    host: str
    port: int
    tls: Tls
    ca: str
    user: str
    password: Secret
    inbox: str
    processed: str
    unknown: str


class MailboxSettings(Settings):
    """Settings of `notifier-mailbox`, from `PIN_…`."""

    pec_imap_host: str = ""
    """Where the PEC mailbox is read, to which the receipts come; empty: it is not read. A wrong one leaves
    all receipts where they are, and loses none."""
    pec_imap_port: int = Field(default=993, ge=1, le=65535)
    """993 goes with `implicit`, 143 with `starttls`."""
    pec_imap_tls: Tls = "implicit"
    """`none` shows the password and every receipt to whoever listens on the way: only for a server on the
    same machine, elsewhere refused (`PIN_ALLOW_PLAINTEXT`). Otherwise the certificate is always checked."""
    pec_imap_ca: str = ""
    """File of the authorities that may sign the server's certificate; empty: those of the machine, or of
    `SSL_CERT_FILE`. A wrong one leaves all receipts where they are, and loses none."""
    pec_imap_user: str = ""
    """PEC providers ask for the PEC address itself."""
    pec_imap_password: SecretSetting = Secret("")
    """A wrong one leaves all receipts where they are, and is tried once a minute."""
    pec_imap_inbox: str = "INBOX"
    """The folder that is read. What lies in it is work that is not done: who moves a mail back here has it
    read once more, which changes nothing."""
    pec_imap_processed: str = "PIN-processed"
    """The folder of what was understood and reported; made if it is not there. Receipts are evidence: how
    long they are kept is up to who looks after the mailbox, and nothing here ever deletes one."""
    pec_imap_unknown: str = "PIN-unknown"
    """The folder of what was not understood, for a person to look at; made if it is not there."""

    bounce_imap_host: str = ""
    """Where the mailbox is read to which bounces of ordinary mail come; empty: it is not read. A wrong one
    leaves all bounces where they are, and loses none."""
    bounce_imap_port: int = Field(default=993, ge=1, le=65535)
    """As `pec_imap_port`."""
    bounce_imap_tls: Tls = "implicit"
    """As `pec_imap_tls`."""
    bounce_imap_ca: str = ""
    """As `pec_imap_ca`."""
    bounce_imap_user: str = ""
    """The account to which the sender of ordinary mail is delivered."""
    bounce_imap_password: SecretSetting = Secret("")
    """As `pec_imap_password`."""
    bounce_imap_inbox: str = "INBOX"
    """As `pec_imap_inbox`. Not the same folder of the same account as that of the PEC."""
    bounce_imap_processed: str = "PIN-processed"
    """As `pec_imap_processed`; a bounce that brought our text back is filed without it."""
    bounce_imap_unknown: str = "PIN-unknown"
    """As `pec_imap_unknown`."""

    mailbox_poll: Pause = timedelta(seconds=30)
    """How often to look where the server does not tell by itself (no IDLE): how late a receipt is seen."""
    mailbox_idle: Pause = timedelta(minutes=4)
    """How long to listen where it does, before looking all the same. Longer takes a connection that a router
    forgot for one that lives, and sees later what nobody told."""
    mailbox_largest: int = Field(default=_MiB, ge=64 * 1024, le=16 * _MiB)
    """Bytes of the largest mail that is read; a larger one goes to the folder of what is not understood. More
    costs memory, and time for a mail that somebody made to cost time."""
    mailbox_connect_timeout: Limit = timedelta(seconds=10)
    """To reach the server and to start TLS, each step. Shorter takes a slow network for an outage."""
    mailbox_step_timeout: Limit = timedelta(seconds=30)
    """For the server to go on with an answer. Shorter gives up on large folders of slow servers."""
    mailbox_mail_timeout: Limit = timedelta(seconds=30)
    """To understand one mail: past that it is one that is not understood."""

    def boxes(self) -> tuple[Box, ...]:
        """Return the mailboxes that are read."""
        return tuple(box for box in map(self._box, BOXES) if box.host)

    def _box(self, name: BoxName) -> Box:
        own = {field: getattr(self, f"{name}_imap_{field}") for field in Box.__slots__ if field != "name"}
        return Box(name=name, **own)

    def faults(self) -> Iterator[str]:
        """Yield files of authorities that hold none, and folders that would be read in circles."""
        yield from super().faults()
        for name in BOXES:
            box = self._box(name)
            if box.ca and (fault := TlsFiles(box.ca).fault()):
                yield f"PIN_{name.upper()}_IMAP_CA: {fault}"
            if len({_folder(folder) for folder in (box.inbox, box.processed, box.unknown)}) < 3:  # noqa: PLR2004 - folders
                prefix = f"PIN_{name.upper()}_IMAP"
                yield f"{prefix}_INBOX, {prefix}_PROCESSED, {prefix}_UNKNOWN: have to be three folders"
        places = [(box.host, box.port, box.user, _folder(box.inbox)) for box in self.boxes()]
        if len(set(places)) < len(places):
            yield "PIN_PEC_IMAP_INBOX, PIN_BOUNCE_IMAP_INBOX: two would read the same folder"

    def plaintext(self) -> Iterator[Plaintext]:
        """Yield the mailboxes that would be read in the clear."""
        yield from super().plaintext()
        for box in self.boxes():
            yield from plaintext.imap(f"PIN_{box.name.upper()}_IMAP_TLS", box.host, box.tls)


def _folder(name: str) -> str:
    # The one name without regard to case (RFC 3501, 5.1).
    return "INBOX" if name.upper() == "INBOX" else name
