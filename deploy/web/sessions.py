"""The session: who is logged in, in a signed cookie, and the mark by which a form shows that it is ours."""

import hmac
import secrets
import time
from dataclasses import asdict, dataclass, field, replace

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from deploy.web.settings import WebSettings
from deploy.web.tokens import Tokens

_KIND = "session"
_NOBODYS = 3600
"""Seconds of a session in which nobody is logged in: as long as a form may be filled in."""
_LONGEST_LIFE = 4
"""Times `PIN_WEB_SESSION`: after that a session ends, whatever it does."""


@dataclass(frozen=True, slots=True)
class Operator:
    """A person at the console.

    Attributes:
        id: as the contract's `operator.id`.
        office: as `operator.office`.
        name: to be shown.
        roles: of `contact_centre`, `branch` and `supervisor`.
    """

    id: str
    office: str
    name: str = ""
    roles: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Session:
    """What a browser brings back.

    Attributes:
        id: random; another one from each log-in on.
        since: of the log-in, or else of its making, in seconds since 1970.
        language: `it` or `de`; empty: not chosen.
        codice_fiscale: of the citizen who is logged in.
        level: of the PIN, `online` or `dispositivo`.
        operator: who is logged in at the console.
    """

    id: str = field(default_factory=lambda: secrets.token_urlsafe(16))
    since: float = field(default_factory=time.time)
    language: str = ""
    codice_fiscale: str = ""
    level: str = ""
    operator: Operator | None = None

    @property
    def known(self) -> bool:
        """Whether somebody is logged in."""
        return bool(self.codice_fiscale or self.operator)


def current(request: Request) -> Session:
    """Return the session of a request."""
    session: Session = request.state.session
    return session


def change(request: Request, **values: str) -> None:
    """Change what the session remembers, such as `language` or `level`."""
    # By name, as the fields of different types share one mapping.
    request.state.session = replace(current(request), **values)  # type: ignore[arg-type]


def log_in(
    request: Request, *, codice_fiscale: str = "", level: str = "", operator: Operator | None = None
) -> None:
    """Begin a session of its own for who has just proved who they are: one known before is of no use."""
    request.state.session = Session(
        language=current(request).language, codice_fiscale=codice_fiscale, level=level, operator=operator
    )


def log_out(request: Request) -> None:
    """End the session; only the language stays."""
    request.state.session = Session(language=current(request).language)


class Sessions:
    """Reads the cookie of each request, and sets it with the response (ASGI).

    Args:
        app: what is served.
        settings: how long sessions last.
        tokens: sign them.
    """

    def __init__(self, app: ASGIApp, settings: WebSettings, tokens: Tokens, name: str) -> None:
        self._app, self._tokens = app, tokens
        self._idle = int(settings.web_session.total_seconds())
        self._secure = settings.secure
        # A browser takes a cookie of this prefix only by TLS, for this host and all its paths.
        self._cookie = f"__Host-{name}" if self._secure else name

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        request.state.session = self._read(request.cookies.get(self._cookie, ""))

        async def with_cookie(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).append("set-cookie", self._written(current(request)))
            await send(message)

        is_static = scope["path"].startswith("/static/")
        await self._app(scope, receive, send if is_static else with_cookie)

    def _read(self, cookie: str) -> Session:
        value = self._tokens.read(_KIND, cookie, max(_NOBODYS, self._idle))
        if not isinstance(value, dict):
            return Session()
        operator = value.pop("operator", None)
        if operator:
            operator = Operator(**{**operator, "roles": tuple(operator["roles"])})
        session = Session(**value, operator=operator)
        return Session(language=session.language) if self._is_over(session, cookie) else session

    def _is_over(self, session: Session, cookie: str) -> bool:
        if not session.known:
            return False
        is_idle = self._tokens.read(_KIND, cookie, self._idle) is None
        return is_idle or time.time() - session.since > _LONGEST_LIFE * self._idle

    def _written(self, session: Session) -> str:
        attributes = "Path=/; HttpOnly; SameSite=Lax" + ("; Secure" if self._secure else "")
        return f"{self._cookie}={self._tokens.sign(_KIND, asdict(session))}; {attributes}"


def csrf_mark(request: Request) -> str:
    """Return the mark that each form of this session carries."""
    tokens: Tokens = request.app.state.tokens
    return tokens.mark("csrf", current(request).id)


def is_ours(request: Request, mark: object) -> bool:
    """Tell whether a form carries the mark of this session, and no other site's page sent it."""
    if request.headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
        return False
    return isinstance(mark, str) and hmac.compare_digest(mark.encode(), csrf_mark(request).encode())
