"""A citizen at the portal, without a broker: pages and forms are real, what they publish is only noted."""

import base64
import re
from collections.abc import Mapping
from html import unescape
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

import httpx
from nacl.public import PrivateKey
from starlette.applications import Starlette

from deploy.web import portal
from deploy.web.asking import Reply
from deploy.web.errors import NotTakenError
from deploy.web.settings import WebSettings
from deploy.web.tokens import Tokens

ACCEPTED: Reply = {"outcome": "accepted", "code": "accepted", "detail": "", "errors": [], "data": {}}
_HOST = "http://127.0.0.1:8080"
_FIELD = re.compile(r"<(?:input|option|button|select)\b[^>]*>")
_ATTRIBUTE = re.compile(r'([a-z-]+)="([^"]*)"')


def rejected(code: str, *errors: tuple[str, str]) -> Reply:
    listed = [{"field": field, "code": code, "detail": ""} for field, code in errors]
    return {"outcome": "rejected", "code": code, "detail": "", "errors": listed, "data": {}}


class Broker:
    """Stands in the place of `Commands`: notes what is asked, and answers as it is told."""

    ready = True

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, Any], str]] = []
        self.reply: Reply | None = ACCEPTED
        self.is_there = True

    async def ask(
        self, type_: str, body: Mapping[str, Any], message_id: str, *, within: float
    ) -> Reply | None:
        """As `Commands.ask`."""
        assert within > 0
        if not self.is_there:
            raise NotTakenError
        self.asked.append((type_, dict(body), message_id))
        return self.reply


def settings(folder: Path) -> WebSettings:
    """The settings of a portal, with new keys of the services in a folder."""
    for service in ("issuer", "revoker"):
        key = bytes(PrivateKey.generate().public_key)
        (folder / f"{service}.pub").write_text(base64.b64encode(key).decode())
    return WebSettings.load(
        {
            "PIN_AMQP_URL": "amqp://portal:secret@127.0.0.1:1/",
            "PIN_KEYS_DIR": str(folder),
            "PIN_WEB_URL": _HOST,
            "PIN_WEB_SECRET": base64.b64encode(b"of these tests alone, 32 bytes..").decode(),
        }
    )


class Citizen:
    """A browser: it keeps cookies, and fills in the forms that it is shown.

    Attributes:
        page: what it shows.
        html: of that page.
        broker: what the portal published.
    """

    def __init__(self, folder: Path, app: Starlette | None = None) -> None:
        self.broker = Broker()
        self.app = app or portal.application(settings(folder))
        self.app.state.commands = self.broker
        self._client = httpx.AsyncClient(transport=httpx.ASGITransport(self.app), base_url=_HOST)
        self.page = httpx.Response(200)

    @property
    def html(self) -> str:
        """The page as it came."""
        return self.page.text

    @property
    def said(self) -> str:
        """The words of the page's main part."""
        main = self.html.partition("<main")[2].partition(">")[2].partition("</main>")[0]
        return " ".join(unescape(re.sub(r"<[^>]*>", " ", main)).split())

    async def open(self, path: str, **headers: str) -> Self:
        """Go to an address."""
        self.page = await self._client.get(path, headers=headers, follow_redirects=True)
        return self

    async def send(self, action: str, **typed: str) -> Self:
        """Fill in the form of the page and send it to an address.

        Args:
            action: of the form, or of one of its buttons.
            typed: by field, with `__` for a dot.
        """
        self.page = await self._client.post(action, data=self.form | dotted(typed), follow_redirects=True)
        return self

    @property
    def form(self) -> dict[str, str]:
        """The fields of the form in the page's main part, as it came."""
        main = self.html.partition("<main")[2]
        values: dict[str, str] = {}
        chosen_of = ""
        for tag in _FIELD.findall(main):
            field = {name: unescape(value) for name, value in _ATTRIBUTE.findall(tag)}
            match tag.split()[0]:
                case "<select":
                    chosen_of = field["name"]
                case "<option" if " selected" in tag:
                    values[chosen_of] = field["value"]
                case "<input" if "name" in field and (field.get("type") != "radio" or " checked" in tag):
                    values[field["name"]] = field.get("value", "")
        return values

    @property
    def faults(self) -> dict[str, str]:
        """What is said at each field that is at fault."""
        found = re.findall(r'<div class="pin-fault" id="f-([^"]*)-fault">([^<]*)</div>', self.html)
        return {name: unescape(text) for name, text in found}

    @property
    def session(self) -> str:
        """The id of the session."""
        tokens: Tokens = self.app.state.tokens
        return str(tokens.read("session", self._client.cookies["pin-portal"], 900)["id"])

    def at(self, app: Starlette) -> "Citizen":
        """The same browser, which a balancer has sent to another process."""
        citizen = Citizen.__new__(Citizen)
        citizen.app, citizen.broker, citizen.page = app, self.broker, self.page
        transport = httpx.ASGITransport(app)
        citizen._client = httpx.AsyncClient(transport=transport, base_url=_HOST, cookies=self._client.cookies)
        return citizen

    async def fetch(self, path: str, **headers: str) -> httpx.Response:
        """Get what a page embeds, and stay on the page."""
        return await self._client.get(path, headers=headers)

    def address_of(self, pattern: str) -> str:
        """The address on the page that is like this."""
        found = re.search(f'"({pattern})"', self.html)
        assert found, f"no {pattern} on the page"
        return urlsplit(unescape(found[1])).geturl()


def dotted(typed: Mapping[str, str]) -> dict[str, str]:
    return {name.replace("__", "."): value for name, value in typed.items()}
