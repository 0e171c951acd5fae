"""What records the spans of one worker, if anything does."""

from collections.abc import Sequence
from typing import Any, Protocol

from shared.worker.batch import MessageResult
from shared.worker.reading import ReceivedMessage, Rejected
from shared.worker.tracing.settings import TraceSettings


class Tracing(Protocol):
    """The spans of one worker. Nothing here waits for the collector, or fails."""

    def begin(self, received: Sequence[ReceivedMessage]) -> None:
        """Begin the span of each message, from the moment at which it arrived."""

    def end(self, handled: Sequence[MessageResult], unreadable: Sequence[Rejected]) -> None:
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
