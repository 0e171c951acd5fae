"""The settings of the portal and of the console."""

import base64
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field

from shared.config.plaintext import Plaintext, http, is_local
from shared.config.servers import AmqpSettings
from shared.config.settings import SecretSetting

_SHORTEST = 32


class WebSettings(AmqpSettings):
    """What both applications need."""

    keys_dir: Path
    """Folder of the public keys `issuer.pub` and `revoker.pub`, to which PINs and tokens are sealed."""
    web_url: str
    """Where people reach the pages, such as `https://pin.example.it`. With `http://`, for this machine only,
    cookies go without `Secure`."""
    web_secret: SecretSetting
    """At least 32 random bytes in base64, the same for every process of one application: who has it can make
    sessions and forms, and open replies. A new one ends all sessions, and forms that are being filled in."""
    web_host: str = "127.0.0.1"
    """Address to listen on."""
    web_port: int = 8080
    """Port to listen on, for HTTP; a proxy in front speaks TLS."""
    web_session: timedelta = timedelta(minutes=15)
    """How long a log-in lasts without a request; four times as long in all. Longer: a screen that was left
    is open for longer."""
    web_patience: timedelta = timedelta(seconds=3)
    """How long a page waits for its reply before it says so and asks again. Longer: fewer such pages, and
    more requests that wait."""
    web_signing_key: SecretSetting | None = None
    """Ed25519 key (base64) that signs the commands, where messages are signed; replies are then verified by
    `<service>-signing.pub` of the keys folder."""
    documents_url: str = ""
    """Store of what citizens upload: `file:///folder` or `s3://bucket/prefix`. Empty: nothing is uploaded
    or shown. The attachments of a bucket are named by this address, those of a folder `folder://documents/…`:
    `PIN_ATTACHMENT_SCHEMES` and `PIN_ATTACHMENT_HOSTS` have to allow them."""
    documents_endpoint: str = ""
    """Where the bucket is, such as `https://s3.example.it`; empty: at Amazon."""
    documents_region: str = ""
    """Region of the bucket; empty: as the store's own variables (`AWS_REGION`) say, or none."""
    documents_key_id: str = ""
    """Name of the key by which the bucket is reached. Empty: as the machine's own role allows."""
    documents_key: SecretSetting | None = None
    """That key."""
    web_upload_limit: int = Field(default=5 * 1024 * 1024, ge=1024, le=25 * 1024 * 1024)
    """Bytes of one uploaded file. More: better scans, and more memory while one comes in."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """The lowest level that is logged."""
    health_port: int = 0
    """Port for `/live` and `/ready`; 0: none."""
    health_host: str = "127.0.0.1"
    """Address for them."""

    @property
    def secure(self) -> bool:
        """Whether people come by TLS."""
        return self.web_url.startswith("https://")

    @property
    def secret(self) -> bytes:
        """The secret's bytes."""
        return base64.b64decode(self.web_secret.reveal(), validate=True)

    @property
    def user(self) -> str:
        """The broker's user."""
        return urlsplit(self.amqp_url.reveal()).username or ""

    def plaintext(self) -> Iterator[Plaintext]:
        """Yield the connections to the broker and to the store of documents that are not protected."""
        yield from super().plaintext()
        if self.documents_endpoint:
            yield from http("PIN_DOCUMENTS_ENDPOINT", self.documents_endpoint, "what citizens upload")

    def faults(self) -> Iterator[str]:
        """Yield what is wrong with the secret and the addresses."""
        yield from super().faults()
        store = urlsplit(self.documents_url)
        if self.documents_url and not (
            (store.scheme == "file" and store.path.startswith("/") and not store.netloc)
            or (store.scheme == "s3" and store.netloc)
        ):
            yield "PIN_DOCUMENTS_URL: neither file:///folder nor s3://bucket/prefix"
        if bool(self.documents_key_id) != bool(self.documents_key):
            yield "PIN_DOCUMENTS_KEY_ID, PIN_DOCUMENTS_KEY: one of them is of no use alone"
        try:
            if len(self.secret) < _SHORTEST:
                yield f"PIN_WEB_SECRET: less than {_SHORTEST} bytes"
        except ValueError:
            yield "PIN_WEB_SECRET: no base64"
        parts = urlsplit(self.web_url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            yield "PIN_WEB_URL: no address of pages, such as https://pin.example.it"
        elif parts.scheme == "http" and not is_local(parts.hostname):
            yield "PIN_WEB_URL: http:// shows PINs to whoever is on the way; it is for this machine only"
