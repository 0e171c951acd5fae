"""The spans of a worker, by OpenTelemetry's semantic conventions for messaging.

What they say is a closed list: ids that we or the contract made, and words of our own. Nothing that a sender
chose freely is on it, so that no personal data can be: a correlation id is said only where it is a UUID.
"""

import asyncio
import time
from collections.abc import Mapping, Sequence
from uuid import UUID

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import Link, SpanKind, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from shared.broker.message import Arrived
from shared.contract import topology
from shared.worker.batch import MessageResult
from shared.worker.reading import ReceivedMessage, Rejected

_NANOSECONDS = 1_000_000_000
_PROPAGATOR = TraceContextTextMapPropagator()
LOST = "server_lost"
"""What ended a span whose message is delivered again."""


class WorkSpan:
    """One span, see `shared.worker.span.Span`."""

    __slots__ = ("_span", "_tracer")

    def __init__(self, span: trace.Span, tracer: trace.Tracer) -> None:
        self._span, self._tracer = span, tracer

    @property
    def trace_id(self) -> str:
        """The id of its trace, hex."""
        return f"{self._span.get_span_context().trace_id:032x}"

    @property
    def traceparent(self) -> str:
        """What makes others its children (W3C Trace Context)."""
        own = self._span.get_span_context()
        return f"00-{own.trace_id:032x}-{own.span_id:016x}-{int(own.trace_flags):02x}"

    def delivery(self, id_: UUID, attempt: int, traceparent: str) -> "WorkSpan":
        """Begin a try of a delivery."""
        here = self._span.get_span_context()
        cause = _context(traceparent)
        caused = trace.get_current_span(cause).get_span_context() if cause else here
        # A bundle has deliveries of several traces: its own span is in that of the first.
        elsewhere = caused.trace_id != here.trace_id
        attributes: dict[str, str | int] = {"pin.delivery.id": str(id_), "pin.attempt": attempt}
        if elsewhere:
            return self._begin("deliver", cause, attributes, [Link(here)])
        return self._begin("deliver", None, attributes, [])

    def request(self, provider: str) -> "WorkSpan":
        """Begin one request to a provider."""
        return self._begin(f"send {provider}", None, {"peer.service": provider}, [], SpanKind.CLIENT)

    def end(self, error: str = "") -> None:
        """End it."""
        if error:
            self.add({"error.type": error})
            self._span.set_status(StatusCode.ERROR)
        self._span.end()

    def add(self, attributes: Mapping[str, str | int]) -> None:
        """Add what is known only at its end."""
        self._span.set_attributes(attributes)

    def _begin(
        self,
        name: str,
        parent: Context | None,
        attributes: Mapping[str, str | int],
        links: Sequence[Link],
        kind: SpanKind = SpanKind.INTERNAL,
    ) -> "WorkSpan":
        context = parent or trace.set_span_in_context(self._span, Context())
        span = self._tracer.start_span(name, context, kind, attributes, links)
        return WorkSpan(span, self._tracer)


class Spans:
    """The spans of one worker, see `shared.worker.tracing.opening.Tracing`.

    Args:
        provider: samples and sends them.
        queue: where the messages come from.
    """

    def __init__(self, provider: TracerProvider, queue: str) -> None:
        self._provider, self._queue = provider, queue
        self._tracer = provider.get_tracer("pin-online")
        self._open: set[WorkSpan] = set()

    def begin(self, received: Sequence[ReceivedMessage]) -> None:
        """Begin the span of each message."""
        loop_now, now = asyncio.get_running_loop().time(), time.time_ns()
        for one in received:
            span = self._span(one.arrived, now - int((loop_now - one.arrived.arrived_at) * _NANOSECONDS))
            span.add(_known(one))
            self._open.add(span)
            one.span = span

    def end(self, handled: Sequence[MessageResult], unreadable: Sequence[Rejected]) -> None:
        """End the spans of messages that were acknowledged."""
        for result in handled:
            if isinstance(span := result.received.span, WorkSpan):
                self._open.discard(span)
                span.add(
                    {"pin.outcome": result.outcome, **({"pin.code": result.code} if result.code else {})}
                )
                span.end(result.code if result.outcome == "parked" else "")
        for rejected in unreadable:
            span = self._span(rejected.arrived)
            span.add({"pin.outcome": "parked"})
            span.end(rejected.reason)

    def abandon(self) -> None:
        """End the spans of messages that will be delivered again."""
        while self._open:
            self._open.pop().end(LOST)

    def close(self) -> None:
        """Send what has ended, for a second at most."""
        self.abandon()
        self._provider.shutdown()

    def _span(self, arrived: Arrived, start: int | None = None) -> WorkSpan:
        span = self._tracer.start_span(
            f"process {self._queue}",
            _context(arrived.traceparent) or Context(),
            SpanKind.CONSUMER,
            {
                "messaging.system": "rabbitmq",
                "messaging.operation.name": "process",
                "messaging.operation.type": "process",
                "messaging.destination.name": self._queue,
                "pin.attempt": arrived.deliveries + 1,
            },
            start_time=start,
        )
        return WorkSpan(span, self._tracer)


def _known(received: ReceivedMessage) -> dict[str, str | int]:
    """Return what is said of a message that was read: its type and its way are of the contract then."""
    arrived = received.arrived
    known: dict[str, str | int] = {
        "messaging.message.id": str(received.id),
        "messaging.message.body.size": len(arrived.body),
        "pin.message.type": arrived.type,
    }
    if arrived.exchange and arrived.exchange != topology.RECEIVED:  # of that one nobody checks the key
        known["messaging.rabbitmq.destination.routing_key"] = arrived.routing_key
    if conversation := _uuid(received.correlation_id):
        known["messaging.message.conversation_id"] = conversation
    return known


def _uuid(text: str) -> str:
    try:
        return str(UUID(text))
    except ValueError:
        return ""


def _context(traceparent: str) -> Context | None:
    """Return the context that a `traceparent` names; None for none, or one that is malformed."""
    if not traceparent:
        return None
    found = _PROPAGATOR.extract({"traceparent": traceparent}, Context())
    return found if trace.get_current_span(found).get_span_context().is_valid else None
