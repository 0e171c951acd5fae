"""The links of mails: opening one ends nothing, and its token gets into the sealed command alone."""

import base64
import json

import pytest
from nacl.public import PrivateKey, SealedBox
from structlog.testing import capture_logs

from tests.web.kit.applications import Application
from tests.web.kit.fake_workers import strings_in
from tests.web.kit.papers import CITIZEN, TOKEN
from tests.web.kit.visitor import at

LINKS = ("restore", "revoke")


@pytest.mark.parametrize("flow", LINKS)
async def test_whoever_opens_a_link_ends_nothing(portal: Application, flow: str) -> None:
    """Mail scanners, previews and prefetches open links: by GET and HEAD, and as often as they like."""
    async with at(portal) as scanner:
        for method in ("GET", "HEAD", "GET"):
            for more in ({}, {"purpose": "prefetch"}, {"sec-purpose": "prefetch;prerender"}):
                path = f"/{flow}/confirm?token={TOKEN}"
                answer = await scanner.http.request(method, path, headers=more)
                assert answer.status_code == 200
    assert not portal.workers.asked


@pytest.mark.parametrize("flow", LINKS)
async def test_a_post_to_the_link_itself_ends_nothing(portal: Application, flow: str) -> None:
    """A scanner that posts what it finds has no mark of a session, and no codice fiscale."""
    async with at(portal) as scanner:
        page = await scanner.post(f"/{flow}/confirm?token={TOKEN}", {"token": TOKEN})
        assert page.status == 403
        form = (await scanner.open(f"/{flow}/confirm?token={TOKEN}")).form(f"/{flow}/confirm")
        page = await scanner.post(f"/{flow}/confirm", form.values)
        assert page.status == 422
    assert not portal.workers.asked


@pytest.mark.parametrize("flow", LINKS)
async def test_the_token_travels_sealed_to_the_revoker_alone(portal: Application, flow: str) -> None:
    with capture_logs() as lines:
        async with at(portal) as citizen:
            page = await citizen.open(f"/{flow}/confirm?token={TOKEN}")
            done = await citizen.send(page, f"/{flow}/confirm", codice_fiscale=CITIZEN)
    (asked,) = portal.workers.asked
    assert asked.type == f"{flow}.confirm"
    assert not any(TOKEN in text for text in strings_in(asked.body))
    key = (portal.folder / "keys/revoker.key").read_text().split()[0]
    sealed = json.loads(
        SealedBox(PrivateKey(base64.b64decode(key))).decrypt(_box(asked.body["token_sealed"]))
    )
    assert sealed["token"] == TOKEN
    assert sealed["message_id"] == asked.message_id
    assert sealed["codice_fiscale"] == CITIZEN
    assert TOKEN not in done.html
    assert TOKEN not in str(done.answer.url)
    assert TOKEN not in str(lines)


def _box(text: str) -> bytes:
    return base64.b64decode(text)


@pytest.mark.parametrize("flow", LINKS)
async def test_the_page_of_a_link_tells_its_address_to_nobody(portal: Application, flow: str) -> None:
    async with at(portal) as citizen:
        page = await citizen.open(f"/{flow}/confirm?token={TOKEN}")
        assert page.answer.headers["referrer-policy"] == "no-referrer"
        assert page.answer.headers["cache-control"] == "no-store"
        addresses = [
            page.form(f"/{flow}/confirm").action,
            *page.html.split('href="')[1:],
            *page.html.split('src="')[1:],
        ]
        assert not [address for address in addresses if TOKEN in address.partition('"')[0]]


async def test_the_page_says_the_same_whoever_asks(portal: Application) -> None:
    """R14: whether somebody exists, has a PIN or gave the right data shows on no page."""
    pages = set()
    for codice_fiscale in (CITIZEN, "BNCGNN70A41H501V"):
        async with at(portal) as visitor:
            contacts = {"contacts.mobile": "333 1234567", "contacts.email": "a@example.com"}
            page = await visitor.open("/restore")
            done = await visitor.send(page, "/restore", contacts, codice_fiscale=codice_fiscale)
            if done.status == 200:
                pages.add(done.html.partition("<main")[2])
    assert len(pages) == 1
