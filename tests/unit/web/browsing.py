"""The portal without servers: a browser of its own, and a broker that answers as it is told."""

import base64
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import httpx
from nacl.public import PrivateKey, PublicKey, SealedBox

from deploy.web import portal
from deploy.web.asking import Reply
from deploy.web.errors import NotTakenError
from deploy.web.settings import WebSettings

CITIZEN = "RSSMRA85T10A562S"
FIRST, SECOND, KEPT = "7K3M9QPA", "X4T0W8ZB", "5HJ2N6RC"
"""The halves of the initial PIN, and the PIN that replaces it."""
SECRET = base64.b64encode(b"a secret of thirty-two bytes or so").decode()


@dataclass
class Broker:
    """Stands in for `Commands`: it answers as its replies say, and the same again under the same id.

    Attributes:
        replies: by the command's type: what is answered, or a function of the command's body.
        asked: the commands as published: type, body, `message_id`.
        silent: whether no reply comes in time.
        gone: whether it takes nothing.
    """

    replies: dict[str, Reply | Callable[[Mapping[str, Any]], Reply]] = field(default_factory=dict)
    asked: list[tuple[str, Mapping[str, Any], str]] = field(default_factory=list)
    silent: bool = False
    gone: bool = False
    ready: bool = True

    async def ask(
        self, type_: str, body: Mapping[str, Any], message_id: str, *, within: float
    ) -> Reply | None:
        """Answer a command."""
        assert within > 0
        if self.gone:
            raise NotTakenError
        earlier = next((sent for _, sent, id_ in self.asked if id_ == message_id), None)
        self.asked.append((type_, body, message_id))
        if earlier is not None and earlier != body:
            return rejected("message_id_reused")
        if self.silent:
            return None
        reply = self.replies[type_]
        return reply(body) if callable(reply) else reply


def accepted(**data: object) -> Reply:
    """Return a reply as the workers write it."""
    return {"outcome": "accepted", "code": "accepted", "detail": "", "errors": [], "data": data}


def rejected(code: str, *errors: tuple[str, str], **data: object) -> Reply:
    """Return a refusal; errors are pairs of field and code."""
    told = [{"field": field, "code": code, "detail": ""} for field, code in errors]
    return {"outcome": "rejected", "code": code, "detail": "", "errors": told, "data": data}


def activated(body: Mapping[str, Any]) -> Reply:
    """Return the reply to a first access, with the new PIN sealed to the key that the command gives."""
    box = SealedBox(PublicKey(base64.b64decode(body["reply_key"])))
    return accepted(pin_sealed=base64.b64encode(box.encrypt(KEPT.encode())).decode(), level="online")


class _Form(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: dict[str, dict[str, str]] = {}
        self._fields: dict[str, str] = {}
        self._select = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        match tag:
            case "form":
                self._fields = self.forms.setdefault(given["action"], {})
            case "input" if given.get("type") == "radio" and "checked" not in given:
                return
            case "input" if given.get("type") != "file":
                self._fields[given["name"]] = given.get("value", "")
            case "select":
                self._select = given["name"]
            case "option" if self._select and (self._select not in self._fields or "selected" in given):
                self._fields[self._select] = given["value"]
            case _:
                return

    def handle_endtag(self, tag: str) -> None:
        if tag == "select":
            self._select = ""


class Page:
    """A response, as a person sees it."""

    def __init__(self, response: httpx.Response) -> None:
        self.status, self.headers, self.content = response.status_code, response.headers, response.content
        self.html = response.text if "html" in response.headers.get("content-type", "") else ""
        parser = _Form()
        parser.feed(self.html)
        self.forms = parser.forms

    @property
    def text(self) -> str:
        """What can be read of it."""
        return " ".join(re.sub(r"<[^>]+>", " ", self.html.partition("<main")[2]).split())

    @property
    def location(self) -> str:
        """Where it leads."""
        return str(self.headers.get("location", ""))


class Browser:
    """A browser with its cookies, at the portal."""

    def __init__(self, app: Any, language: str = "it") -> None:  # noqa: ANN401 - any ASGI application
        self.client = httpx.AsyncClient(
            transport=httpx.ASGITransport(app),
            base_url="http://127.0.0.1:8080",
            headers={"accept-language": language},
        )

    async def get(self, path: str) -> Page:
        """Open an address."""
        return Page(await self.client.get(path))

    async def send(
        self,
        page: Page,
        action: str,
        files: Mapping[str, tuple[str, bytes, str]] | None = None,
        /,
        **fields: str,
    ) -> Page:
        """Fill in a form of a page and send it. In the names of fields `__` stands for a dot."""
        given = {name.replace("__", "."): text for name, text in fields.items()}
        return Page(await self.client.post(action, data=page.forms[action] | given, files=files))

    async def log_in(self, broker: Broker, level: str = "online") -> Page:
        """Log in, and open one's own page."""
        broker.replies["pin.verify"] = accepted(level=level)
        page = await self.send(await self.get("/log-in"), "/log-in", codice_fiscale=CITIZEN, pin=KEPT)
        assert page.location == "/me", page.text
        broker.asked.clear()
        return await self.get("/me")


@dataclass(frozen=True)
class Portal:
    """Two processes of the portal, which share a secret and nothing else, with the far end of both.

    Attributes:
        app: the first.
        other: the second.
        broker: answers both.
        issuer: the key that PINs are sealed to.
        documents: the folder of what is uploaded.
    """

    app: Any
    other: Any
    broker: Broker
    issuer: PrivateKey
    documents: Path


def portal_in(folder: Path) -> Portal:
    """Make a portal whose state is in a folder."""
    issuer = PrivateKey.generate()
    (folder / "issuer.pub").write_bytes(base64.b64encode(bytes(issuer.public_key)))
    settings = WebSettings.load(
        {
            "PIN_AMQP_URL": "amqp://portal@127.0.0.1",
            "PIN_KEYS_DIR": str(folder),
            "PIN_WEB_URL": "http://127.0.0.1:8080",
            "PIN_WEB_SECRET": SECRET,
            "PIN_DOCUMENTS_URL": (folder / "documents").as_uri(),
        }
    )
    broker = Broker()
    apps = [portal.application(settings), portal.application(settings)]
    for app in apps:
        app.state.commands = broker
    return Portal(apps[0], apps[1], broker, issuer, folder / "documents")
