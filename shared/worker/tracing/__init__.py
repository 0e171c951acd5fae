"""Traces: a span for each message handled and each delivery tried, where `PIN_TRACES_URL` is set.

Without it a worker loads nothing of OpenTelemetry, and messages carry on the `traceparent` that they came
with. With it, what a message leads to carries the span that handled it.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol
from uuid import UUID

from shared.worker.tracing.settings import TraceSettings

if TYPE_CHECKING:
    from shared.worker.batch import MessageResult
    from shared.worker.reading import ReceivedMessage, Rejected


class Span(Protocol):
    """One piece of work under way; it may be one that is not sampled, which nobody will see."""

    @property
    def trace_id(self) -> str:
        """The id of its trace, hex."""

    @property
    def traceparent(self) -> str:
        """What makes others its children (W3C Trace Context)."""

    def delivery(self, id_: UUID, attempt: int, traceparent: str) -> "Span":
        """Begin a try of a delivery of this message: in the trace that caused it, with a link to here.

        Args:
            id_: of the delivery.
            attempt: number of this try, from 1.
            traceparent: what the delivery carries; without one it is a child of this span.
        """

    def request(self, provider: str) -> "Span":
        """Begin one request to a provider, by its name in the settings."""

    def end(self, error: str = "") -> None:
        """End it; `error` is a stable word for what failed, never a text from outside."""


class Tracing(Protocol):
    """The spans of one worker. Nothing here waits for the collector, or fails."""

    def begin(self, received: "Sequence[ReceivedMessage]") -> None:
        """Begin the span of each message, from the moment at which it arrived."""

    def end(self, handled: "Sequence[MessageResult]", unreadable: "Sequence[Rejected]") -> None:
        """End the spans of messages that were acknowledged, each with its outcome."""

    def abandon(self) -> None:
        """End the spans of messages that will be delivered again, as a server was lost."""

    def close(self) -> None:
        """Send what has ended, for a second at most."""


def open_tracing(settings: TraceSettings, worker: str, queue: str, log: Any) -> Tracing | None:  # noqa: ANN401 - structlog's
    """Return what records the spans of a worker; None where they go nowhere.

    Args:
        settings: where they go.
        worker: its name in logs.
        queue: where its messages come from.
        log: of the worker.
    """
    if not settings.traces_url:
        return None
    # Imported late: it costs 10 MB, which nobody pays who has no traces.
    from shared.worker.tracing.export import provider_of  # noqa: PLC0415
    from shared.worker.tracing.spans import Spans  # noqa: PLC0415

    return Spans(provider_of(settings, worker, log), queue)
