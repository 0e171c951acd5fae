"""What every answer says to the browser, whatever it is an answer to."""

from collections.abc import Mapping

import pytest

from tests.web.kit.applications import Application, filled, routes
from tests.web.kit.people import come_in
from tests.web.kit.visitor import at

POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "form-action": "'self'",
    "base-uri": "'none'",
}


def policy_of(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the content security policy, part by part."""
    parts = (part.strip().partition(" ") for part in headers["content-security-policy"].split(";"))
    return {name: rest for name, _, rest in parts}


def hold(headers: Mapping[str, str], what: str) -> None:
    """Assert what holds for every answer."""
    policy = policy_of(headers)
    assert {name: policy.get(name) for name in POLICY} == POLICY, what
    assert policy["frame-ancestors"] in {"'none'", "'self'"}, what
    assert not any(word in " ".join(policy.values()) for word in ("unsafe", "*", "http")), what
    assert headers["x-content-type-options"] == "nosniff", what
    assert headers["referrer-policy"] == "no-referrer", what
    assert headers["cache-control"] == "no-store", what
    assert "server" not in headers, what


@pytest.mark.parametrize("who", ["a stranger", "who is logged in"])
async def test_every_answer_protects_itself(either: Application, who: str) -> None:
    async with at(either) as visitor:
        if who != "a stranger":
            come_in(visitor, either)
        for route in routes(either.app):
            for method in sorted({"GET", "POST", "HEAD", "PUT"}):
                answer = await visitor.http.request(method, filled(route.path, "it"))
                for one in (*answer.history, answer):
                    hold(one.headers, f"{method} {route.path}: {one.status_code}")
                    assert one.status_code < 500 or one.status_code == 503, route.path


@pytest.mark.parametrize("path", ["/no-such-page", "/static/no-such-file", "/%00", "/..%2f", "/static/"])
async def test_what_is_not_there_protects_itself(either: Application, path: str) -> None:
    async with at(either) as visitor:
        page = await visitor.open(path)
        assert page.status == 404
        hold(page.answer.headers, path)


async def test_what_is_too_large_protects_itself_and_is_not_read(either: Application) -> None:
    read = 0

    async def endless() -> object:
        nonlocal read
        while read < 400:
            read += 1
            yield b"x" * 262_144

    async with at(either) as visitor:
        declared = await visitor.http.post("/waiting", headers={"content-length": str(2**40)}, content=b"x")
        assert declared.status_code == 413
        hold(declared.headers, "declared")
        content = {"content-type": "application/x-www-form-urlencoded"}
        body = endless()
        sent = await visitor.http.post("/waiting", content=body, headers=content, follow_redirects=False)  # type: ignore[arg-type]
        # The console leads who is not logged in to the log-in, and reads nothing.
        assert sent.status_code in {303, 400, 403, 413}
        hold(sent.headers, "sent")


async def test_a_file_of_ours_may_be_kept_and_a_page_may_not(either: Application) -> None:
    async with at(either) as visitor:
        page = await visitor.open("/")
        address = page.html.partition('<link rel="stylesheet" href="')[2].partition('"')[0]
        answer = await visitor.http.get(address)
        assert answer.status_code == 200
        assert "immutable" in answer.headers["cache-control"]
        assert "set-cookie" not in answer.headers
