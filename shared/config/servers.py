"""The settings of a connection to the broker and to the ledger, for workers and pinctl alike."""

from collections.abc import Iterator
from urllib.parse import parse_qsl, urlsplit

from shared.config import plaintext
from shared.config.plaintext import Plaintext
from shared.config.settings import SecretSetting, Settings
from shared.config.tls import TlsFiles
from shared.crypto.secret import Secret


class AmqpSettings(Settings):
    """Where the broker is, and how each side proves who it is."""

    amqp_url: SecretSetting
    """The broker."""
    amqp_ca: str = ""
    """File of the authorities that may sign the broker's certificate; empty: those of the machine. Read at
    every connection. A wrong one makes the process wait, and lose nothing."""
    amqp_cert: str = ""
    """File of our client certificate, with the chain below its authority. With `auth=EXTERNAL` in the URL its
    CN is the user, and no password is needed. Read at every connection: a renewed one needs no restart."""
    amqp_key: str = ""
    """File of its private key; empty: it is in the same file."""

    @property
    def amqp_tls(self) -> TlsFiles:
        """The files of the connection: those of the settings, else those that the URL names."""
        named = _options(self.amqp_url)
        ca = self.amqp_ca or named.get("cafile", "")
        if self.amqp_cert or self.amqp_key:
            return TlsFiles(ca, self.amqp_cert, self.amqp_key)
        return TlsFiles(ca, named.get("certfile", ""), named.get("keyfile", ""))

    def faults(self) -> Iterator[str]:
        """Yield what is wrong with the files, and with the log-in by certificate."""
        yield from super().faults()
        if self.amqp_tls and (fault := self.amqp_tls.fault()):
            yield f"PIN_AMQP_CA, PIN_AMQP_CERT, PIN_AMQP_KEY: {fault}"
        if _options(self.amqp_url).get("auth", "").upper() == "EXTERNAL" and not self.amqp_tls.cert:
            yield "PIN_AMQP_CERT: auth=EXTERNAL logs in by a client certificate, and there is none"

    def plaintext(self) -> Iterator[Plaintext]:
        """Yield the connection to the broker, if it is not protected."""
        yield from super().plaintext()
        yield from plaintext.amqp("PIN_AMQP_URL", self.amqp_url.reveal())


class DsnSettings(Settings):
    """Where the ledger is; certificates are named in its URL."""

    ledger_dsn: SecretSetting
    """The ledger."""

    def faults(self) -> Iterator[str]:
        """Yield what is wrong with the files that the URL names."""
        yield from super().faults()
        options = _options(self.ledger_dsn)
        files = TlsFiles(*(options.get(name, "") for name in ("sslrootcert", "sslcert", "sslkey")))
        if files and (fault := files.fault()):
            yield f"PIN_LEDGER_DSN, its sslrootcert, sslcert and sslkey: {fault}"

    def plaintext(self) -> Iterator[Plaintext]:
        """Yield the connection to the ledger, if it is not protected."""
        yield from super().plaintext()
        yield from plaintext.ledger("PIN_LEDGER_DSN", self.ledger_dsn.reveal())


def _options(url: Secret) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(url.reveal()).query))
