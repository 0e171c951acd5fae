"""TLS as a client: TLS 1.2 at least, the server's certificate and name always verified."""

import ssl
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """PEM files of one connection; an empty name means none.

    Attributes:
        ca: the authorities that may sign the server's certificate, in place of the machine's own.
        cert: our certificate and the chain below its authority.
        key: its private key; empty when it is in `cert`.
    """

    ca: str = ""
    cert: str = ""
    key: str = ""

    def context(self) -> ssl.SSLContext:
        """Read the files, so that each connection uses those that are there now.

        Raises:
            OSError: a file cannot be read or holds something else (`ssl.SSLError` is one).
        """
        context = ssl.create_default_context(cafile=self.ca or None)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if self.cert:
            context.load_cert_chain(self.cert, self.key or None)
        return context

    def __bool__(self) -> bool:
        return bool(self.ca or self.cert or self.key)

    def fault(self) -> str:
        """Return what is wrong with the files; empty if nothing is."""
        if self.key and not self.cert:
            return "a key without a certificate"
        try:
            self.context()
        except ssl.SSLError as error:
            return f"no certificate with its key in these files ({error.reason or 'unreadable'})"
        except OSError as error:
            return f"{error.strerror} ({', '.join(filter(None, (self.ca, self.cert, self.key)))})"
        return ""


NONE = TlsFiles()


def loss_of(error: BaseException) -> str:
    """Return the kind of a connection's failure and, where TLS is the cause, what it objects to.

    Never more: other messages may quote a URL.
    """
    name, cause = type(error).__name__, _tls_error(error)
    if isinstance(cause, ssl.SSLCertVerificationError):
        return f"{name}: {cause.verify_message}"
    return f"{name}: {cause.reason}" if cause and cause.reason else name


def _tls_error(error: BaseException | None) -> ssl.SSLError | None:
    seen = 0
    while error is not None and seen < 8:  # noqa: PLR2004 - deeper than any library nests
        if isinstance(error, ssl.SSLError):
            return error
        error, seen = error.__cause__ or error.__context__, seen + 1
    return None
