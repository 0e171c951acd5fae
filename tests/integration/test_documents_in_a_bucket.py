"""The store of documents in an S3 bucket, of a server that speaks its protocol."""

from collections.abc import Iterator

import httpx
import pytest
from moto.server import ThreadedMotoServer
from obstore.store import S3Store

from deploy.web.documents import Documents
from deploy.web.errors import DocumentAlteredError
from deploy.web.settings import WebSettings
from shared.domain.policy import PinPolicy
from shared.domain.uris import allowed

PDF = b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\n%%EOF\n"


@pytest.fixture
def endpoint() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


async def test_a_document_is_kept_in_the_bucket_and_comes_back(endpoint: str) -> None:
    settings = WebSettings.load(
        {
            "PIN_AMQP_URL": "amqp://portal@127.0.0.1",
            "PIN_KEYS_DIR": "/nowhere",
            "PIN_WEB_URL": "http://127.0.0.1:8080",
            "PIN_WEB_SECRET": "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3JldA==",
            "PIN_DOCUMENTS_URL": "s3://pin-documents/of/2026",
            "PIN_DOCUMENTS_ENDPOINT": endpoint,
            "PIN_DOCUMENTS_REGION": "us-east-1",
            "PIN_DOCUMENTS_KEY_ID": "portal",
            "PIN_DOCUMENTS_KEY": "its-secret",
        }
    )
    async with httpx.AsyncClient() as client:
        assert (await client.put(f"{endpoint}/pin-documents")).is_success
    bucket = S3Store(
        "pin-documents",
        config={"endpoint": endpoint, "access_key_id": "portal", "secret_access_key": "its-secret"},
        client_options={"allow_http": True},
    )
    documents = Documents(settings)

    attachment = await documents.keep(PDF, "application/pdf")

    digest = attachment["sha256"]
    assert attachment["uri"] == f"s3://pin-documents/of/2026/{digest}"
    policy = PinPolicy()
    assert allowed(attachment["uri"], policy.attachment_schemes, policy.attachment_hosts)
    assert bytes(await (await bucket.get_async(f"of/2026/{digest}")).bytes_async()) == PDF
    assert await documents.read(attachment) == PDF

    await bucket.put_async(f"of/2026/{digest}", b"another")
    with pytest.raises(DocumentAlteredError):
        await documents.read(attachment)
