"""Sends spans to a collector, by OTLP over HTTP, from a thread of its own.

A collector that is slow or gone holds up nothing: what does not fit into the queue, or is not taken, is
dropped, and a line in the log says how many spans were, once a minute at most.
"""

import logging
import os
import socket
import ssl
import threading
import time
from collections.abc import Sequence
from typing import Any

import requests
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased

from shared.worker.tracing.settings import TraceSettings

QUEUE = 4096
"""Spans that wait to be sent, at most: about 4 MB."""
_BATCH = 512
_EVERY = 1000.0
"""Milliseconds after which spans are sent, however few."""
_LIMIT = 5.0
"""Seconds for one request, retries included."""
_LAST = 1.0
"""Seconds that the end of the process waits for the last spans."""
_TELL_EVERY = 60.0


class Dropping:
    """Counts the spans that are dropped, and tells of them.

    Args:
        log: of the worker.
    """

    def __init__(self, log: Any) -> None:  # noqa: ANN401 - structlog's
        self._log = log
        self._lock = threading.Lock()
        self._dropped = 0
        self._told = float("-inf")

    def close(self, spans: int) -> None:
        """Count the last ones, and tell of all that were not told of; what comes later is among them."""
        with self._lock:
            self._dropped += spans
        self.tell()
        self._told = float("inf")

    def add(self, spans: int) -> None:
        """Count, and tell if nothing was told for a minute."""
        with self._lock:
            self._dropped += spans
            due = time.monotonic() - self._told >= _TELL_EVERY
        if due:
            self.tell()

    def tell(self) -> None:
        """Tell of those of which nothing was told yet."""
        with self._lock:
            dropped, self._dropped, self._told = self._dropped, 0, time.monotonic()
        if dropped:
            self._log.warning("traces.dropped", spans=dropped)


class Exporter(SpanExporter):
    """Sends batches, and counts what the collector did not take.

    Args:
        inner: sends.
        dropping: counts.
    """

    def __init__(self, inner: SpanExporter, dropping: Dropping) -> None:
        self._inner, self._dropping = inner, dropping
        self.taken = self.settled = 0
        """Spans that were taken from the queue so far, and those of them of which it is known what became."""

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Send a batch; it is retried for some seconds, and then dropped."""
        self.taken += len(spans)
        result = self._inner.export(spans)
        self.settled += len(spans)
        if result is not SpanExportResult.SUCCESS:
            self._dropping.add(len(spans))
        return result

    def shutdown(self) -> None:
        """End the retries."""
        self._inner.shutdown()


class Queue(BatchSpanProcessor):
    """The queue before the exporter. It takes nothing more when it is full, and a stop waits a second for it.

    The one below drops its oldest, uncounted, and waits for half a minute.
    """

    def __init__(self, exporter: Exporter, dropping: Dropping) -> None:
        super().__init__(
            exporter,
            max_queue_size=QUEUE,
            schedule_delay_millis=_EVERY,
            max_export_batch_size=_BATCH,
            export_timeout_millis=_LIMIT * 1000,
        )
        self._exporter, self._dropping = exporter, dropping
        self._ended = 0

    def on_end(self, span: ReadableSpan) -> None:
        """Queue a span that has ended, if it is sampled and there is room."""
        if not (span.context and span.context.trace_flags.sampled):
            return
        if self._ended - self._exporter.taken >= QUEUE:
            self._dropping.add(1)
            return
        self._ended += 1
        super().on_end(span)

    def shutdown(self) -> None:
        """Send what is queued, for a second at most; the rest is dropped, with what has no answer yet."""
        ending = threading.Thread(target=super().shutdown, daemon=True)
        ending.start()
        ending.join(_LAST)
        self._dropping.close(self._ended - self._exporter.settled)


def provider_of(settings: TraceSettings, worker: str, log: Any) -> TracerProvider:  # noqa: ANN401 - structlog's
    """Return what samples and sends the spans of a worker."""
    # Our own line says what matters, with a count; theirs come at each try.
    logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)
    dropping = Dropping(log)
    authorities = settings.traces_ca or _machine_authorities()
    inner = OTLPSpanExporter(settings.traces_url, authorities, timeout=_LIMIT, session=_session())
    provider = TracerProvider(
        sampler=ParentBased(TraceIdRatioBased(settings.traces_ratio)),
        resource=Resource(
            {
                "service.namespace": "pin-online",
                "service.name": worker,
                "service.instance.id": f"{socket.gethostname()}-{os.getpid()}",
            }
        ),
        shutdown_on_exit=False,
    )
    provider.add_span_processor(Queue(Exporter(inner, dropping), dropping))
    return provider


def _session() -> requests.Session:
    """Return a session that takes no proxy and no log-in from the environment."""
    session = requests.Session()
    session.trust_env = False
    return session


def _machine_authorities() -> str | None:
    """Return where the machine keeps its authorities: the library would take a list of its own."""
    paths = ssl.get_default_verify_paths()
    return paths.cafile or paths.capath
