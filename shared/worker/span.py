"""One piece of work under way, as what handles messages and delivers sees it (`shared.worker.tracing`)."""

from typing import Protocol
from uuid import UUID


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
