"""Latency from publishing a request to its first half at the SMS gateway, under a steady load."""

import asyncio
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Iterable
from datetime import datetime

import orjson

from deploy.local.stack import Stack
from deploy.local.workers import WORKERS
from shared.broker.message import Message
from shared.broker.session import Session
from tests.bench import report
from tests.bench.counting import Books, reach
from tests.bench.figures import percentile, verdict
from tests.bench.measure import Told
from tests.bench.requests import Applicants
from tests.bench.run_monitor import DELIVERIES

_TARGET = 1.0
_LIMIT = 60.0
_WARM_UP = 2.0


def options(parser: ArgumentParser) -> None:
    """Add the options of this measure."""
    parser.add_argument("--steady-rate", type=int, default=100, help="requests a second")
    parser.add_argument("--steady-seconds", type=float, default=30.0)


async def measure(stack: Stack, options: Namespace) -> Told:
    """Publish at a steady rate through all workers, and read the arrival time of each SMS at the gateway."""
    rate, seconds = options.steady_rate, options.steady_seconds
    number = round(rate * (_WARM_UP + seconds))
    stack.use_new_database("latency")
    stack.fake_providers.forget()
    stack.fake_providers.misbehave(sms={})
    try:
        stack.start_workers()
        async with Books(stack) as books:
            delivered = await books.sent()
            published = await _publish(stack, list(Applicants(seed=4).take(number)), rate)
            await reach(DELIVERIES * number, delivered, "latency")
        waited = _waits(published, stack.fake_providers.sms())[round(rate * _WARM_UP) :]
    finally:
        stack.stop_workers()
        stack.drop_database()
        stack.fake_providers.forget()
        stack.fake_providers.misbehave(sms={"mode": "discard"})
    return _told(waited, rate, seconds)


async def _publish(stack: Stack, requests: list[Message], rate: int) -> dict[str, float]:
    """Publish each at its time; return the publishing times by mobile number, in seconds since 1970."""
    session = await Session.open(stack.rabbitmq.url("portal"), "bench")
    published, confirmations, began = {}, [], time.perf_counter()
    try:
        for index, request in enumerate(requests):
            await asyncio.sleep(began + index / rate - time.perf_counter())
            published[orjson.loads(request.body)["contacts"]["mobile"]] = time.time()
            confirmations.append(asyncio.ensure_future(session.publish([request], _LIMIT)))
        await asyncio.gather(*confirmations)
    finally:
        await session.close()
    return published


def _waits(published: dict[str, float], sms: Iterable[dict[str, str]]) -> list[float]:
    """Return the seconds from publishing to the first SMS, in the order of publishing."""
    arrived: dict[str, float] = {}
    for message in sms:
        arrived.setdefault(message["to"], datetime.fromisoformat(message["at"]).timestamp())
    return [arrived[mobile] - at for mobile, at in published.items()]


def _told(waited: list[float], rate: int, seconds: float) -> Told:
    values = {
        "requests_a_second": rate,
        "seconds": seconds,
        "p50": percentile(waited, 0.50),
        "p99": percentile(waited, 0.99),
        "max": max(waited),
    }
    waited_for = {name: values[name] for name in ("p50", "p99", "max")}
    return Told(
        f"First half at the SMS gateway, {rate} requests/s for {seconds:g} s, {len(WORKERS)} workers",
        [
            f"seconds from publishing: {report.parts(waited_for, 3)}",
            f"p99 {verdict(values['p99'], _TARGET, at_least=False)}",
        ],
        values,
    )
