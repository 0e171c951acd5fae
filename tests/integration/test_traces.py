"""Traces on the real stack: from a portal's command to the SMS in one, whatever happens on the way."""

import json
import secrets
import signal
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from deploy.local.citizens import citizens
from deploy.local.stack import Stack
from tests.adversity.marked_citizens import people, personal
from tests.kit.clients import portal
from tests.kit.collector import Collector, Seen, collecting
from tests.kit.logs import WorkerLog
from tests.kit.servers import fresh_ledger
from tests.kit.waiting import until

MOBILE = [body for _, body in citizens(40, 5, kinds=("plain",)) if "mobile" in body["contacts"]]
SMS_WAY = ("issuer", "notifier-sms")
PROCESS = "issuer-requests process issuer.requests"
BUNDLE = "notifier-sms process notifier.sms"
DELIVER = "notifier-sms deliver"
SEND = "notifier-sms send sms"


@pytest.fixture
def collector() -> Iterator[Collector]:
    with collecting() as collector:
        yield collector


@pytest.fixture
async def stack(servers: Stack, collector: Collector) -> AsyncIterator[Stack]:
    settings = {
        "PIN_TRACES_URL": collector.url,
        "PIN_LINGER": "PT0.2S",
        "PIN_RELAY_INTERVAL": "PT0.1S",
        "PIN_RETRY_BASE": "PT0S",
        "PIN_BREAKER_BASE": "PT0.1S",
        "PIN_BREAKER_CAP": "PT0.1S",
    }
    async with fresh_ledger(servers, "ledger_traces", settings) as stack:
        yield stack


class Trace:
    """A portal's span, and those that follow from it."""

    def __init__(self, collector: Collector, flags: str = "01") -> None:
        self._collector = collector
        self.id, self.span = secrets.token_hex(16), secrets.token_hex(8)
        self.header = f"00-{self.id}-{self.span}-{flags}"

    @property
    def spans(self) -> list[Seen]:
        """Those that arrived."""
        return [one for one in self._collector.spans if one.trace == self.id]

    async def having(self, *names: str) -> dict[str, Seen]:
        """Wait for spans, and return all by `<worker> <name>`, the latest of each."""

        def found() -> dict[str, Seen] | None:
            by_name = {f"{one.worker} {one.name}": one for one in self.spans}
            return by_name if by_name.keys() >= set(names) else None

        return dict(await until(found, f"the spans {names}, of {[one.name for one in self.spans]}"))


async def asked(stack: Stack, *traces: Trace, bodies: list[dict[str, Any]] = MOBILE) -> None:
    """Ask for a PIN for as many citizens as there are traces."""
    async with portal(stack) as one:
        for trace, body in zip(traces, bodies, strict=False):
            await one.publish("pin.request", body, headers={"traceparent": trace.header})


async def test_a_command_and_its_sms_are_in_one_trace_and_the_gateway_may_join_it(
    stack: Stack, collector: Collector
) -> None:
    stack.settings |= {"PIN_SMS_URL": collector.sms_url, "PIN_SMS_TRACEPARENT": "true"}
    stack.start_workers((*SMS_WAY, "notifier-email", "notifier-pec", "notifier-post"))
    trace, log = Trace(collector), WorkerLog(stack, "notifier-sms")
    await asked(stack, trace)
    post = "notifier-post process notifier.post"
    spans = await trace.having(PROCESS, BUNDLE, DELIVER, SEND, post, "notifier-post deliver")
    assert spans[PROCESS].parent == trace.span
    assert spans[BUNDLE].parent == spans[post].parent == spans[PROCESS].id
    assert spans[DELIVER].parent == spans[BUNDLE].id
    assert spans[SEND].parent == spans[DELIVER].id
    assert {spans[PROCESS].kind, spans[BUNDLE].kind, spans[SEND].kind} == {"consumer", "client"}
    (headers,) = await until(lambda: collector.texted)
    assert headers["traceparent"] == f"00-{trace.id}-{spans[SEND].id}-01"
    said = spans[PROCESS].attributes
    assert said["messaging.system"] == "rabbitmq"
    assert said["messaging.destination.name"] == "issuer.requests"
    assert said["messaging.rabbitmq.destination.routing_key"] == said["pin.message.type"] == "pin.request"
    assert said["pin.outcome"] == "accepted"
    assert not any(one.error for one in trace.spans)
    assert all(0 <= one.seconds < 30 for one in trace.spans)
    assert trace.id in {line.get("trace_id") for line in log.lines("message.handled")}


async def test_a_gateway_is_told_nothing_unless_a_setting_says_so(stack: Stack, collector: Collector) -> None:
    stack.settings["PIN_SMS_URL"] = collector.sms_url
    stack.start_workers(SMS_WAY)
    await asked(stack, trace := Trace(collector))
    await trace.having(SEND)
    assert [headers.get("traceparent") for headers in collector.texted] == [None]


