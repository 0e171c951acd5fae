"""What another site's page makes a browser send has no effect: every route that takes a POST is tried."""

import pytest

from deploy.web.pages import CSRF
from tests.web.kit.applications import Application, filled, routes
from tests.web.kit.people import come_in, mark_of, session_of
from tests.web.kit.visitor import at

_SAFE = {"GET", "HEAD"}


def posts(of: Application) -> list[str]:
    """Return a path of every route that takes a POST."""
    found = [route.path for route in routes(of.app) if "POST" in (route.methods or ())]
    return [filled(path, "0d1f9a52-6f0e-4b7e-9a53-6f0f3b8f2c11") for path in found]


def test_every_route_says_what_it_takes(either: Application) -> None:
    """No route takes more than GET and POST, so that the tests of this file are about all that changes."""
    for route in routes(either.app):
        assert route.methods, route.path
        assert set(route.methods) <= {*_SAFE, "POST"}, route.path
    assert posts(either)


@pytest.mark.parametrize("mark", ["", "0" * 64, "of another"])
async def test_a_post_without_this_session_s_mark_is_refused(either: Application, mark: str) -> None:
    async with at(either) as visitor:
        come_in(visitor, either)
        sent = mark_of(either, session_of(either)) if mark == "of another" else mark
        answers = {path: await visitor.post(path, {CSRF: sent} if sent else {}) for path in posts(either)}
        assert {path: page.status for path, page in answers.items()} == dict.fromkeys(answers, 403)
    assert not either.workers.asked


async def test_a_post_from_another_site_is_refused_whatever_it_carries(either: Application) -> None:
    async with at(either) as visitor:
        mark = mark_of(either, come_in(visitor, either))
        for site in ("cross-site", "same-site"):
            for path in posts(either):
                page = await visitor.post(path, {CSRF: mark}, headers={"sec-fetch-site": site})
                assert page.status == 403, (path, site)
    assert not either.workers.asked


async def test_a_mark_in_the_address_is_none(either: Application) -> None:
    async with at(either) as visitor:
        mark = mark_of(either, come_in(visitor, either))
        for path in posts(either):
            assert (await visitor.post(f"{path}?{CSRF}={mark}", {})).status == 403, path
    assert not either.workers.asked


async def test_a_get_never_asks_a_worker_for_a_change(either: Application) -> None:
    """Whatever a scanner, a prefetch or an image of another site opens: nothing begins and nothing ends."""
    reads = {"dispositivo.review_queue"}
    async with at(either) as visitor:
        come_in(visitor, either)
        for route in routes(either.app):
            if _SAFE & set(route.methods or ()):
                path = filled(route.path, "it")
                for query in ("", "?token=0123456789ABCDEFGHJKMNPQRSTVWXYZ"):
                    for method in ("GET", "HEAD"):
                        await visitor.http.request(method, path + query)
    assert {one.type for one in either.workers.asked} <= reads


async def test_the_cookie_stays_with_its_own_site(either: Application) -> None:
    async with at(either) as visitor:
        page = await visitor.open("/")
        cookie = page.answer.history[0] if page.answer.history else page.answer
        assert "HttpOnly; SameSite=Lax" in cookie.headers["set-cookie"]
