"""One effect: however often a form is sent, whichever process gets it, and however long the reply takes."""

import base64
from dataclasses import replace
from pathlib import Path

import pytest
from starlette.types import Receive, Scope, Send

from tests.web.kit.applications import Application, application
from tests.web.kit.fake_workers import NEVER, NOT_TAKEN
from tests.web.kit.papers import FIRST_STEP, SECOND_STEP
from tests.web.kit.people import come_in
from tests.web.kit.visitor import Seen, Visitor, at
from tests.web.kit.walks import WALKS


async def test_sending_any_form_again_has_no_second_effect(either: Application) -> None:
    """A double click or a reload: the last form of every way is sent once more, as it was."""
    tried = 0
    for way in WALKS:
        if way.kind != either.kind:
            continue
        either.workers.forget()
        async with at(either) as visitor:
            await way.to(visitor, either)
            effects = len(either.workers.effects)
            if effects and visitor.sent:
                await visitor.send_again()
                assert len(either.workers.effects) == effects, way
                tried += 1
    assert tried > 5


async def to_summary(visitor: Visitor) -> Seen:
    """Fill in a request, up to its summary."""
    page = await visitor.send(await visitor.open("/request"), "/request/data", FIRST_STEP)
    return await visitor.send(page, "/request/summary", SECOND_STEP)


async def test_nothing_is_asked_before_the_summary_is_confirmed(portal: Application) -> None:
    """R3."""
    async with at(portal) as visitor:
        page = await to_summary(visitor)
        assert not portal.workers.asked
        await visitor.send(page, "/request/confirm")
        assert [one.type for one in portal.workers.asked] == ["pin.request"]


async def test_what_was_not_taken_can_be_sent_again_from_the_page_that_says_so(portal: Application) -> None:
    portal.workers.answers["pin.request"] = NOT_TAKEN
    async with at(portal) as visitor:
        page = await visitor.send(await to_summary(visitor), "/request/confirm")
        assert page.status == 503
        del portal.workers.answers["pin.request"]
        page = await visitor.send(page, "/waiting")
        assert page.status == 200
    assert len(portal.workers.asked) == 2
    assert len(portal.workers.effects) == 1


async def test_whoever_waits_gets_the_answer_when_it_is_there(portal: Application) -> None:
    portal.workers.answers["pin.request"] = NEVER
    async with at(portal) as visitor:
        page = await visitor.send(await to_summary(visitor), "/request/confirm")
        for _ in range(3):
            assert page.status == 202
            page = await visitor.send(page, "/waiting")
        del portal.workers.answers["pin.request"]
        page = await visitor.send(page, "/waiting")
        assert page.status == 200
    assert len(portal.workers.effects) == 1


async def test_what_somebody_waits_for_is_shown_to_nobody_else(portal: Application) -> None:
    """The page that waits holds the command: in another session it begins, and shows, nothing."""
    portal.workers.answers["pin.verify"] = NEVER
    async with at(portal) as citizen, at(portal) as other:
        page = await citizen.open("/log-in")
        waits = await citizen.send(
            page, "/log-in", codice_fiscale=FIRST_STEP["codice_fiscale"], pin="7K2M9QXT"
        )
        assert waits.status == 202
        del portal.workers.answers["pin.verify"]
        asked = len(portal.workers.asked)
        own = (await other.open("/log-in")).form("/log-in").values["csrf"]
        pending = waits.form("/waiting").values["pending"]
        stolen = await other.post("/waiting", {"csrf": own, "pending": pending})
        assert stolen.status == 400
        assert len(portal.workers.asked) == asked
        assert (await other.open("/me")).answer.url.path != "/me"


@pytest.mark.parametrize("change", ["cut", "changed", "another kind", "empty"])
async def test_a_command_that_a_page_carries_cannot_be_changed(portal: Application, change: str) -> None:
    portal.workers.answers["pin.request"] = NEVER
    async with at(portal) as visitor:
        page = await visitor.send(await to_summary(visitor), "/request/confirm")
        values = page.form("/waiting").values
        text = values["pending"]
        pending = {
            "cut": text[:-2],
            "changed": text[:40] + ("A" if text[40] != "A" else "B") + text[41:],
            "another kind": portal.app.state.tokens.sign(
                "once", portal.app.state.tokens.read("pending", text, 60)
            ),
            "empty": "",
        }[change]
        asked = len(portal.workers.asked)
        assert (await visitor.post("/waiting", {**values, "pending": pending})).status == 400
        assert len(portal.workers.asked) == asked


@pytest.mark.parametrize("kind", ["portal", "console"])
async def test_any_process_serves_any_step_of_anybody(kind: str, tmp_path: Path) -> None:
    """Two processes behind a balancer that sends each request to the other: every way ends as with one."""
    secret = base64.b64encode(b"s" * 32).decode()
    first = application(kind, tmp_path, PIN_WEB_SECRET=secret)
    second = application(kind, tmp_path, PIN_WEB_SECRET=secret)
    second.app.state.commands = first.workers
    turn = [0]

    async def balanced(scope: Scope, receive: Receive, send: Send) -> None:
        turn[0] += 1
        await (first, second)[turn[0] % 2].app(scope, receive, send)

    both = replace(first, app=Balanced(balanced, first))  # type: ignore[arg-type]  # all that ways need of it
    for way in WALKS:
        # How often a password was wrong is what one process has seen, and says so.
        if way.kind == kind and way.name != "log-in: too many tries":
            first.workers.forget()
            async with at(both) as visitor:
                await way.to(visitor, both)
    assert turn[0] > 50


class Balanced:
    """Two applications behind one address."""

    def __init__(self, app: object, first: Application) -> None:
        self._app, self.state = app, first.app.state

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        await self._app(scope, receive, send)  # type: ignore[operator]  # an application


async def test_a_form_of_before_logging_in_is_of_no_use_after(portal: Application) -> None:
    async with at(portal) as visitor:
        page = await to_summary(visitor)
        come_in(visitor, portal)
        assert (await visitor.send(page, "/request/confirm")).status == 403
    assert not portal.workers.asked
