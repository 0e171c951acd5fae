"""Addresses: no page sends a browser elsewhere, and nothing of an address gets into a header."""

from urllib.parse import quote, urlsplit

import pytest

from tests.web.kit.applications import HOME, Application, filled, routes
from tests.web.kit.people import come_in, mark_of
from tests.web.kit.visitor import Visitor, at

EVIL = (
    "https://evil.example/",
    "//evil.example/",
    "/\\evil.example/",
    "\\\\evil.example",
    "https:evil.example",
    "javascript:alert(1)",
    "%2F%2Fevil.example",
    "///evil.example",
)
NAMES = ("next", "url", "return", "return_to", "redirect", "redirect_uri", "continue", "to", "back", "page")
HEADERS = (
    *("host", "x-forwarded-host", "x-forwarded-proto", "x-original-url", "x-rewrite-url"),
    *("referer", "origin"),
)
SPLIT = "it\r\nSet-Cookie: planted=1\r\nX-Planted: 1\r\n\r\n<h1>planted</h1>"


def is_here(location: str) -> bool:
    """Tell whether a `Location` leads to these pages, as browsers read it."""
    read = location.replace("\\", "/").strip()
    parts = urlsplit(read)
    if parts.scheme or parts.netloc:
        return read.startswith(f"{HOME}/")
    return read.startswith("/") and not read.startswith("//")


async def locations(visitor: Visitor, method: str, path: str, **more: object) -> list[str]:
    """Return where an answer, followed to its end, sends the browser."""
    answer = await visitor.http.request(method, path, **more)  # type: ignore[arg-type]
    return [one.headers["location"] for one in (*answer.history, answer) if "location" in one.headers]


@pytest.mark.parametrize("who", ["a stranger", "who is logged in"])
async def test_no_address_sends_a_browser_elsewhere(either: Application, who: str) -> None:
    faults = []
    for evil in EVIL:
        async with at(either) as visitor:
            if who != "a stranger":
                come_in(visitor, either)
            query = "&".join(f"{name}={quote(evil)}" for name in NAMES)
            for route in routes(either.app):
                if "GET" in (route.methods or ()) and "log-out" not in route.path:
                    path = filled(route.path, quote(evil, safe=""))
                    for location in await locations(visitor, "GET", f"{path}?{query}"):
                        faults += [] if is_here(location) else [(route.path, evil, location)]
    assert not faults


async def test_no_form_sends_a_browser_elsewhere(either: Application) -> None:
    faults = []
    for evil in EVIL:
        async with at(either) as visitor:
            mark = mark_of(either, come_in(visitor, either))
            content = {**dict.fromkeys(NAMES, evil), "csrf": mark}
            for route in routes(either.app):
                if "POST" in (route.methods or ()) and "log-out" not in route.path:
                    path = filled(route.path, "it")
                    for location in await locations(visitor, "POST", path, data=content):
                        faults += [] if is_here(location) else [(route.path, evil, location)]
    assert not faults


@pytest.mark.parametrize("header", HEADERS)
async def test_no_header_of_a_request_gets_into_a_page(either: Application, header: str) -> None:
    """Else whoever poisons a cache, or a mail's link, would lead citizens to a page of their own."""
    async with at(either) as visitor:
        come_in(visitor, either)
        for route in routes(either.app):
            if "GET" in (route.methods or ()):
                answer = await visitor.http.get(filled(route.path, "it"), headers={header: "evil.example"})
                for one in (*answer.history, answer):
                    assert "evil.example" not in one.headers.get("location", ""), route.path
                    assert "evil.example" not in one.text, route.path


async def test_nothing_that_is_sent_gets_into_a_header(either: Application) -> None:
    async with at(either) as visitor:
        mark = mark_of(either, come_in(visitor, either))
        for route in routes(either.app):
            path = filled(route.path, quote(SPLIT, safe=""))
            query = "&".join(f"{name}={quote(SPLIT)}" for name in (*NAMES, "token", "q", "province"))
            content = {**dict.fromkeys((*NAMES, "language", "codice_fiscale"), SPLIT), "csrf": mark}
            for method in {"GET", "POST"} & set(route.methods or ()):
                more = {"data": content} if method == "POST" else {}
                answer = await visitor.http.request(method, f"{path}?{query}", **more)  # type: ignore[arg-type]
                for one in (*answer.history, answer):
                    assert "x-planted" not in one.headers, route.path
                    assert "planted" not in one.headers.get("set-cookie", ""), route.path
                    assert all("\r" not in value and "\n" not in value for value in one.headers.values())
            if "log-out" in route.path:
                mark = mark_of(either, come_in(visitor, either))


async def test_a_static_path_leaves_its_folder_for_nobody(either: Application) -> None:
    async with at(either) as visitor:
        for path in (
            "../settings.py",
            "..%2fsettings.py",
            "%2e%2e/settings.py",
            "....//settings.py",
            "bootstrap-italia/../../settings.py",
            "%2Fetc%2Fpasswd",
            "..\\settings.py",
            "pin.css%00.html",
        ):
            answer = await visitor.http.get(f"/static/{path}")
            assert answer.status_code in {400, 404}, path
