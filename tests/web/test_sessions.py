"""Sessions: nobody gets into another's, by a cookie that was set before, made up, or kept."""

import base64
import json
import time
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from deploy.web.sessions import Session
from deploy.web.tokens import Tokens
from tests.web.kit.applications import Application, application
from tests.web.kit.people import CITIZEN, come_in, cookie_name, hold, mark_of, session_of
from tests.web.kit.visitor import Visitor, at

PRIVATE = {"portal": "/me", "console": "/"}
"""A page that only who has logged in may see."""


async def is_in(visitor: Visitor, of: Application) -> bool:
    """Tell whether a visitor is logged in: somebody else is sent to log in, or refused."""
    page = await visitor.open(PRIVATE[of.kind])
    return page.status == 200 and page.answer.url.path == PRIVATE[of.kind]


async def test_who_has_logged_in_is_in_and_a_stranger_is_not(either: Application) -> None:
    async with at(either) as citizen, at(either) as stranger:
        come_in(citizen, either)
        assert await is_in(citizen, either)
        assert not await is_in(stranger, either)


async def test_logging_in_makes_another_session_than_the_one_before(portal: Application) -> None:
    """Session fixation: whoever set the cookie before the log-in has nothing of what comes after."""
    async with at(portal) as citizen, at(portal) as attacker:
        form = await attacker.open("/log-in")
        planted = attacker.http.cookies[cookie_name(portal)]
        hold(citizen, portal, planted)
        page = await citizen.open("/log-in")
        await citizen.send(page, "/log-in", codice_fiscale=CITIZEN, pin="7K2M9QXT")
        assert await is_in(citizen, portal)
        assert citizen.http.cookies[cookie_name(portal)] != planted
        assert not await is_in(attacker, portal)
        # Nor is a form of the session before one of the session after.
        before = form.form("/log-in").values["csrf"]
        refused = await citizen.post("/log-out", {"csrf": before})
        assert refused.status == 403
        assert await is_in(citizen, portal)


async def test_who_logs_out_is_out(either: Application) -> None:
    async with at(either) as visitor:
        mark = mark_of(either, come_in(visitor, either))
        await visitor.post("/log-out", {"csrf": mark})
        assert not await is_in(visitor, either)


async def test_a_cookie_that_is_not_ours_is_nobody_s(either: Application) -> None:
    session = session_of(either)
    ours = either.app.state.tokens.sign("session", asdict(session))
    head, _, signature = ours.rpartition(".")
    body = base64.urlsafe_b64encode(json.dumps(asdict(session)).encode()).decode().rstrip("=")
    forged = {
        "another secret": Tokens(b"x" * 32).sign("session", asdict(session)),
        "no secret": Tokens(b"").sign("session", asdict(session)),
        "another kind": either.app.state.tokens.sign("once", asdict(session)),
        "changed": f"{body}.{head.rpartition('.')[2]}.{signature}",
        "cut": head,
        # its first character: two bits of the last one mean nothing
        "signature": f"{head}.{'A' if signature[0] != 'A' else 'B'}{signature[1:]}",
        "empty": "",
        "long": "A" * 8000,
        "no text": "%00%ff\u00e8".encode().decode("latin-1"),
    }
    for what, text in forged.items():
        async with at(either) as visitor:
            page = await visitor.http.get(
                PRIVATE[either.kind], headers={b"cookie": f"{cookie_name(either)}={text}".encode("latin-1")}
            )
            assert page.status_code < 500, what
            assert page.url.path != PRIVATE[either.kind] or page.status_code != 200, what


async def test_a_session_of_one_application_is_none_of_the_other(tmp_path: Path) -> None:
    """Even if both were given one secret: an operator's session opens nothing of a citizen's."""
    secret = base64.b64encode(b"s" * 32).decode()
    made = {kind: application(kind, tmp_path / kind, PIN_WEB_SECRET=secret) for kind in ("portal", "console")}
    for kind, other in (("portal", "console"), ("console", "portal")):
        async with at(made[other]) as visitor:
            text = made[kind].app.state.tokens.sign("session", asdict(session_of(made[kind])))
            hold(visitor, made[other], text)
            assert not await is_in(visitor, made[other]), kind


@pytest.mark.parametrize("after", [61 * 60, 4 * 15 * 60 + 1])
async def test_a_session_ends_whatever_it_does(either: Application, after: int) -> None:
    async with at(either) as visitor:
        come_in(visitor, either, replace(session_of(either), since=time.time() - after))
        assert not await is_in(visitor, either)


async def test_a_session_that_was_left_ends(either: Application, monkeypatch: pytest.MonkeyPatch) -> None:
    left = 15 * 60 + 5
    async with at(either) as visitor:
        with monkeypatch.context() as patched:
            now = time.time()
            patched.setattr("itsdangerous.timed.time.time", lambda: now - left)
            text = either.app.state.tokens.sign("session", asdict(session_of(either)))
        hold(visitor, either, text)
        assert not await is_in(visitor, either)


async def test_nothing_of_a_person_can_be_read_in_the_cookie_of_a_stranger(either: Application) -> None:
    async with at(either) as stranger:
        await stranger.open("/")
        text = stranger.http.cookies[cookie_name(either)]
        content = either.app.state.tokens.read("session", text, 900)
        assert set(content) == set(asdict(Session()))
        assert not any(content[name] for name in ("codice_fiscale", "level", "operator"))


async def test_by_tls_the_cookie_is_of_this_host_and_secure(tmp_path: Path) -> None:
    made = application("portal", tmp_path, PIN_WEB_URL="https://pin.example.it")
    async with at(made, home="https://pin.example.it") as visitor:
        page = await visitor.open("/")
        cookie = page.answer.headers["set-cookie"]
        assert cookie.startswith("__Host-pin-portal=")
        assert cookie.endswith("; Path=/; HttpOnly; SameSite=Lax; Secure")
        assert page.answer.headers["strict-transport-security"].startswith("max-age=31536000")
