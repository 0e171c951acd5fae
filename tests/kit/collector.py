"""A collector of spans, as OpenTelemetry's own would take them: OTLP over HTTP, in protobuf."""

import contextlib
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.proto.trace.v1 import trace_pb2

from deploy.local.authority import Credential
from deploy.local.ports import HOST


@dataclass(frozen=True)
class Seen:
    """One span that arrived; `worker` sent it. Ids are in hex, the parent's perhaps empty."""

    worker: str
    name: str
    kind: str
    trace: str
    id: str
    parent: str
    attributes: dict[str, str | int]
    links: tuple[str, ...]
    error: bool
    seconds: float


@dataclass
class Collector:
    """What arrived, and how the next request is answered.

    Attributes:
        port: where it listens.
        spans: in the order in which they arrived.
        status: of its answers.
        asked: how many requests there were.
        hold: answers nothing while it is set.
        raw: the file that everything is appended to as it came.
        texted: the headers of requests to `/sms`, as it stands in for a gateway there.
    """

    port: int
    raw: Path | None = None
    scheme: str = "http"
    spans: list[Seen] = field(default_factory=list)
    status: int = 200
    asked: int = 0
    hold: threading.Event = field(default_factory=threading.Event)
    texted: list[dict[str, str]] = field(default_factory=list)

    @property
    def url(self) -> str:
        """Where spans are sent to."""
        return f"{self.scheme}://{HOST}:{self.port}/v1/traces"

    @property
    def sms_url(self) -> str:
        """Where an SMS is taken, and its headers are kept."""
        return f"{self.scheme}://{HOST}:{self.port}/sms"

    def take(self, body: bytes) -> None:
        """Take one request."""
        if self.raw:
            with self.raw.open("ab") as file:
                file.write(body)
        request = ExportTraceServiceRequest.FromString(body)
        for group in request.resource_spans:
            (worker,) = (
                one.value.string_value for one in group.resource.attributes if one.key == "service.name"
            )
            for scope in group.scope_spans:
                self.spans += [_seen(worker, span) for span in scope.spans]


def _seen(worker: str, span: trace_pb2.Span) -> Seen:
    return Seen(
        worker=worker,
        name=span.name,
        kind=trace_pb2.Span.SpanKind.Name(span.kind).removeprefix("SPAN_KIND_").lower(),
        trace=span.trace_id.hex(),
        id=span.span_id.hex(),
        parent=span.parent_span_id.hex(),
        attributes={one.key: _value(one.value) for one in span.attributes},
        links=tuple(link.span_id.hex() for link in span.links),
        error=span.status.code == trace_pb2.Status.STATUS_CODE_ERROR,
        seconds=(span.end_time_unix_nano - span.start_time_unix_nano) / 1e9,
    )


def _value(value: AnyValue) -> str | int:
    return value.int_value if value.HasField("int_value") else value.string_value


@contextlib.contextmanager
def collecting(raw: Path | None = None, own: Credential | None = None) -> Iterator[Collector]:
    """Run a collector until the block ends; with a certificate by HTTPS."""
    state = Collector(0, raw, "https" if own else "http")

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            state.asked += 1
            while state.hold.is_set():
                threading.Event().wait(0.05)
            answer = ExportTraceServiceResponse().SerializeToString()
            if self.path == "/sms":
                state.texted.append(dict(self.headers))
                answer = b'{"id": "1"}'
            elif state.status == 200:
                state.take(body)
            self.send_response(200 if self.path == "/sms" else state.status)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            with contextlib.suppress(OSError):  # who asked gave up meanwhile
                self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer((HOST, 0), Handler)
    if own:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(own.cert, own.key)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    state.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield state
    finally:
        state.hold.clear()
        server.shutdown()
        server.server_close()
