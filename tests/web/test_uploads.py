"""Uploads that lie: about their type, their size, their name, or whose they are. Nothing of them is kept."""

from dataclasses import replace

import pytest

from tests.web.kit.applications import Application
from tests.web.kit.console_ways import address_of_document
from tests.web.kit.papers import DETAILS, jpeg, pdf, png, scans
from tests.web.kit.people import come_in, session_of
from tests.web.kit.portal_ways import convert_online
from tests.web.kit.visitor import Seen, Upload, Visitor, at

LIMIT = 5 * 1024 * 1024
_HTML = b"<!doctype html><script>alert(1)</script>"
LIES: dict[str, Upload] = {
    "HTML as PDF": ("a.pdf", _HTML, "application/pdf"),
    "HTML as a picture": ("a.png", _HTML, "image/png"),
    "SVG as a picture": ("a.png", b"<svg xmlns='http://www.w3.org/2000/svg' onload='x()'/>", "image/png"),
    "SVG": ("a.svg", b"<svg xmlns='http://www.w3.org/2000/svg'/>", "image/svg+xml"),
    "a program": ("a.pdf", b"MZ\x90\x00" + bytes(200), "application/pdf"),
    "another program": ("a.jpg", b"\x7fELF" + bytes(200), "image/jpeg"),
    "an archive": ("a.pdf", b"PK\x03\x04" + bytes(200), "application/pdf"),
    "GIF": ("a.gif", b"GIF89a" + bytes(20), "image/gif"),
    "a picture as PDF": ("a.pdf", png(), "application/pdf"),
    "PDF as a picture": ("a.png", pdf(), "image/png"),
    "one picture as another": ("a.jpg", png(), "image/jpeg"),
    "PDF as HTML": ("a.html", pdf(), "text/html"),
    "a PDF behind a page": ("a.pdf", _HTML + pdf(), "application/pdf"),
    "a page in front of a picture": ("a.png", _HTML + png(), "image/png"),
    "nothing": ("a.pdf", b"", "application/pdf"),
    "the name alone": ("a.pdf", b"%PDF", "application/pdf"),
    "too large": ("a.pdf", b"%PDF-1.7\n" + bytes(LIMIT) + b"\n%%EOF\n", "application/pdf"),
    "half a picture": ("a.png", png(2000, 2000)[:60], "image/png"),
}


def kept(of: Application) -> list[str]:
    """Return the names of what is in the store."""
    return sorted(path.name for path in (of.folder / "documents").rglob("*") if path.is_file())


async def upload(visitor: Visitor, of: Application, files: dict[str, Upload]) -> Seen:
    """Send files by «Converti PIN»."""
    page = await convert_online(visitor, of)
    return await visitor.send(page, "/me/convert/documents", DETAILS, files=files)


def submitted(of: Application) -> bool:
    """Tell whether documents were submitted."""
    return any(one.type == "dispositivo.submit_documents" for one in of.workers.asked)


@pytest.mark.parametrize("lie", LIES)
async def test_a_file_that_lies_is_refused_with_the_reason_at_its_field(
    portal: Application, lie: str
) -> None:
    async with at(portal) as visitor:
        page = await upload(visitor, portal, {**scans(), "document_scan": LIES[lie]})
        assert page.status == 422, page.status
        assert 'id="f-document_scan-fault"' in page.html
        assert 'id="f-signed_form-fault"' not in page.html
    assert not submitted(portal)
    assert len(kept(portal)) <= 1  # the other file, which is right


@pytest.mark.parametrize("lie", [lie for lie in LIES if lie != "nothing"])
async def test_a_fax_that_lies_is_refused(console: Application, lie: str) -> None:
    async with at(console) as visitor:
        come_in(visitor, console)
        page = await visitor.open("/fax")
        page = await visitor.send(page, "/fax", files={"signed_form": LIES[lie]})
        assert page.status == 422, page.status
    assert not kept(console)
    assert not console.workers.asked


NAMES = (
    *("../../etc/passwd", "..\\..\\x.pdf", "/etc/passwd", "a\r\nX-Planted: 1.pdf", "a\x00.pdf", "<b>.pdf"),
    "x" * 5000,
)


@pytest.mark.parametrize("name", NAMES)
async def test_no_name_that_somebody_chose_reaches_the_store(portal: Application, name: str) -> None:
    async with at(portal) as visitor:
        files = {**scans(), "document_scan": (name, jpeg(), "image/jpeg")}
        page = await upload(visitor, portal, files)
        assert page.status in {200, 400}
        assert "x-planted" not in page.answer.headers
    assert all(len(one) == 64 and int(one, 16) for one in kept(portal))
    assert len(kept(portal)) <= 2


async def test_what_is_right_is_kept_by_its_digest_and_named_so(portal: Application) -> None:
    async with at(portal) as visitor:
        assert (await upload(visitor, portal, scans())).status == 200
    asked = portal.workers.asked[-1]
    digests = {asked.body[name]["sha256"] for name in ("signed_form", "document_scan")}
    assert digests == set(kept(portal))
    assert asked.body["via"] == "online"


async def test_more_files_than_there_are_places_for_are_not_taken(portal: Application) -> None:
    async with at(portal) as visitor:
        page = await convert_online(visitor, portal)
        values = page.form("/me/convert/documents").values
        many = [("signed_form", ("a.pdf", pdf(), "application/pdf"))] * 30
        answer = await visitor.http.post("/me/convert/documents", data={**values, **DETAILS}, files=many)
        assert answer.status_code in {400, 413}
    assert not submitted(portal)
    assert not kept(portal)


async def test_what_one_citizen_uploaded_is_of_no_use_to_another(portal: Application) -> None:
    """The page after a fault carries the file that was right: signed, and of who is logged in."""
    async with at(portal) as owner, at(portal) as other:
        page = await upload(owner, portal, {**scans(), "document_scan": LIES["GIF"]})
        carried = page.form("/me/convert/documents").values
        name = next(name for name in carried if name.endswith(".kept"))
        come_in(other, portal, replace(session_of(portal), id="another", codice_fiscale="BNCGNN70A41H501V"))
        theirs = await other.send(await other.open("/me/convert"), "/me/convert", submission="online")
        files = {"document_scan": scans()["document_scan"]}
        answer = await other.send(
            theirs, "/me/convert/documents", {**DETAILS, name: carried[name]}, files=files
        )
        assert answer.status == 422
        assert 'id="f-signed_form-fault"' in answer.html
    assert not submitted(portal)


async def test_a_document_that_was_changed_in_the_store_is_shown_to_nobody(console: Application) -> None:
    async with at(console) as visitor:
        address = await address_of_document(visitor, console)
        for path in (console.folder / "documents").rglob("*"):
            if path.is_file():
                path.chmod(0o600)
                path.write_bytes(pdf("another"))
        assert (await visitor.open(f"/document/{address}")).status == 502
        assert (await visitor.open(f"/document/{address}/1.jpg")).status == 404


async def test_a_document_is_shown_in_its_session_alone(console: Application) -> None:
    async with at(console) as operator, at(console) as other, at(console) as stranger:
        address = await address_of_document(operator, console)
        come_in(other, console)
        for visitor in (other, stranger):
            page = await visitor.open(f"/document/{address}")
            assert page.status == 400 or page.answer.url.path == "/log-in"
