"""What is recorded of messages and deliveries, and what becomes of it when nobody takes it."""

import re
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from uuid import uuid4

import pytest
import structlog
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from structlog.testing import capture_logs

from deploy.local.processes import CHECKOUT
from shared.errors import SettingsError
from shared.worker.batch import MessageResult
from shared.worker.reading import ReceivedMessage, Rejected
from shared.worker.settings import WorkerSettings
from shared.worker.tracing.export import QUEUE, Dropping, Exporter, Queue
from shared.worker.tracing.settings import TraceSettings
from shared.worker.tracing.spans import Spans, WorkSpan
from tests.unit.worker.test_intake import GOOD, taken

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
"""Those of the specification's example."""
HEADER = f"00-{TRACE}-{PARENT}-01"
ALLOWED = {
    "messaging.system",
    "messaging.operation.name",
    "messaging.operation.type",
    "messaging.destination.name",
    "messaging.rabbitmq.destination.routing_key",
    "messaging.message.id",
    "messaging.message.conversation_id",
    "messaging.message.body.size",
    "pin.message.type",
    "pin.attempt",
    "pin.outcome",
    "pin.code",
    "pin.delivery.id",
    "peer.service",
    "error.type",
}


@pytest.fixture
def exported() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def spans(exported: InMemorySpanExporter) -> Spans:
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exported))
    return Spans(provider, "issuer.requests")


def message(traceparent: str = HEADER, correlation_id: str = "") -> ReceivedMessage:
    read = taken()
    assert isinstance(read, ReceivedMessage)
    read.arrived = replace(read.arrived, traceparent=traceparent)
    read.correlation_id = correlation_id or read.correlation_id
    return read


def result(received: ReceivedMessage, outcome: str = "accepted", code: str = "") -> MessageResult:
    return MessageResult(received, outcome, code)


async def test_a_message_is_a_span_below_the_one_that_came_with_it(
    spans: Spans, exported: InMemorySpanExporter
) -> None:
    received = message()
    spans.begin([received])
    assert isinstance(received.span, WorkSpan)
    assert received.traceparent() == f"00-{TRACE}-{received.traceparent()[36:52]}-01"
    assert received.traceparent()[36:52] != PARENT
    spans.end([result(received)], [])
    (span,) = exported.get_finished_spans()
    assert span.parent is not None
    assert f"{span.parent.span_id:016x}" == PARENT
    assert span.name == "process issuer.requests"


async def test_what_is_not_traced_carries_on_what_it_came_with() -> None:
    assert message().traceparent() == HEADER
    assert message("").traceparent() == ""


@pytest.mark.parametrize("header", ["", "x" * 130, "00-" + "0" * 32 + "-" + PARENT + "-01", "00-1-2-01"])
async def test_a_header_that_is_missing_or_malformed_begins_a_trace(
    spans: Spans, exported: InMemorySpanExporter, header: str
) -> None:
    spans.begin([received := message(header)])
    spans.end([result(received)], [])
    (span,) = exported.get_finished_spans()
    assert span.parent is None
    assert int(received.traceparent()[-2:], 16) & 1, "sampled"


async def test_what_is_not_sampled_is_recorded_nowhere_and_tells_the_next_worker_so(
    spans: Spans, exported: InMemorySpanExporter
) -> None:
    spans.begin([received := message(f"00-{TRACE}-{PARENT}-00")])
    assert received.span
    received.span.delivery(uuid4(), 1, "").request("sms").end()
    spans.end([result(received)], [])
    assert exported.get_finished_spans() == ()
    assert received.traceparent().startswith(f"00-{TRACE}-")
    assert received.traceparent().endswith("-00")


async def test_only_what_is_on_the_list_is_said(spans: Spans, exported: InMemorySpanExporter) -> None:
    code = "RSSMRA80A01H501U"
    spans.begin([received := message(correlation_id=code)])
    assert received.span
    received.span.delivery(uuid4(), 1, "").request("sms").end("sms_500")
    astray = replace(GOOD, type=code, message_id=code, user_id=code, routing_key=code, correlation_id=code)
    spans.end([result(received, "parked", "account_unreadable")], [Rejected(astray, "unknown_type")])
    finished = exported.get_finished_spans()
    assert len(finished) == 3
    said = {name for span in finished for name in span.attributes or {}}
    assert said <= ALLOWED
    assert code not in "".join(span.to_json() for span in finished)
    assert [span.status.is_ok for span in finished] == [False] * 3
    page = (CHECKOUT / "docs/operations.md").read_text(encoding="utf-8")
    assert {name for name in ALLOWED if f"`{name}`" not in page} == set()


