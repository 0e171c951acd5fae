"""The store of what citizens upload, in a folder."""

import hashlib
import io
import stat
from pathlib import Path

import pytest
from PIL import Image

from deploy.web.documents import Documents
from deploy.web.errors import DocumentAlteredError, DocumentElsewhereError, DocumentRefusedError
from deploy.web.settings import WebSettings
from shared.domain.policy import PinPolicy
from shared.domain.uris import allowed
from shared.errors import SettingsError
from tests.kit.bombs import png_bomb

PDF = b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\n%%EOF\n"


def picture(kind: str) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (40, 30), "white").save(out, kind)
    return out.getvalue()


def settings(url: str, **more: str) -> WebSettings:
    secret = "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3JldA=="
    variables = {
        "PIN_AMQP_URL": "amqp://portal@127.0.0.1",
        "PIN_KEYS_DIR": "/nowhere",
        "PIN_WEB_URL": "http://127.0.0.1:8080",
        "PIN_WEB_SECRET": secret,
        "PIN_DOCUMENTS_URL": url,
        **more,
    }
    return WebSettings.load(variables)


@pytest.fixture
def documents(tmp_path: Path) -> Documents:
    return Documents(settings((tmp_path / "documents").as_uri()))


async def test_a_document_is_kept_under_its_digest_and_comes_back(
    documents: Documents, tmp_path: Path
) -> None:
    attachment = await documents.keep(PDF, "application/pdf")
    digest = hashlib.sha256(PDF).hexdigest()
    assert attachment == {
        "uri": f"folder://documents/{digest}",
        "sha256": digest,
        "media_type": "application/pdf",
        "size": len(PDF),
    }
    assert [file.name for file in (tmp_path / "documents").iterdir()] == [digest]
    assert await documents.read(attachment) == PDF


async def test_the_workers_take_the_name_of_a_document_in_a_folder(documents: Documents) -> None:
    attachment = await documents.keep(PDF, "application/pdf")
    policy = PinPolicy()
    assert allowed(attachment["uri"], policy.attachment_schemes, policy.attachment_hosts)


async def test_the_folder_is_of_nobody_else(documents: Documents, tmp_path: Path) -> None:
    await documents.keep(PDF, "application/pdf")
    assert stat.S_IMODE((tmp_path / "documents").stat().st_mode) == 0o700


@pytest.mark.parametrize("declared", ["application/pdf", "application/octet-stream", ""])
async def test_a_pdf_is_a_pdf_also_where_the_browser_does_not_know(
    documents: Documents, declared: str
) -> None:
    assert (await documents.keep(PDF, declared))["media_type"] == "application/pdf"


@pytest.mark.parametrize(
    ("kind", "declared", "media_type"),
    [
        ("PNG", "image/png", "image/png"),
        ("JPEG", "image/jpeg", "image/jpeg"),
        ("JPEG", "image/jpg", "image/jpeg"),
    ],
)
async def test_pictures_are_kept(documents: Documents, kind: str, declared: str, media_type: str) -> None:
    assert (await documents.keep(picture(kind), declared))["media_type"] == media_type


@pytest.mark.parametrize(
    ("data", "declared", "code"),
    [
        (b"", "application/pdf", "file_empty"),
        (PDF, "image/png", "file_lies"),
        (picture("PNG"), "application/pdf", "file_lies"),
        (picture("PNG"), "text/html", "file_lies"),
        (picture("GIF"), "image/png", "file_of_other_type"),
        (picture("TIFF"), "image/tiff", "file_of_other_type"),
        (picture("PNG")[:60], "image/png", "file_of_other_type"),
        (b"<script>alert(1)</script>", "application/pdf", "file_of_other_type"),
        (b"\x89PNG\r\n\x1a\n<script>alert(1)</script>", "image/png", "file_of_other_type"),
        (b"MZ\x90\0" + PDF, "application/pdf", "file_of_other_type"),
        (b"%PDF-1.7\n<script>alert(1)</script>", "application/pdf", "file_of_other_type"),
        (PDF + b"\0" * 5_000_000 + b"%%EOF", "application/pdf", None),
        (PDF + b"\0" * (5 * 1024 * 1024) + b"%%EOF", "application/pdf", "file_too_large"),
    ],
)
async def test_what_is_no_document_is_refused_whatever_it_says_it_is(
    documents: Documents, data: bytes, declared: str, code: str | None
) -> None:
    if code is None:
        await documents.keep(data, declared)
        return
    with pytest.raises(DocumentRefusedError) as refused:
        await documents.keep(data, declared)
    assert refused.value.code == code


async def test_a_picture_that_unpacks_to_gigabytes_is_refused(documents: Documents) -> None:
    with pytest.raises(DocumentRefusedError, match="file_of_other_type"):
        await documents.keep(png_bomb(20_000), "image/png")


async def test_a_document_that_was_altered_is_not_shown(documents: Documents, tmp_path: Path) -> None:
    attachment = await documents.keep(PDF, "application/pdf")
    (tmp_path / "documents" / attachment["sha256"]).write_bytes(PDF + b"%%EOF")
    with pytest.raises(DocumentAlteredError):
        await documents.read(attachment)


@pytest.mark.parametrize(
    "uri",
    ["https://files.example.org/{}", "folder://documents/../../{}", "file:///etc/{}", "s3://documents/{}"],
)
async def test_only_what_this_store_has_is_read(documents: Documents, uri: str) -> None:
    attachment = await documents.keep(PDF, "application/pdf")
    with pytest.raises(DocumentElsewhereError):
        await documents.read({**attachment, "uri": uri.format(attachment["sha256"])})


async def test_a_digest_that_names_a_path_is_not_read(documents: Documents) -> None:
    name = "../../../etc/passwd"
    with pytest.raises(DocumentElsewhereError):
        await documents.read({"uri": f"folder://documents/{name}", "sha256": name})


async def test_a_document_that_is_gone_is_not_found(documents: Documents, tmp_path: Path) -> None:
    attachment = await documents.keep(PDF, "application/pdf")
    (tmp_path / "documents" / attachment["sha256"]).unlink()
    with pytest.raises(FileNotFoundError):
        await documents.read(attachment)


def test_a_store_that_cannot_be_is_refused_at_the_start() -> None:
    for url in ("/var/documents", "file://host/documents", "http://files.example.it", "s3:///prefix"):
        with pytest.raises(SettingsError, match="PIN_DOCUMENTS_URL"):
            settings(url)
    with pytest.raises(SettingsError, match="PIN_DOCUMENTS_KEY"):
        settings("s3://documents", PIN_DOCUMENTS_KEY_ID="portal")
    with pytest.raises(SettingsError, match="PIN_DOCUMENTS_ENDPOINT"):
        settings("s3://documents", PIN_DOCUMENTS_ENDPOINT="http://s3.example.it")
