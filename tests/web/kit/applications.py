"""The applications as they are, with fake workers at their far edge: no servers are needed."""

import asyncio
import base64
import re
import secrets
import socket
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache, partial
from importlib import import_module
from pathlib import Path

import uvicorn
from nacl import pwhash
from starlette.applications import Starlette
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import ASGIApp

from deploy.web.sessions import Operator
from shared.crypto.keys import make_keys
from tests.kit.waiting import until
from tests.web.kit.fake_workers import FakeWorkers

HOME = "http://127.0.0.1:8080"
"""Where the pages believe to be."""
USERS = {"portal": "portal", "console": "operator"}
"""The broker's user of each application."""
KINDS = tuple(USERS)
OPERATOR = Operator("op-0042", "Contact Center", "Anna Bianchi", ("contact_centre", "branch", "supervisor"))
PASSWORD = "pesce-lanterna-quarzo"
"""Of the operator."""


@dataclass(frozen=True)
class Application:
    """One application under test.

    Attributes:
        kind: `portal` or `console`.
        app: to be served by ASGI.
        workers: which answer it.
        folder: what it keeps: keys, documents, users.
    """

    kind: str
    app: Starlette
    workers: FakeWorkers
    folder: Path


def application(kind: str, folder: Path, **settings: str) -> Application:
    """Return an application with settings of its own, such as `PIN_WEB_URL`."""
    module = import_module(f"deploy.web.{kind}")
    make_keys(folder / "keys")
    (folder / "documents").mkdir(exist_ok=True)
    (folder / "users.toml").write_text(_users(), encoding="utf-8")
    told = {
        "PIN_AMQP_URL": f"amqp://{USERS[kind]}:unused@127.0.0.1:1/",
        "PIN_KEYS_DIR": str(folder / "keys"),
        "PIN_WEB_URL": HOME,
        "PIN_WEB_SECRET": base64.b64encode(secrets.token_bytes(32)).decode(),
        "PIN_DOCUMENTS_URL": f"file://{folder / 'documents'}",
        **(_of_console(folder) if kind == "console" else {}),
        **settings,
    }
    app = module.application(module.SETTINGS.load(told))
    workers = FakeWorkers(USERS[kind])
    app.state.commands = workers
    if kind == "console":
        app.state.asking = partial(_asking, workers.heard_as("supervisor"))
    return Application(kind, app, workers, folder)


def _of_console(folder: Path) -> dict[str, str]:
    return {
        "PIN_CONSOLE_USERS": str(folder / "users.toml"),
        "PIN_SUPERVISOR_AMQP_URL": "amqp://supervisor:unused@127.0.0.1:1/",
    }


@asynccontextmanager
async def _asking(workers: FakeWorkers, _: object) -> AsyncIterator[FakeWorkers]:
    """Take the place of the connection that supervisors ask by."""
    yield workers


@cache
def _users() -> str:
    """Return the file of the console's people: one of them, with every role."""
    cheap = (pwhash.argon2id.OPSLIMIT_MIN, pwhash.argon2id.MEMLIMIT_MIN)
    verifier = pwhash.argon2id.str(PASSWORD.encode(), *cheap)
    lines = (
        f'id = "{OPERATOR.id}"',
        f'name = "{OPERATOR.name}"',
        f'office = "{OPERATOR.office}"',
        f"roles = {list(OPERATOR.roles)}",
        f'verifier = "{verifier.decode()}"',
    )
    return "\n".join(("[[user]]", *lines, ""))


def routes(app: Starlette) -> Iterator[Route]:
    """Yield every route of an application, also those below a mount."""
    yield from _below(app.routes)


def filled(path: str, word: str) -> str:
    """Return a route's pattern as a path, with a word in each place."""
    return re.sub(r"\{\w+(:\w+)?\}", word, path)


def _below(routes: Iterable[BaseRoute]) -> Iterator[Route]:
    for route in routes:
        if isinstance(route, Route):
            yield route
        elif isinstance(route, Mount) and route.name != "static":
            yield from _below(route.routes)


@asynccontextmanager
async def served(app: ASGIApp) -> AsyncIterator[str]:
    """Serve an application by HTTP on a free port; yield its address."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(64)
        config = uvicorn.Config(app, lifespan="off", access_log=False, log_config=None, server_header=False)
        server = uvicorn.Server(config)
        serving = asyncio.create_task(server.serve(sockets=[listening]))
        try:
            await until(lambda: server.started or serving.done(), "the pages to be served")
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            await serving
