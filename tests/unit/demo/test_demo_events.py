"""An event wakes its waiters."""

import asyncio
from uuid import uuid4

from deploy.demo.events import Event, Events


def event(type_: str, subject: str = "00ff", correlation_id: str = "c") -> Event:
    return {"event_id": str(uuid4()), "type": type_, "subject": subject, "correlation_id": correlation_id}


async def test_an_event_that_came_before_is_there() -> None:
    events, said = Events(), event("pin.issued")
    events.take(said)
    assert await events.nth("00ff", "pin.issued") == await events.nth("c", "pin.issued") == said


async def test_an_event_that_comes_later_wakes_all_who_wait_for_it() -> None:
    events, first, second = Events(), event("pin.issued"), event("pin.issued", correlation_id="d")
    waiting = [asyncio.ensure_future(events.nth(who, "pin.issued", n)) for who, n in [("c", 1), ("00ff", 2)]]
    await asyncio.sleep(0)
    events.take(first)
    events.take(second)
    assert await asyncio.gather(*waiting) == [first, second]


def test_a_second_copy_of_an_event_counts_once() -> None:
    events, said = Events(), event("pin.issued")
    events.take(said)
    events.take(dict(said))
    assert events.of("00ff") == [said]
