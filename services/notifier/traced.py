"""The spans of deliveries, and of the requests to providers, where they are traced."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import replace

from services.notifier.outcome import Answer, Result
from services.notifier.outgoing import Outgoing
from shared.worker.reading import ReceivedMessage
from shared.worker.span import Span

SendOne = Callable[[Outgoing], Awaitable[Answer]]


def begun(received: ReceivedMessage) -> list[Span | None]:
    """Begin the span of each delivery of a bundle; what follows from a delivery will be its child."""
    deliveries = received.message.deliveries
    if not (handling := received.span):
        return [None] * len(deliveries)
    spans = [handling.delivery(one.id, one.attempt, one.traceparent) for one in deliveries]
    received.traces = {
        one.correlation_id: span.traceparent for one, span in zip(deliveries, spans, strict=True)
    }
    return [*spans]


def end(spans: Iterable[Span | None], results: Iterable[Result]) -> None:
    """End the spans of deliveries, each with why it failed."""
    for span, result in zip(spans, results, strict=True):
        if span:
            span.end(getattr(result, "reason", ""))


def abandon(spans: Iterable[Span | None]) -> None:
    """End the spans of deliveries whose outcome is not recorded: they come again."""
    for span in spans:
        if span:
            span.end("not_recorded")


def requesting(batch: Sequence[Outgoing], send_one: SendOne, provider: str) -> SendOne:
    """Return what sends each delivery of a batch to a provider: with a span for each, if they are traced."""
    if not any(one.span for one in batch):
        return send_one

    async def send(outgoing: Outgoing) -> Answer:
        if not outgoing.span:
            return await send_one(outgoing)
        span = outgoing.span.request(provider)
        try:
            answer = await send_one(replace(outgoing, span=span))
        except BaseException as error:
            span.end(type(error).__name__)
            raise
        span.end(getattr(answer, "reason", ""))
        return answer

    return send