async def test_each_message_of_a_batch_keeps_its_trace_and_what_is_not_sampled_sends_nothing(
    stack: Stack, collector: Collector
) -> None:
    first, second, unsampled = Trace(collector), Trace(collector), Trace(collector, "00")
    await asked(stack, first, unsampled, second)
    stack.start_workers(SMS_WAY)
    spans = await first.having(BUNDLE, DELIVER, SEND)
    others = await second.having(PROCESS, DELIVER, SEND)
    assert others[PROCESS].parent == second.span
    # They were decided in one batch and sent in one bundle: its span is in the first one's trace.
    assert BUNDLE not in others
    assert others[DELIVER].parent == others[PROCESS].id
    assert others[DELIVER].links == (spans[BUNDLE].id,)
    assert others[SEND].parent == others[DELIVER].id
    await until(lambda: len(stack.fake_providers.sms()) == 3)
    assert unsampled.spans == []


async def test_a_retry_and_what_a_crash_left_to_the_relay_are_in_the_same_trace(
    stack: Stack, collector: Collector
) -> None:
    stack.settings["PIN_OUTBOX_LEASE"] = "PT1S"
    stack.fake_providers.misbehave(sms={"mode": "status", "status": 500, "times": 1})
    crash = stack.state / "crash-issuer"
    (issuer,) = stack.start_worker("issuer", env={"PIN_CRASH_FILE": str(crash)})
    crash.write_text("committed")
    stack.start_workers(["notifier-sms"])
    await asked(stack, trace := Trace(collector))
    await until(lambda: not issuer.alive(), "the crash")
    stack.start_worker("issuer")
    await until(lambda: len(stack.fake_providers.sms()) == 1, "the SMS")
    await until(lambda: len([one for one in trace.spans if one.name == "send sms"]) == 2)
    failed, sent = (one for one in trace.spans if one.name == "deliver")
    assert (failed.error, failed.attributes["error.type"]) == (True, "sms_500")
    assert (sent.error, sent.attributes["pin.attempt"]) == (False, 2)
    # Both tries are of the decision, whose span died with the process.
    assert failed.parent != sent.parent or failed.parent not in {one.id for one in trace.spans}


async def test_without_a_setting_nothing_is_sent_and_the_header_is_passed_on(
    stack: Stack, collector: Collector
) -> None:
    stack.settings["PIN_TRACES_URL"] = ""
    stack.start_workers(SMS_WAY)
    await asked(stack, Trace(collector))
    await until(stack.fake_providers.sms, "the SMS")
    stack.stop_workers()
    assert collector.asked == 0


@pytest.mark.parametrize("fault", ["gone", "silent", "refuses"])
async def test_a_collector_that_fails_holds_up_neither_an_sms_nor_the_end(
    stack: Stack, collector: Collector, fault: str
) -> None:
    collector.status = 400
    if fault == "silent":
        collector.hold.set()
    if fault == "gone":
        stack.settings["PIN_TRACES_URL"] = "http://127.0.0.1:9/v1/traces"
    path = stack.state / "log/notifier-sms.log"
    before = path.stat().st_size if path.exists() else 0
    stack.start_workers(SMS_WAY)
    await asked(stack, *(Trace(collector) for _ in range(5)))
    await until(lambda: len(stack.fake_providers.sms()) == 5, "the SMS")
    if fault != "gone":
        await until(lambda: collector.asked)
    process = stack.workers["notifier-sms"]
    began = time.monotonic()
    process.send(signal.SIGTERM)
    await until(lambda: not process.alive(), "the end")
    assert time.monotonic() - began < 8  # a second by itself, on a machine that has nothing else to do
    lines = [json.loads(line) for line in path.read_bytes()[before:].splitlines()]
    dropped = [line["spans"] for line in lines if line["event"] == "traces.dropped"]
    assert sum(dropped) >= 11  # a bundle at least, and five deliveries with five requests
    assert len(dropped) <= 2
    assert not [line for line in lines if line["event"] == "library.log"]


async def test_what_is_exported_says_nothing_about_the_citizen(stack: Stack, collector: Collector) -> None:
    """The lives in `tests/adversity/test_canary.py` are searched for, too: in all forms."""
    bodies = [body for kind, body in people(60, 3) if kind == "plain" and "mobile" in body["contacts"]][:3]
    stack.fake_providers.misbehave(sms={"mode": "status", "status": 500, "times": 1})
    stack.start_workers(SMS_WAY)
    traces = [Trace(collector) for _ in bodies]
    async with portal(stack) as one:
        for trace, body in zip(traces, bodies, strict=True):
            code = body["codice_fiscale"]
            headers = {"traceparent": trace.header, "tracestate": f"a={code}"}
            await one.publish("pin.request", body, headers=headers, correlation_id=code)
            await one.publish("pin.request", body, key="pin.request", headers=headers, reply_to=code)
            # Unreadable messages, whose properties nobody has checked.
            for fault in ({"message_id": code}, {"type": code}, {"user_id": None}):
                await one.publish("pin.request", body, key="pin.request", headers=headers, **fault)
        await one.publish("pin.request", {"codice_fiscale": code, code: code}, headers=headers)
    for trace in traces:
        await trace.having(PROCESS, DELIVER, SEND)
    await until(lambda: len(collector.spans) > 20)
    shown = repr(collector.spans)
    for body in bodies:
        assert not [datum for datum in personal(body) if datum.lower() in shown.lower()]
    assert not [sms for sms in stack.fake_providers.sms() if sms["text"][:20] in shown or sms["to"] in shown]
