"""The settings of traces."""

from collections.abc import Iterator
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from shared.config import plaintext
from shared.config.plaintext import Plaintext
from shared.config.settings import Settings
from shared.config.tls import TlsFiles


def _endpoint(url: str) -> str:
    parts = urlsplit(url)
    if url and not (parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0):
        raise ValueError("has to be such as `https://collector:4318/v1/traces`")
    return url


class TraceSettings(Settings):
    """Where spans go, and which."""

    traces_url: Annotated[str, AfterValidator(_endpoint)] = ""
    """Where [spans](operations.md#traces) go by OTLP over HTTP: `https://collector:4318/v1/traces`. Empty:
    nowhere, and nothing is loaded for it. With it each span costs 50 µs of CPU, and a worker 10 MB."""
    traces_ca: str = ""
    """File of the authorities that may sign the collector's certificate; empty: those of the machine, or of
    `SSL_CERT_FILE`. A wrong one loses spans, and nothing else."""
    traces_ratio: float = Field(default=1.0, ge=0, le=1)
    """Share of the messages without a `traceparent` that begin a trace. Those with one are traced if it says
    so, whatever is set here. Less costs less, and leaves you without the trace that you look for."""

    def faults(self) -> Iterator[str]:
        """Yield what is wrong with the file of authorities."""
        yield from super().faults()
        if self.traces_ca and (fault := TlsFiles(self.traces_ca).fault()):
            yield f"PIN_TRACES_CA: {fault}"

    def plaintext(self) -> Iterator[Plaintext]:
        """Yield the connection to the collector, if it is not protected."""
        yield from super().plaintext()
        if self.traces_url:
            shows = "which messages were handled when, by their ids"
            yield from plaintext.http("PIN_TRACES_URL", self.traces_url, shows)
