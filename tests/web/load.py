"""`python -m tests.web.load [--rate 100] [--seconds 60]`: citizens ask for a PIN by the portal's pages.

A stack of its own with all workers and one process of the portal. Each citizen opens the home page and the
request, fills in both steps, looks at the summary and confirms: six pages. Citizens come at an even rate,
however long the pages take, so that slow pages are not hidden by fewer of them. At the end every request
that a page confirmed must have reached its citizen, by SMS and by letter.
"""

import argparse
import asyncio
import os
import platform
import ssl
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import httpx

from deploy.local.captured import Captured
from deploy.local.citizens import citizens
from deploy.local.inbox import Body
from deploy.local.stack import Stack
from deploy.local.web_pages import WebPages
from tests.kit.servers import private_stack
from tests.kit.waiting import until
from tests.web.kit.papers import request_of
from tests.web.kit.visitor import Seen, on_the_net

PAGES = 6
"""That each citizen opens."""
_ARRIVES = 120.0
"""Seconds in which the last SMS and letter have come."""
_CONNECTIONS = httpx.Limits(max_connections=None, max_keepalive_connections=64)

_NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""One for all: to make one for each citizen, who speaks plain HTTP, would take longer than the visit."""


@dataclass
class Run:
    """What came of it.

    Attributes:
        seconds: that each page took, by its name.
        confirmed: who saw the page of figure 6.
        faults: what went wrong, and how often.
    """

    seconds: dict[str, list[float]] = field(default_factory=dict)
    confirmed: list[Body] = field(default_factory=list)
    faults: Counter[str] = field(default_factory=Counter)

    def took(self, name: str, seconds: float) -> None:
        """Note how long a page took."""
        self.seconds.setdefault(name, []).append(seconds)


async def visit(address: str, body: Body, run: Run) -> None:
    """Be one citizen, in a browser of their own."""
    first, second = request_of(body)
    async with on_the_net(address, limits=_CONNECTIONS, verify=_NO_TLS) as visitor:

        async def timed(name: str, step: object) -> Seen:
            began = time.perf_counter()
            page: Seen = await step  # type: ignore[misc]
            run.took(name, time.perf_counter() - began)
            if page.status >= 300:
                run.faults[f"{name}: {page.status}"] += 1
            return page

        try:
            await timed("home", visitor.open("/"))
            page = await timed("figure 4", visitor.open("/request"))
            page = await timed("figure 5", visitor.send(page, "/request/data", first))
            page = await timed("summary", visitor.send(page, "/request/summary", second))
            await timed("back", visitor.send(page, "/request/data"))
            page = await timed("figure 6", visitor.send(page, "/request/confirm"))
            while page.status in {202, 503}:
                page = await timed("asked again", visitor.send(page, "/waiting"))
        except (AssertionError, httpx.HTTPError) as fault:
            run.faults[type(fault).__name__] += 1
            return
    if page.status == 200:
        run.confirmed.append(body)


async def come(address: str, rate: float, seconds: float, run: Run) -> float:
    """Let citizens come at an even rate; return the pages that were served a second."""
    number = int(rate * seconds / PAGES)
    people = [body for _, body in citizens(number, seed=313)]
    began = time.perf_counter()
    async with asyncio.TaskGroup() as visits:
        for at, body in enumerate(people):
            await asyncio.sleep(max(0.0, began + at * PAGES / rate - time.perf_counter()))
            visits.create_task(visit(address, body, run))
    return sum(map(len, run.seconds.values())) / (time.perf_counter() - began)


async def lost(stack: Stack, run: Run) -> list[str]:
    """Return the citizens whose confirmed request has not reached them."""
    captured = Captured(stack.state)

    def missing() -> list[str]:
        reached = {copy.to for copy in captured.all()}
        return [
            str(body["codice_fiscale"])
            for body in run.confirmed
            if not reached & {str(contact) for contact in body["contacts"].values()}
        ]

    try:
        await until(lambda: not missing(), "all messages", limit=_ARRIVES, every=1)
        await until(
            lambda: len(captured.letters()) >= len(run.confirmed), "all letters", limit=_ARRIVES, every=1
        )
    except AssertionError as late:
        run.faults[str(late)] += 1
    return missing()


def percentile(values: Sequence[float], part: float) -> float:
    """Return the value below which a part of the values lie."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))]


def report(run: Run, served: float, gone: list[str]) -> str:
    """Return the figures as a table."""
    lines = ["| page | n | p50 | p99 | max |", "|---|---|---|---|---|"]
    every = [second for seconds in run.seconds.values() for second in seconds]
    for name, seconds in {**run.seconds, "all": every}.items():
        figures = (percentile(seconds, 0.5), percentile(seconds, 0.99), max(seconds))
        lines.append(
            f"| {name} | {len(seconds)} | " + " | ".join(f"{one * 1000:.0f} ms" for one in figures) + " |"
        )
    lines.append(f"\n{served:.1f} pages a second; {len(run.confirmed)} requests confirmed, {len(gone)} lost")
    lines += [f"{number} x {fault}" for fault, number in run.faults.most_common()]
    lines.append(f"{os.cpu_count()} cores, Python {platform.python_version()}")
    return "\n".join(lines)


def main(argv: Sequence[str]) -> int:
    """Run it; return 0 if nothing was lost, and nothing went wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.web.load", description=__doc__)
    parser.add_argument("--rate", type=float, default=100, help="pages a second (100)")
    parser.add_argument("--seconds", type=float, default=60, help="for so long (60)")
    words = parser.parse_args(argv)
    run = Run()
    with private_stack() as stack:
        pages = stack.pages = WebPages(stack.state, stack.ports)
        try:
            stack.start_workers()
            pages.spawn(stack.env)
            pages.wait_ready()
            address = pages.addresses["PIN_WEB_PORTAL_URL"]
            asyncio.run(come(address, PAGES, 2, Run()))  # templates are compiled when first shown
            served = asyncio.run(come(address, words.rate, words.seconds, run))
            gone = asyncio.run(lost(stack, run))
        finally:
            pages.stop()
    sys.stdout.write(report(run, served, gone) + "\n")
    return 1 if gone or run.faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
