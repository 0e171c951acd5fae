"""A console without a broker: its pages in this process, and what they would have published."""

import asyncio
import base64
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from html import unescape
from pathlib import Path
from typing import Any, Self

import httpx
from nacl import pwhash
from starlette.applications import Starlette

from deploy.web import console as package
from deploy.web.asking import Reply
from deploy.web.console.settings import ConsoleSettings

CITIZEN = "RSSMRA85T10A562S"
ID = "123e4567-e89b-42d3-a456-426614174000"
PASSWORD = "una frase lunga e sua"
# Of the least cost: these tests do not measure it.
_VERIFIER = pwhash.argon2id.str(
    PASSWORD.encode(), pwhash.argon2id.OPSLIMIT_MIN, pwhash.argon2id.MEMLIMIT_MIN
).decode()
PEOPLE = {
    "c.centro": ("Carla Centro", "Contact Center", ["contact_centre"]),
    "s.sede": ("Sergio Sede", "Sede di Pisa", ["branch"]),
    "r.capo": ("Rita Capo", "Direzione", ["supervisor"]),
    "t.tutti": ("Teo Tutti", "Direzione", ["contact_centre", "branch", "supervisor"]),
}
ACCEPTED: Reply = {"outcome": "accepted", "code": "accepted", "detail": "", "errors": [], "data": {}}


def accepted(**data: object) -> Reply:
    return {**ACCEPTED, "data": data}


def rejected(code: str, *faults: tuple[str, str]) -> Reply:
    errors = [{"field": field, "code": fault, "detail": ""} for field, fault in faults]
    return {"outcome": "rejected", "code": code, "detail": "", "errors": errors, "data": {}}


class Broker:
    """Stands where `Commands` does: takes commands, and answers as it was told."""

    ready = True

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, Any], str]] = []
        self.replies: dict[str, Reply | Exception | None] = {}

    async def ask(
        self, type_: str, body: Mapping[str, Any], message_id: str, *, within: float
    ) -> Reply | None:
        """Take a command."""
        assert within > 0
        self.asked.append((type_, dict(body), message_id))
        reply = self.replies.get(type_, ACCEPTED)
        if isinstance(reply, Exception):
            raise reply
        return reply


def users_file(path: Path, people: Mapping[str, tuple[str, str, list[str]]] = PEOPLE) -> Path:
    lines = [
        f'[[user]]\nid = "{id_}"\nname = "{name}"\noffice = "{office}"\nroles = {roles}\n'
        f'verifier = "{_VERIFIER}"\n'
        for id_, (name, office, roles) in people.items()
    ]
    path.write_text("\n".join(lines))
    return path


def settings_of(folder: Path, **chosen: str) -> ConsoleSettings:
    environ = {
        "PIN_AMQP_URL": "amqp://operator:x@127.0.0.1:1/",
        "PIN_KEYS_DIR": str(folder),
        "PIN_WEB_URL": "http://127.0.0.1:8080",
        "PIN_WEB_SECRET": base64.b64encode(bytes(32)).decode(),
        "PIN_DOCUMENTS_URL": f"file://{folder}/documents",
    }
    if "PIN_OIDC_ISSUER" not in chosen:
        environ["PIN_CONSOLE_USERS"] = str(users_file(folder / "users.toml"))
    return ConsoleSettings.load(environ | chosen)


class Browser:
    """What a person does: opens pages, fills in forms, and sends them."""

    def __init__(self, app: Starlette, broker: Broker) -> None:
        self._runner = asyncio.Runner()
        transport = httpx.ASGITransport(app)
        self.client = httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8080")
        self.app, self.broker = app, broker
        self.html = ""
        self.status = 0

    def close(self) -> None:
        """End the browser."""
        self._runner.run(self.client.aclose())
        self._runner.close()

    def ask(self, method: str, path: str, **more: Any) -> httpx.Response:  # noqa: ANN401 - as httpx
        """Send any request."""
        return self._runner.run(self.client.request(method, path, **more))

    def open(self, path: str) -> Self:
        """Open a page."""
        return self._shown(self.ask("GET", path))

    def send(self, action: str, data: Mapping[str, str] | None = None, **more: Any) -> Self:  # noqa: ANN401 - as httpx
        """Send the form of this page that goes to `action`, with its hidden fields."""
        hidden = self.hidden(action)
        return self._shown(self.ask("POST", action, data={**hidden, **(data or {})}, **more))

    def hidden(self, action: str) -> dict[str, str]:
        """Return the hidden fields of the form that goes to `action`."""
        form = re.search(rf'<form[^>]*action="{re.escape(action)}".*?</form>', self.html, re.DOTALL)
        assert form, f"no form goes to {action}"
        fields = re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)">', form[0])
        return {name: unescape(value) for name, value in fields}

    def _shown(self, response: httpx.Response) -> Self:
        self.status, self.html, self.headers = response.status_code, response.text, response.headers
        return self

    @property
    def text(self) -> str:
        """What is read on the page."""
        return " ".join(unescape(re.sub(r"<[^>]*>", " ", self.html)).split())

    def enter(self, id_: str, password: str = PASSWORD) -> Self:
        """Log in."""
        return self.open("/log-in").send("/log-in", {"id": id_, "password": password})

    @property
    def last(self) -> tuple[str, dict[str, Any], str]:
        """The last command: its type, its body and its `message_id`."""
        return self.broker.asked[-1]


@contextmanager
def console(folder: Path, **chosen: str) -> Iterator[Browser]:
    """Serve a console; nobody is logged in."""
    app = package.application(settings_of(folder, **chosen))
    broker = Broker()
    app.state.commands = broker  # the lifespan, which connects, is not run
    browser = Browser(app, broker)
    yield browser
    browser.close()