async def test_the_spans_of_a_lost_server_end_and_say_so(
    spans: Spans, exported: InMemorySpanExporter
) -> None:
    spans.begin([message(), message()])
    spans.abandon()
    assert [(span.attributes or {})["error.type"] for span in exported.get_finished_spans()] == [
        "server_lost",
        "server_lost",
    ]


class Slow(SpanExporter):
    """Takes nothing until it is let."""

    def __init__(self) -> None:
        self.asked = threading.Event()
        self.may = threading.Event()

    def export(self, _: Sequence[ReadableSpan]) -> SpanExportResult:
        """Wait, and fail."""
        self.asked.set()
        self.may.wait(20)
        return SpanExportResult.FAILURE

    def shutdown(self) -> None:
        """It goes on waiting."""


def test_what_a_slow_collector_does_not_take_is_dropped_and_counted_in_one_line() -> None:
    slow = Slow()
    with capture_logs() as lines:
        dropping = Dropping(structlog.get_logger())
        queue = Queue(Exporter(slow, dropping), dropping)
        provider = TracerProvider(shutdown_on_exit=False)
        provider.add_span_processor(queue)
        tracer = provider.get_tracer("test")
        tracer.start_span("first").end()
        queue_full = QUEUE + 100
        assert slow.asked.wait(10)
        for _ in range(queue_full):
            tracer.start_span("more").end()
        began = time.monotonic()
        provider.shutdown()
        assert time.monotonic() - began < 5
        slow.may.set()
    said = [line["spans"] for line in lines if line["event"] == "traces.dropped"]
    assert sum(said) == queue_full + 1
    assert len(said) == 2


@pytest.mark.parametrize("main", ["issuer", "notifier", "revoker", "dispositivo"])
def test_a_worker_without_traces_loads_nothing_for_them(main: str) -> None:
    program = f"""
import sys
import services.{main}.__main__
from shared.worker.tracing.opening import open_tracing
from shared.worker.tracing.settings import TraceSettings
assert open_tracing(TraceSettings(), "issuer", "issuer.requests", None) is None
print(*sys.modules)
"""
    argv = [sys.executable, "-c", program]
    loaded = subprocess.run(argv, cwd=CHECKOUT, check=True, capture_output=True, text=True).stdout.split()
    assert not [name for name in loaded if name.split(".")[0] in {"opentelemetry", "google", "requests"}]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"PIN_TRACES_URL": "http://collector:4318/v1/traces"}, "http:// to collector shows which messages"),
        ({"PIN_TRACES_URL": "collector:4317"}, "PIN_TRACES_URL: Value error, has to be such as"),
        ({"PIN_TRACES_URL": "https://[collector"}, "PIN_TRACES_URL"),
        ({"PIN_TRACES_URL": "https://collector:port/v1/traces"}, "PIN_TRACES_URL"),
        (
            {"PIN_TRACES_URL": "https://c/v1/traces", "PIN_TRACES_CA": "/nowhere"},
            "PIN_TRACES_CA: No such file",
        ),
        ({"PIN_TRACES_RATIO": "1.5"}, "PIN_TRACES_RATIO"),
    ],
)
def test_a_collector_is_asked_by_tls_and_by_settings_that_are_right(given: dict[str, str], said: str) -> None:
    with pytest.raises(SettingsError, match=re.escape(said)):
        TraceSettings.load(given)
    assert issubclass(WorkerSettings, TraceSettings)


@pytest.mark.parametrize("given", ["http://127.0.0.1:4318/v1/traces", "https://collector/v1/traces", ""])
def test_a_collector_on_this_machine_or_by_tls_is_allowed(given: str) -> None:
    assert TraceSettings.load({"PIN_TRACES_URL": given}).traces_url == given
